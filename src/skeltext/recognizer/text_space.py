"""The text space of a trained model: kept with its card, used for the texts of classes and for typed labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from skeltext.errors import SkeltextError
from skeltext.recognizer.card import LABEL_MAP, SPACE_STATE, Card
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.encoder import Embeddings, TextEncoder
from skeltext.texts.label_map import LabelMap
from skeltext.texts.registry import text_space
from skeltext.texts.space import ClassTexts, State, TextSpace


def space_of(card: Card, encoder: TextEncoder) -> TextSpace:
    """The text space of a card, as it was fitted, on what `encoder` makes of sentences."""
    space = text_space(
        card.text_space, card.text_space_options, encoder=encoder, kind=card.texts, kinds=card.text_kinds
    )
    return space.with_state(fitted_state(card))


def fitted_state(card: Card) -> State:
    """What the text space of a card has fitted; :class:`SkeltextError` if that cannot be read."""
    return _unpacked(card.text_space_state, file=SPACE_STATE)


def packed_state(fitted: TextSpace | LabelMap) -> bytes:
    """What a text space or a label map has fitted, as the content of a safetensors file; nothing where that is none."""
    return save({name: np.ascontiguousarray(array) for name, array in fitted.state.items()}) if fitted.state else b""


def _unpacked(content: bytes, *, file: str) -> State:
    try:
        return load(content) if content else {}
    except (SafetensorError, ValueError, KeyError) as error:
        raise SkeltextError(f"{file} of the model is damaged ({error}); copy its folder again") from error


class TypedTexts:
    """The text space of a card as a text encoder: every sentence is a class of which nothing else is known.

    ``name`` and ``revision`` are those of the `encoder` of sentences, the latter with all that makes up the space.
    ``label_map`` is for names in place of sentences, None where the card has none.
    """

    def __init__(self, encoder: TextEncoder, card: Card) -> None:
        self.name = encoder.name
        parts = (encoder.revision, card.text_space, repr(sorted(card.text_space_options.items())), card.texts)
        self.revision = EmbeddingCache.digest("\0".join(parts).encode() + card.text_space_state)
        self._space = space_of(card, encoder)
        names = _unpacked(card.label_map, file=LABEL_MAP)
        self.label_map = LabelMap(self._space, encoder).with_state(names) if names else None

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """K sentences to (K, D), or to (K, P, D) for a method that reads P kinds of text."""
        return self._space.encode([ClassTexts(label=text) for text in texts])
