"""From a label of a few words to a vector of a text space, learned from described actions. Numpy only.

Descriptions say more of a movement than names, but people type names. A described action has both, so a map from
names to the vectors of descriptions can be learned from the seen classes of a training and from the other actions that
we describe. For a label it gives the vector that a description of it would likely have.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Self

import numpy as np
import numpy.typing as npt

from skeltext.texts.encoder import Embeddings, TextEncoder
from skeltext.texts.phrase_bank import describe_label
from skeltext.texts.space import ClassTexts, State, TextSpace, directions
from skeltext.texts.spelling import mirrored, plain
from skeltext.texts.words import NameWords

Rows = npt.NDArray[np.float64]

# Chosen on random splits of the classes of kinect20 that splits 0, 1 and 2 never omit.
SHARPNESS, SMOOTHING = 2.0, 0.1
SPELLING = 0.3  # how much the words of a name count beside its sentence embedding
SIDED = 1.0  # how much more counts what tells a label from its mirror image
PROPOSED = 0.5  # how much the text of a proposal counts beside what is mapped
MOST_WORDS = 8  # of a label that is mapped; longer ones say what the body does, and are better as they are
SAME = 0.8  # cosine from which two names are taken for names of one action


@dataclass(frozen=True)
class Near:
    """A described action that is called like a label, and the cosine of the two names."""

    action: str
    similarity: float


class LabelMap:
    """Kernel ridge regression from labels to the vectors of descriptions in a text `space`.

    Every described action is learned by two names: its label and what the phrase bank proposes for that. Names are
    alike if their sentence embeddings are, which `encoder` makes, or if they have rare words in common
    (:class:`NameWords`). ``state`` is what was fitted: ``names`` of the actions as text, ``keys`` (2, A, W) their
    embeddings and ``values`` (A, D) in half precision, and ``center`` (D,), the mean of the seen classes, from which
    the values are learned. It is a value: :meth:`fitted_on` and :meth:`with_state` return another map.
    """

    state: State = MappingProxyType({})

    def __init__(self, space: TextSpace, encoder: TextEncoder) -> None:
        self._space, self._encoder = space, encoder

    def fitted_on(
        self, classes: Sequence[ClassTexts], *, library: Sequence[ClassTexts] = (), unseen: Sequence[str] = ()
    ) -> Self:
        """This map fitted on seen classes and on a `library` of other described actions.

        An action of the library that is called like one of the `unseen` classes (:data:`SAME`) is not looked at.
        """
        if library and unseen:
            library = self._without(library, unseen)
        known = {one.label.casefold(): one for one in (*library, *classes)}  # a class goes before its namesake
        actions = [known[name] for name in sorted(known)]
        labels = [one.label for one in actions]
        keys = np.stack([self._embedded(labels), self._embedded(proposals(labels))])
        names = np.frombuffer("\n".join(" ".join(label.split()) for label in labels).encode(), np.uint8)
        values = self._space.encode(actions)
        center = self._space.encode(sorted(classes, key=lambda one: one.label)).mean(axis=0)
        halves = {"keys": keys.astype(np.float16), "values": values.astype(np.float16)}
        return self.with_state({"names": names, "center": center.astype(np.float32), **halves})

    def with_state(self, state: State) -> Self:
        """This map with what was fitted before."""
        found = copy(self)
        for kept in ("_learned", "_weights", "_names"):
            found.__dict__.pop(kept, None)
        found.state = state
        return found

    def encode(self, labels: Sequence[str]) -> Embeddings:
        """K labels to (K, D), as long as the vectors of descriptions are on average.

        A row is the direction of r + s (r - r'), where r' is that of the label with left and right exchanged, if it
        names a side, and s is :data:`SIDED`. r is the direction of f(label) + f(proposal) + p t(proposal): f is the
        map, t the text space, p is :data:`PROPOSED`, and the sum of the first two is a direction, as the third is.
        """
        labels = [plain(label) for label in labels]
        rows, others = self._directions(labels), np.array([mirrored(label) != label for label in labels], bool)
        if others.any():
            sided = [mirrored(label) for label, other in zip(labels, others, strict=True) if other]
            rows[others] += SIDED * (rows[others] - self._directions(sided))
        length = np.linalg.norm(self._values, axis=1).mean()
        return np.asarray(length * directions(rows), np.float32)

    def _directions(self, labels: Sequence[str]) -> Rows:
        """K labels to (K, D), each of length one, whatever their mirror images."""
        proposed = proposals(labels)
        mapped = directions(self._mapped([*labels, *proposed]))  # (2 K, D)
        sums = directions(mapped[: len(labels)] + mapped[len(labels) :])
        spoken = directions(self._space.encode([ClassTexts(label=text) for text in proposed]))
        return directions(sums + PROPOSED * spoken)

    def nearest(self, label: str, *, count: int = 2) -> tuple[Near, ...]:
        """The described actions with the names that are nearest to a label, the nearest first."""
        (row,) = self._embedded([plain(label)])
        likeness = directions(self.state["keys"][0]) @ row
        return tuple(
            Near(self._names[place], round(float(likeness[place]), 3))
            for place in np.argsort(-likeness, kind="stable")[:count]
        )

    @cached_property
    def _learned(self) -> NameWords:
        """The words of the names that were learned, 2A of them."""
        return NameWords([*self._names, *proposals(self._names)])

    @cached_property
    def _weights(self) -> Rows:
        """(2 A, D) of the kernel."""
        gram = kernel(self._keys, self._keys) + SPELLING * self._learned.likeness(self._learned.names)
        return ridge_weights(gram, np.tile(self._values - self._center, (2, 1)))

    @cached_property
    def _names(self) -> list[str]:
        return self.state["names"].tobytes().decode().split("\n")

    @property
    def _values(self) -> Rows:
        return self.state["values"].astype(np.float64)

    @property
    def _keys(self) -> Rows:
        """(2 A, W) directions of the names that were learned."""
        return directions(self.state["keys"]).reshape(-1, self.state["keys"].shape[-1])  # 2 A W -> 2A W

    @property
    def _center(self) -> Rows:
        """(D,) from which the values are learned; maps of old have none, and the mean of the values in its place."""
        found = self.state.get("center")
        return self._values.mean(axis=0) if found is None else found.astype(np.float64)

    def _mapped(self, names: Sequence[str]) -> Rows:
        """K names to (K, D)."""
        alike = kernel(self._embedded(names), self._keys) + SPELLING * self._learned.likeness(names)
        return np.asarray(self._center + alike @ self._weights)

    def _embedded(self, texts: Sequence[str]) -> Rows:
        return directions(self._encoder.encode(list(texts)))

    def _without(self, library: Sequence[ClassTexts], unseen: Sequence[str]) -> list[ClassTexts]:
        """The actions none of whose names is nearly a name of an unseen class."""
        theirs = self._embedded(unseen)
        likeness = np.maximum(
            self._embedded([one.label for one in library]) @ theirs.T,
            self._embedded([one.text("name") for one in library]) @ theirs.T,
        )
        return [one for one, row in zip(library, likeness, strict=True) if row.max() < SAME]


def kernel(rows: Rows, keys: Rows) -> Rows:
    """(N, K) exp(-s |r - k|^2 / 2) of directions (N, W) and (K, W), with s the :data:`SHARPNESS`.

    >>> kernel(np.eye(2), np.eye(2)).round(3).tolist()
    [[1.0, 0.135], [0.135, 1.0]]
    """
    return np.asarray(np.exp(-SHARPNESS * (1 - rows @ keys.T)))


def ridge_weights(gram: Rows, values: Rows) -> Rows:
    """(K, D) A = (G + lambda I)^-1 V, G the kernel of the keys with each other (K, K), V the values (K, D).

    >>> ridge_weights(np.eye(2), np.array([[1.1], [-1.1]])).round(2).tolist()
    [[1.0], [-1.0]]
    """
    return np.asarray(np.linalg.solve(gram + SMOOTHING * np.eye(len(gram)), values))


def proposals(labels: Sequence[str]) -> list[str]:
    """What the phrase bank makes of labels; the label itself where it knows no such action."""
    return [describe_label(label).text for label in labels]


def short(label: str) -> bool:
    """Whether a label is a name, of at most :data:`MOST_WORDS` words, and no description by itself.

    >>> short("throw a ball"), short("one hand goes up and swings from side to side")
    (True, False)
    """
    return len(label.split()) <= MOST_WORDS
