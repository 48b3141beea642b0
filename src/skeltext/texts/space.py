"""A text space: from the texts of classes to the vectors that clips are compared with. Numpy only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.texts.encoder import Embeddings

State = Mapping[str, npt.NDArray[Any]]
"""What a space has fitted: arrays by name, as a safetensors file holds them."""


@dataclass(frozen=True, kw_only=True)
class ClassTexts:
    """What is known of a class in words: its ``label`` and its ``texts`` by kind, of which there may be none.

    ``others`` are texts of the same class by further authors, each by kind.
    """

    label: str
    texts: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Mapping[str, str], ...] = ()

    @property
    def by_author(self) -> tuple[ClassTexts, ...]:
        """The class as each author describes it.

        >>> both = ClassTexts(label="Wave", texts={"name": "wave"}, others=({"name": "greet"},))
        >>> [one.text("name") for one in both.by_author]
        ['wave', 'greet']
        """
        return tuple(ClassTexts(label=self.label, texts=texts) for texts in (self.texts, *self.others))

    def text(self, kind: str) -> str:
        """The text of a kind. In place of one that is missing: the first text there is, or the label.

        So a label that somebody typed is a class: its words are its text of every kind.

        >>> ClassTexts(label="Wave", texts={"complete": "One hand swings."}).text("complete")
        'One hand swings.'
        >>> ClassTexts(label="waving a flag").text("complete")
        'waving a flag'
        """
        return self.texts.get(kind) or next(iter(self.texts.values()), self.label)


class TextSpace(ABC):
    """From classes to vectors. One subclass in one file is an entry of :mod:`skeltext.texts.registry`.

    A space is built with the ``encoder`` of sentences and the ``kind`` of text that a run is about, if its constructor
    asks for them; its other arguments are its options. ``kinds`` are the kinds of text that it reads of a class, none
    where the encoder is a table with a row for each class. ``state`` is what was fitted, which is kept with a model.

    A subclass has :meth:`encode` and, if there is something to fit, :meth:`fit`.
    """

    kinds: tuple[str, ...] = ()
    state: State = MappingProxyType({})

    @abstractmethod
    def encode(self, classes: Sequence[ClassTexts]) -> Embeddings:
        """K classes to (K, D) float32, each by itself. The row of a class does not depend on the others."""

    def fit(self, classes: Sequence[ClassTexts]) -> State:
        """What is to be known of the seen classes of a training; nothing by default."""
        return {}

    def fitted(self, name: str) -> npt.NDArray[Any]:
        """An array of the state; :class:`SkeltextError` where it is missing."""
        require(name in self.state, f"the text space has no {name!r} that was fitted; train the model again")
        return self.state[name]

    def fitted_on(self, classes: Sequence[ClassTexts]) -> Self:
        """This space fitted on the seen classes of a training, whatever their order."""
        return self.with_state(self.fit(sorted(classes, key=lambda one: one.label)))

    def with_state(self, state: State) -> Self:
        """This space with what was fitted before."""
        found = copy(self)
        found.state = state
        return found


def directions(rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Rows of length one in float64; a row of zeros stays.

    >>> directions(np.array([[3, 4], [0, 0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    exact = rows.astype(np.float64)
    return np.asarray(exact / np.maximum(np.linalg.norm(exact, axis=-1, keepdims=True), 1e-12))
