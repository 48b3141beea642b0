"""How well labels over time fit the true ones: the measures of temporal action segmentation.

Frame accuracy, segmental edit score and segmental F1 at an overlap of 10, 25 and 50 % are those of Lea et al., Temporal
Convolutional Networks for Action Segmentation and Detection (CVPR 2017), counted as its successors do: a stretch
without a label is no segment, but its frames count for the accuracy. Flicker is ours: changes of the label that are too
many, per minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from skeltext.errors import require

Labels = Sequence[str | None]
"""A label for every frame, None where there is none."""
OVERLAPS = (0.1, 0.25, 0.5)


@dataclass(frozen=True, kw_only=True)
class LabeledFrames:
    """A recording of `fps` frames per second with the true label and the found label of every frame.

    Raises :class:`SkeltextError` where these are not equally many, or none.
    """

    truth: Labels
    found: Labels
    fps: float

    def __post_init__(self) -> None:
        require(
            len(self.truth) == len(self.found) > 0,
            f"{len(self.truth)} true labels and {len(self.found)} found ones, expected one of each for every frame",
        )


@dataclass(frozen=True, kw_only=True)
class TimelineScores:
    """Shares between 0 and 1, but for ``flicker``, which is per minute; over so many ``recordings`` and ``seconds``.

    ``f1_10``, ``f1_25`` and ``f1_50`` are the F1 of segments that overlap by that many percent.
    """

    frame_accuracy: float
    edit: float
    f1_10: float
    f1_25: float
    f1_50: float
    flicker: float
    recordings: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class Segment(NamedTuple):
    """A label that holds from frame `start` up to frame `stop`."""

    label: str
    start: int
    stop: int


def timeline_scores(recordings: Sequence[LabeledFrames]) -> TimelineScores:
    """All measures over recordings: of all frames, of all segments, and for the edit score the mean of recordings.

    >>> scores = timeline_scores([LabeledFrames(truth=["sit", "sit", None, "wave"], found=["sit"] * 3 + ["wave"],
    ...                                         fps=1)])
    >>> scores.frame_accuracy, scores.edit, scores.f1_50, scores.flicker
    (0.75, 1.0, 1.0, 0.0)
    """
    require(recordings, "no recording to score, expected at least one")
    frames = sum(len(one.truth) for one in recordings)
    seconds = sum(len(one.truth) / one.fps for one in recordings)
    f1_10, f1_25, f1_50 = (segmental_f1(recordings, overlap=overlap) for overlap in OVERLAPS)
    return TimelineScores(
        frame_accuracy=sum(frame_accuracy(one.truth, one.found) * len(one.truth) for one in recordings) / frames,
        edit=float(np.mean([edit_score(one.truth, one.found) for one in recordings])),
        f1_10=f1_10,
        f1_25=f1_25,
        f1_50=f1_50,
        flicker=60 / seconds * sum(extra_changes(one.truth, one.found) for one in recordings),
        recordings=len(recordings),
        seconds=seconds,
    )


def segments(labels: Labels) -> list[Segment]:
    """The stretches of one label in their order, without those of none.

    >>> segments(["sit", "sit", None, "wave"])
    [Segment(label='sit', start=0, stop=2), Segment(label='wave', start=3, stop=4)]
    """
    found, start = [], 0
    for label, stretch in groupby(labels):
        stop = start + len(list(stretch))
        if label is not None:
            found.append(Segment(label, start, stop))
        start = stop
    return found


def frame_accuracy(truth: Labels, found: Labels) -> float:
    """The share of frames whose label is right; none where there is none is right.

    >>> frame_accuracy(["sit", None], ["sit", "sit"])
    0.5
    """
    return sum(one == other for one, other in zip(truth, found, strict=True)) / len(truth)


def edit_score(truth: Labels, found: Labels) -> float:
    """How alike the orders of the segments are, whatever their length: 1 less the edit distance by the longer order.

    >>> edit_score(["sit", "wave", "bow"], ["sit", "bow", "bow"])  # one of three is missing
    0.6666666666666667
    """
    wanted, given = ([segment.label for segment in segments(labels)] for labels in (truth, found))
    if not wanted and not given:
        return 1.0
    row = list(range(len(given) + 1))  # the distance from nothing to every beginning of what is given
    for i, label in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(given, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (label != other))
    return 1 - row[-1] / max(len(wanted), len(given))


def segmental_f1(recordings: Sequence[LabeledFrames], *, overlap: float) -> float:
    """F1 of the segments of all recordings: one is right if it overlaps a true one of its label by such a share.

    The share is of frames in both by frames in either; a true segment is found once. It is 1 where there is nothing to
    find and nothing was found.

    >>> split = LabeledFrames(truth=["sit"] * 4, found=["sit", "sit", None, "sit"], fps=30)
    >>> round(segmental_f1([split], overlap=0.5), 3), segmental_f1([split], overlap=0.6)  # one of two is half of it
    (0.667, 0.0)
    """
    hits = sum(_hits(segments(one.truth), segments(one.found), overlap=overlap) for one in recordings)
    every = sum(len(segments(one.truth)) + len(segments(one.found)) for one in recordings)
    return 2 * hits / every if every else 1.0


def extra_changes(truth: Labels, found: Labels) -> int:
    """How many more times the label changes, to none included, than it truly does.

    >>> extra_changes(["sit"] * 4, ["sit", None, "sit", "sit"])
    2
    """
    true, given = (sum(1 for _ in groupby(labels)) for labels in (truth, found))
    return max(given - true, 0)


def _hits(wanted: Sequence[Segment], given: Sequence[Segment], *, overlap: float) -> int:
    """How many true segments are found: each given one is for the true one of its label that it overlaps most."""
    found = set()
    for one in given:
        shares = [_overlap(one, other) if one.label == other.label else 0.0 for other in wanted]
        best = int(np.argmax(shares)) if shares else -1
        if shares and shares[best] >= overlap:
            found.add(best)
    return len(found)


def _overlap(one: Segment, other: Segment) -> float:
    """Frames in both by frames in either."""
    both = max(min(one.stop, other.stop) - max(one.start, other.start), 0)
    return both / (one.stop - one.start + other.stop - other.start - both)
