"""Long recordings of one action cut into clips, and few clips of many, spread over people and recordings."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from skeltext.datasets.dataset import Sample

MARK = "@"  # stands in the id of a window between its recording and the second at which it starts


def windows(
    seconds: float, *, longer: float = math.inf, into: float = math.inf, most: int | None = None
) -> list[tuple[float, float]]:
    """Start and end of the windows of a recording, which is one window unless it lasts `longer`.

    Windows are of equal length, of about `into` seconds and side by side; no more than `most` of them are kept,
    spread evenly over the recording.

    >>> windows(4, longer=4.5, into=3), windows(8, longer=4.5, into=3, most=2)
    ([(0.0, 4.0)], [(0.0, 2.67), (5.33, 8.0)])
    """
    count = round(seconds / into) if seconds > longer else 1
    kept = count if most is None else min(most, count)
    starts = [round(place * (count - 1) / max(kept - 1, 1)) for place in range(kept)]
    return [(round(start * seconds / count, 2), round((start + 1) * seconds / count, 2)) for start in starts]


def spread(samples: Iterable[Sample], *, most: int) -> Iterator[Sample]:
    """At most `most` samples of every class, in their order: of as many people and recordings as there are.

    Every person gives one before any gives a second, and every recording of a person likewise; which one is decided
    by the SHA-256 of ids, the same everywhere.
    """
    samples = list(samples)
    kept: set[str] = set()
    by_class: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_class[sample.label].append(sample)
    for of_class in by_class.values():
        kept.update(sample.id for sample in _in_turn(of_class)[:most])
    return (sample for sample in samples if sample.id in kept)


def _in_turn(samples: list[Sample]) -> list[Sample]:
    """The samples, of which people take turns and the recordings of each person as well."""
    drawn = sorted(samples, key=lambda sample: hashlib.sha256(sample.id.encode()).digest())
    turns = _by_turn(drawn, [sample.id.partition(MARK)[0] for sample in drawn])
    return _by_turn(turns, [sample.subject for sample in turns])


def _by_turn(samples: list[Sample], groups: Sequence[object]) -> list[Sample]:
    """The first sample of every group, then the second of every group, and so on; else in their order."""
    taken: Counter[object] = Counter()
    turns = []
    for group in groups:
        turns.append(taken[group])
        taken[group] += 1
    return [samples[place] for place in sorted(range(len(samples)), key=turns.__getitem__)]
