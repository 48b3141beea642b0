"""What a checkpoint says beside its weights. Nothing here needs torch.

``weights.safetensors`` the parameters and buffers, ``config.json`` how to build the model and which text encoder it
speaks to, ``preprocess.json`` what it was fed, ``labels.json`` the texts of the classes it learnt from, and
``text_space.safetensors`` what a text space has fitted on these classes, where it fits anything, and
``label_map.safetensors`` what is known of names of actions, where labels that somebody types are mapped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError
from skeltext.formats.format import read_bytes
from skeltext.formats.writing import made_folder, write_text, written_aside
from skeltext.methods.model_config import ModelConfig
from skeltext.skeletons.preprocessing import Preprocessing

WEIGHTS, CONFIG, PREPROCESS, LABELS = "weights.safetensors", "config.json", "preprocess.json", "labels.json"
SPACE_STATE, LABEL_MAP = "text_space.safetensors", "label_map.safetensors"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What goes wrong when a file is no card, or one that somebody changed."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a checkpoint says beside its weights.

    ``labels`` maps the classes it learnt from to their texts of the kind ``texts``. ``text_space`` embeds texts, with
    ``text_space_options`` and the content of its file, ``text_space_state``. ``text_kinds`` are the kinds of text that
    the method reads, each by itself; there are none where it reads one. ``authors`` says whose descriptions it learnt
    from, and ``labels`` has those of the first. ``label_map`` is the content of the file of the map for typed labels,
    empty where there is none.
    """

    model: ModelConfig
    preprocessing: Preprocessing
    text_encoder: str
    texts: str
    dataset: str
    labels: Mapping[str, str]
    text_space: str = "sentence"
    text_space_options: Mapping[str, Any] = field(default_factory=dict)
    text_kinds: tuple[str, ...] = ()
    authors: str = "first"
    text_space_state: bytes = field(default=b"", repr=False)
    label_map: bytes = field(default=b"", repr=False)


def card_texts(card: Card) -> dict[str, str]:
    """The three texts that a card is written as, by the names of their files."""
    config = {
        "model": asdict(card.model),
        "text_encoder": card.text_encoder,
        "texts": card.texts,
        "dataset": card.dataset,
        "text_space": card.text_space,
        "text_space_options": dict(card.text_space_options),
        "text_kinds": card.text_kinds,
        "authors": card.authors,
        "text_space_state": _digest(card.text_space_state),
        "label_map": _digest(card.label_map),
    }
    return {
        CONFIG: json.dumps(config, indent=1),
        PREPROCESS: card.preprocessing.to_json(),
        LABELS: json.dumps(dict(card.labels), indent=1, ensure_ascii=False),
    }


def card_from_texts(texts: Mapping[str, str], *, state: bytes = b"", label_map: bytes = b"") -> Card:
    """The card that :func:`card_texts` wrote, with what was fitted for texts; what is wrong is raised as it is."""
    config = json.loads(texts[CONFIG])
    for file, content, name in ((SPACE_STATE, state, "text_space_state"), (LABEL_MAP, label_map, "label_map")):
        if _digest(content) != config.get(name, ""):
            raise ValueError(f"{file} is missing, damaged or of another model")
    return Card(
        model=ModelConfig(**config["model"]),
        preprocessing=Preprocessing.from_json(texts[PREPROCESS]),
        text_encoder=config["text_encoder"],
        texts=config["texts"],
        dataset=config["dataset"],
        labels=dict(json.loads(texts[LABELS]).items()),
        text_space=config.get("text_space", "sentence"),  # cards of old have none
        text_space_options=dict(config.get("text_space_options", {})),
        text_kinds=tuple(config.get("text_kinds", ())),
        authors=config.get("authors", "first"),
        text_space_state=state,
        label_map=label_map,
    )


def save_card(folder: Path, card: Card) -> None:
    """Write everything but the weights."""
    made_folder(folder)
    for file, content in ((SPACE_STATE, card.text_space_state), (LABEL_MAP, card.label_map)):
        if content:
            with written_aside(folder / file) as aside:
                aside.write_bytes(content)
    for name, text in card_texts(card).items():
        write_text(folder / name, text)


def load_card(folder: Path) -> Card:
    """Read what :func:`save_card` wrote; :class:`SkeltextError` if the folder is no checkpoint."""
    try:
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in (CONFIG, PREPROCESS, LABELS)}
        return card_from_texts(texts, state=content_of(folder / SPACE_STATE), label_map=content_of(folder / LABEL_MAP))
    except UNREADABLE as error:
        raise SkeltextError(
            f"{folder} is no checkpoint of skeltext ({error}); expected {CONFIG}, {PREPROCESS}, {LABELS} and {WEIGHTS}"
        ) from error


def content_of(file: Path) -> bytes:
    """The content of a file that need not be there; nothing where it cannot be read."""
    try:
        return read_bytes(file)
    except SkeltextError:
        return b""


def _digest(state: bytes) -> str:
    """What tells one content of a file from another; empty where there is none."""
    return sha256(state).hexdigest() if state else ""
