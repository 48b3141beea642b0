"""Where one action becomes another: the sequence of labels that fits the windows best at a cost for every change."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.model import Floats

_LEAST = 1e-6  # a share below this counts as much


def steadiest(shares: Floats, *, seconds: float, change: float) -> npt.NDArray[np.int64]:
    """(W,) the label of every window, of all sequences the one with the best sum over time less its changes.

    Every window adds the logarithm of its share (W, K) of the label times the `seconds` from one to the next, and every
    change costs `change`: with a change of 3, another label must be e times as probable for three seconds, or e cubed
    times for one. It is found by Viterbi's algorithm.

    >>> rows = np.array([[0.9, 0.1], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]], np.float32)
    >>> steadiest(rows, seconds=1, change=0).tolist(), steadiest(rows, seconds=1, change=1).tolist()
    ([0, 1, 0, 1, 1], [0, 0, 0, 1, 1])
    """
    gains = seconds * np.log(np.maximum(shares, _LEAST))
    best = gains[0]
    before = np.zeros(shares.shape, np.int64)
    stays = np.arange(shares.shape[1])
    for w in range(1, len(gains)):
        leader = int(best.argmax())
        changed = best[leader] - change
        before[w] = np.where(best >= changed, stays, leader)
        best = np.maximum(best, changed) + gains[w]
    path = [int(best.argmax())]
    for w in range(len(gains) - 1, 0, -1):
        path.append(int(before[w, path[-1]]))
    return np.array(path[::-1], np.int64)


def runs(values: npt.NDArray[Any]) -> list[slice]:
    """Where equal values follow each other.

    >>> runs(np.array([2, 2, 0]))
    [slice(0, 2, None), slice(2, 3, None)]
    """
    edges = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return [slice(start, stop) for start, stop in pairwise(edges)]
