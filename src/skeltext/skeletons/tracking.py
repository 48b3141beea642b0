"""Who is who from frame to frame: people without stable names become tracks.

A track is the same person over time. A name that the source gives decides; a person without one goes to the track whose
last-seen skeleton is nearest, by the mean distance of their joints relative to the size of the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skeltext.errors import require

GATE = 0.5  # body sizes; nobody moves so far from one frame to the next at a usual frame rate
PATIENCE = 30  # frames after which a person who was lost is not taken up again
SMALLEST = 1e-9  # size of a body of which a single joint is seen, so that it divides

Reals = npt.NDArray[np.float64]


class Tracks(NamedTuple):
    """The number of everybody's track, frame by frame in the order given, and the name of each track."""

    numbers: list[list[int]]
    names: tuple[str, ...]


@dataclass(kw_only=True)
class _Track:
    """Where a person was seen last; ``name`` is None as long as the source gave none."""

    skeleton: Reals  # (V, C)
    size: float
    frame: int
    name: str | None


def body_size(skeletons: Reals) -> Reals:
    """(...) the diagonal of the box around the joints seen in (..., V, C), NaN where none was.

    >>> body_size(np.array([[0.0, 0.0], [3.0, 4.0], [np.nan, np.nan]])).item()
    5.0
    """
    extent = np.fmax.reduce(skeletons, axis=-2) - np.fmin.reduce(skeletons, axis=-2)
    return np.asarray(np.linalg.norm(extent, axis=-1))


def joint_distances(tracks: Reals, person: Reals) -> Reals:
    """(A,) mean distances of the joints that (A, V, C) and (V, C) both show, infinite where that is none.

    >>> joint_distances(np.zeros((1, 2, 2)), np.array([[3.0, 4.0], [np.nan, np.nan]])).tolist()
    [5.0]
    """
    apart = np.linalg.norm(tracks - person, axis=-1)  # (A, V)
    both = ~np.isnan(apart)
    shared = both.sum(axis=-1)
    mean = np.where(both, apart, 0.0).sum(axis=-1) / np.maximum(shared, 1)
    return np.where(shared, mean, np.inf)


def _nearest_first(distances: Reals, gate: float) -> dict[int, int]:
    """Row to column of a matrix, the closest pair first, every row and column once, none at `gate` or beyond."""
    distances = distances.copy()
    pairs = {}
    while distances.size and distances.min() < gate:
        row, column = np.unravel_index(distances.argmin(), distances.shape)
        pairs[int(row)] = int(column)
        distances[row] = distances[:, column] = np.inf
    return pairs


def _in_order(people: Sequence[Reals]) -> list[int]:
    """The people of a frame from left to right, whatever order they came in."""
    return sorted(range(len(people)), key=lambda person: np.nan_to_num(people[person], nan=np.inf).ravel().tolist())


class Tracker:
    """Follows people from frame to frame; ``tracks`` are all that were ever seen, in order of appearance."""

    def __init__(self, *, gate: float = GATE, patience: int = PATIENCE, source: str = "the recording") -> None:
        self.gate, self.patience, self.source = gate, patience, source
        self.tracks: list[_Track] = []
        self.frame = 0

    def follow(self, people: Sequence[Reals], names: Sequence[str | None] | None = None) -> list[int]:
        """The number of everybody's track in the next frame; see :func:`assign_tracks`."""
        names = [None] * len(people) if names is None else names
        found = self._by_name(names)
        rest = [person for person in _in_order(people) if person not in found]
        found |= self._by_distance({person: people[person] for person in rest}, names, taken=set(found.values()))
        for person in rest:
            if person not in found:
                found[person] = len(self.tracks)
                self.tracks.append(_Track(skeleton=people[person], size=0.0, frame=self.frame, name=names[person]))
        for person, number in found.items():
            track = self.tracks[number]
            track.skeleton, track.frame = people[person], self.frame
            track.size = float(np.fmax(track.size, body_size(people[person])))
            track.name = track.name if names[person] is None else names[person]
        self.frame += 1
        return [found[person] for person in range(len(people))]

    def _by_name(self, names: Sequence[str | None]) -> dict[int, int]:
        """Person to track for the people whose name is known already."""
        given = [name for name in names if name is not None]
        require(
            len(set(given)) == len(given),
            f"{self.source} has two people of one id in frame {self.frame} ({', '.join(sorted(given))[:60]}); give"
            " everybody another id, or none",
        )
        known = {track.name: number for number, track in enumerate(self.tracks) if track.name is not None}
        return {person: known[name] for person, name in enumerate(names) if name in known}

    def _by_distance(self, people: dict[int, Reals], names: Sequence[str | None], *, taken: set[int]) -> dict[int, int]:
        """Person to track for those who are near to where a track was seen lately; two names never become one."""
        lately = [n for n, track in enumerate(self.tracks) if self.frame - track.frame <= self.patience]
        numbers = [number for number in lately if number not in taken]
        if not people or not numbers:
            return {}
        tracks = [self.tracks[number] for number in numbers]
        skeletons, sizes = np.stack([track.skeleton for track in tracks]), np.array([track.size for track in tracks])
        distances = np.stack(
            [
                joint_distances(skeletons, person) / np.fmax(np.fmax(sizes, body_size(person)), SMALLEST)
                for person in people.values()
            ]
        )  # (N, A)
        named = [[names[person] is not None for person in people], [track.name is not None for track in tracks]]
        distances[np.logical_and.outer(*named)] = np.inf
        who = list(people)
        return {who[row]: numbers[column] for row, column in _nearest_first(distances, self.gate).items()}


def assign_tracks(
    frames: Sequence[Sequence[Reals]],
    *,
    names: Sequence[Sequence[str | None]] | None = None,
    gate: float = GATE,
    patience: int = PATIENCE,
    source: str = "the recording",
) -> Tracks:
    """Tracks of the people in each frame; a person is (V, C) with NaN for joints not seen.

    ``names[t][n]`` is what the source calls the n-th person of frame t, None where it does not know; everybody of one
    name is one track. Whoever has no name, or one never heard before, continues the nearest track that was seen at most
    `patience` frames ago and less than `gate` body sizes away, else begins a track. Tracks without a name are numbered.
    The order of the people within a frame does not matter. :class:`SkeltextError` names `source` if two people of a
    frame have the same name.

    >>> left, right = np.zeros((2, 2)) + [[0.0], [1.0]], np.zeros((2, 2)) + [[5.0], [6.0]]
    >>> assign_tracks([[left, right], [right + 0.1, left + 0.1], [left]]).numbers
    [[0, 1], [1, 0], [0]]
    """
    tracker = Tracker(gate=gate, patience=patience, source=source)
    numbers = [tracker.follow(people, None if names is None else names[frame]) for frame, people in enumerate(frames)]
    taken = {track.name for track in tracker.tracks}
    free = (str(number) for number in count() if str(number) not in taken)
    return Tracks(numbers, tuple(next(free) if track.name is None else track.name for track in tracker.tracks))
