"""Words without their endings, and names that have words in common. Numpy only."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skeltext.texts.space import directions

_SILENT = {
    *("a", "an", "the", "of", "and", "or", "to", "in", "on", "at", "with", "as", "is", "are", "it", "its", "from"),
    *("for", "by", "while", "that", "this", "than", "then"),
}
_SUFFIXES, _LEAST_STEM = ("ing", "ed", "es", "s", "ly"), 3


def stems(text: str) -> list[str]:
    """The words of a text that say something, without their endings.

    >>> stems("Waving the hands slowly")
    ['wav', 'hand', 'slow']
    """
    return [_stem(word) for word in re.findall("[a-z]+", text.lower()) if word not in _SILENT]


def _stem(word: str) -> str:
    """The word without the first of the endings that leaves enough of it."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _LEAST_STEM:
            return word.removesuffix(suffix)
    return word


def roots(text: str) -> list[str]:
    """The same without a last e, and with one letter in place of a double last one, so that names agree in more words.

    >>> roots("wave"), roots("hopping"), roots("Waves, hops")
    (['wav'], ['hop'], ['wav', 'hop'])
    """
    return [re.sub(r"(.)\1$", r"\1", stem.removesuffix("e")) for stem in stems(text)]


class NameWords:
    """Which names have words in common with the `names` that are known; a word that few of these have counts more.

    >>> known = NameWords(["wave a hand", "raise a hand", "jump"])
    >>> known.likeness(["waving", "no such word"]).round(2).tolist()
    [[0.94, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        words = [set(roots(name)) for name in self.names]
        self._place = {word: number for number, word in enumerate(sorted(set().union(*words)))}
        found = self._found(self.names)
        self._rarity = np.log(len(self.names) / found.sum(axis=0))
        self._known = directions(found * self._rarity)

    def likeness(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """(N, K) cosines of N names and the K known ones."""
        return directions(self._found(names) * self._rarity) @ self._known.T

    def _found(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """(N, W) ones where a name has a known word."""
        found = np.zeros((len(names), len(self._place)))
        for row, name in zip(found, names, strict=True):
            row[[self._place[word] for word in roots(name) if word in self._place]] = 1
        return found
