"""The pieces of a recording that are judged as a whole: where somebody moves, cut where the label changes for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.change_points import runs, steadiest
from skeltext.recognizer.model import Floats
from skeltext.recognizer.windows import Windows


class Piece(NamedTuple):
    """A time in seconds, and the windows from number `first` up to `stop` whose middles lie in it; maybe none."""

    start: float
    end: float
    first: int
    stop: int


def pieces_of(
    windows: Windows, shares: Floats, stretches: Sequence[tuple[float, float]], *, change: float
) -> Iterator[Piece]:
    """The stretches of time cut where their windows change the label for good, and where none could be judged.

    `shares` (W, K + N) are those of the labels and negatives in every window. A stretch between the middles of two
    windows is one piece.
    """
    centres, judged = windows.centres, np.asarray(np.isfinite(windows.scores).all(axis=1))
    for start, end in stretches:
        inside = np.flatnonzero((centres >= start) & (centres < end))
        if not len(inside):
            yield Piece(start, end, 0, 0)
            continue
        labels = np.full(len(inside), -1)  # of windows that were not judged
        for run in runs(judged[inside]):
            if judged[inside[run.start]]:
                labels[run] = steadiest(shares[inside[run]], seconds=windows.hop, change=change)
        edges = [start, *((centres[inside][1:] + centres[inside][:-1]) / 2).tolist(), end]
        for run in runs(labels):
            if labels[run.start] >= 0:
                yield Piece(edges[run.start], edges[run.stop], int(inside[run.start]), int(inside[run.stop - 1]) + 1)


def trimmed(piece: Piece, centres: npt.NDArray[np.float64], own: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """From when to when a piece shows its label, which `own` says for each of its windows; if none does, all."""
    there = piece.first + np.flatnonzero(own)
    if not len(there):
        return piece.start, piece.end
    first, last = int(there[0]), int(there[-1])
    start = piece.start if first == piece.first else float(centres[first - 1] + centres[first]) / 2
    return start, piece.end if last == piece.stop - 1 else float(centres[last] + centres[last + 1]) / 2
