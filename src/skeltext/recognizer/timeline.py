"""What a long recording shows and when: windows, hysteresis, and spans of time that carry a label.

A window stands for the time around its middle: what changes from one window to the next changes halfway between their
middles.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from skeltext.data_frame import data_frame
from skeltext.errors import require
from skeltext.recognizer.hysteresis import ON, Hysteresis
from skeltext.recognizer.label_set import Labels
from skeltext.recognizer.model import Floats
from skeltext.recognizer.scorer import Scorer
from skeltext.recognizer.windows import Progress, judged_windows, people_of
from skeltext.skeletons.clip import Clip

if TYPE_CHECKING:
    import pandas as pd

WINDOW, HOP, SHORTEST, GAP = 2.0, 0.25, 0.5, 0.5  # seconds
_ROUNDING = 1e-9  # seconds


@dataclass(frozen=True, kw_only=True)
class SpanRule:
    """How probabilities become spans.

    The most probable label begins at `on` and lasts until it is below `off` (:class:`Hysteresis`). Spans of one label
    with at most `gap` seconds between them are one, then what is shorter than `shortest` seconds is left out, and what
    this brought together is one, too. Raises :class:`SkeltextError` for thresholds or seconds that make no sense.
    """

    on: float = ON
    off: float | None = None
    shortest: float = SHORTEST
    gap: float = GAP

    def __post_init__(self) -> None:
        self.hysteresis()
        require(
            self.shortest >= 0 and self.gap >= 0,
            f"spans of at least {self.shortest:g} s and gaps of up to {self.gap:g} s, expected nothing below 0",
        )

    def hysteresis(self) -> Hysteresis[str]:
        """Its two thresholds, where no label holds yet."""
        return Hysteresis(on=self.on, off=self.off)


RULE = SpanRule()


@dataclass(frozen=True, kw_only=True)
class Span:
    """A label from `start` to `end` in seconds, and its mean probability in between."""

    start: float
    end: float
    label: str
    confidence: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """The spans of a recording in their order; where none is, no label was sure enough.

    ``centres`` (W,) are the middles of the windows in seconds and ``probabilities`` (W, K) those of the labels there,
    zero where nobody could be judged or the answer was refused. ``duration`` is in seconds, ``person`` the track that
    was judged, empty where several took turns.
    """

    spans: tuple[Span, ...]
    labels: tuple[str, ...]
    centres: npt.NDArray[np.float64]
    probabilities: Floats
    duration: float
    fps: float
    person: str
    calibrated: bool
    source: str

    def labels_at(self, seconds: Iterable[float]) -> list[str | None]:
        """The label at every one of these times, None where there is none; ``np.arange(T) / fps`` are the frames."""
        starts = [span.start for span in self.spans]
        begun = ((time, bisect_right(starts, time)) for time in seconds)  # how many spans have begun by then
        return [self.spans[n - 1].label if n and time < self.spans[n - 1].end else None for time, n in begun]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the probability of every label in every window."""
        return asdict(self) | {
            "spans": [asdict(span) for span in self.spans],
            "labels": list(self.labels),
            "centres": self.centres.tolist(),
            "probabilities": self.probabilities.tolist(),
        }

    def to_frame(self) -> pd.DataFrame:
        """The spans as a table in their order: start, end, label, confidence. Needs pandas."""
        return data_frame(map(asdict, self.spans), columns=("start", "end", "label", "confidence"))


def timeline(
    model: Scorer,
    clip: Clip,
    labels: Labels,
    *,
    window: float = WINDOW,
    hop: float = HOP,
    rule: SpanRule = RULE,
    false_accept: float | None = None,
    pair: bool = False,
    progress: Progress | None = None,
) -> Timeline:
    """Which labels a long recording shows, from when to when.

    Windows of `window` seconds, every `hop` seconds, are judged as :meth:`Recognizer.predict` judges a clip, with the
    same `false_accept` and `pair`; `rule` makes spans of what is found. Of several people the one who moves most in a
    window is judged; :func:`timeline_people` judges each. `progress` is called with the number of windows done and of
    all. Raises :class:`SkeltextError` for a clip without a frame rate.
    """
    found = judged_windows(
        model, clip, labels, window=window, hop=hop, false_accept=false_accept, pair=pair, progress=progress
    )
    assert clip.fps is not None  # or there were no windows
    duration = clip.T / clip.fps
    return Timeline(
        spans=spans_of(found.probabilities, found.centres, labels=found.labels, duration=duration, rule=rule),
        labels=found.labels,
        centres=found.centres,
        probabilities=found.probabilities,
        duration=duration,
        fps=clip.fps,
        person=clip.tracks[0] if clip.M == 1 else "",
        calibrated=model.calibration is not None,
        source=clip.source,
    )


def timeline_people(
    model: Scorer,
    clip: Clip,
    labels: Labels,
    *,
    window: float = WINDOW,
    hop: float = HOP,
    rule: SpanRule = RULE,
    false_accept: float | None = None,
    progress: Progress | None = None,
) -> list[Timeline]:
    """A timeline for every person of a clip, in the order of its tracks; see :func:`timeline`."""
    return [
        timeline(model, person, labels, window=window, hop=hop, rule=rule, false_accept=false_accept, progress=progress)
        for person in people_of(clip)
    ]


def spans_of(
    probabilities: Floats,
    centres: npt.NDArray[np.float64],
    *,
    labels: Sequence[str],
    duration: float,
    rule: SpanRule,
) -> tuple[Span, ...]:
    """The spans that probabilities (W, K) of windows with these middles (W,) make of `duration` seconds.

    >>> shares = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.1, 0.9]], np.float32)
    >>> spans = spans_of(shares, np.arange(1.0, 5), labels=("sit", "wave"), duration=5, rule=SpanRule())
    >>> [(span.start, span.end, span.label) for span in spans]
    [(0.0, 2.5, 'sit'), (2.5, 5.0, 'wave')]
    """
    holds = rule.hysteresis()
    edges = np.concatenate([[0.0], (centres[1:] + centres[:-1]) / 2, [duration]])
    held = [holds(dict(zip(labels, row, strict=True))) for row in probabilities.tolist()]
    runs = _joined(_runs(held), edges, gap=rule.gap)
    long = [run for run in runs if edges[run.stop] - edges[run.first] >= rule.shortest - _ROUNDING]
    return tuple(
        Span(
            start=float(edges[run.first]),
            end=float(edges[run.stop]),
            label=run.label,
            confidence=float(probabilities[run.first : run.stop, labels.index(run.label)].mean()),
        )
        for run in _joined(long, edges, gap=rule.gap)
    )


class _Run(NamedTuple):
    """A label from window `first` up to window `stop`."""

    first: int
    stop: int
    label: str


def _runs(held: Sequence[str | None]) -> list[_Run]:
    """The stretches of one label, without those of none."""
    found, first = [], 0
    for label, stretch in groupby(held):
        stop = first + len(list(stretch))
        if label is not None:
            found.append(_Run(first, stop, label))
        first = stop
    return found


def _joined(runs: Sequence[_Run], edges: npt.NDArray[np.float64], *, gap: float) -> list[_Run]:
    """The runs, where those of one label with at most `gap` seconds and no other run between them are one."""
    found: list[_Run] = []
    for run in runs:
        near = found and edges[run.first] - edges[found[-1].stop] <= gap + _ROUNDING
        if near and found[-1].label == run.label:
            found[-1] = found[-1]._replace(stop=run.stop)
        else:
            found.append(run)
    return found
