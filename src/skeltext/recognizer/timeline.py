"""What a long recording shows and when: spans of time that carry a label.

Where nobody moves there is no label. In between, the windows of a recording are cut where their labels change for good
(:func:`.steadiest`), and each piece is judged as a whole. A window stands for the time around its middle: what changes
from one window to the next changes halfway between their middles.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from skeltext.data_frame import data_frame
from skeltext.errors import SkeltextError, require
from skeltext.recognizer.answer import refusal
from skeltext.recognizer.hysteresis import Hysteresis
from skeltext.recognizer.label_set import Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.pieces import Piece, pieces_of, trimmed
from skeltext.recognizer.scorer import Scorer
from skeltext.recognizer.stillness import STILL, moving_stretches
from skeltext.recognizer.windows import Progress, Windows, frames_of, judged_windows, people_of
from skeltext.skeletons.clip import Clip

if TYPE_CHECKING:
    import pandas as pd

WINDOW, HOP, SHORTEST, GAP = 3.0, 0.25, 0.5, 0.5  # seconds
ON, CHANGE = 0.3, 3.0
_ROUNDING = 1e-9  # seconds


@dataclass(frozen=True, kw_only=True)
class SpanRule:
    """How scores of windows become spans.

    Times of at least `shortest` seconds in which nobody is faster than `still` torso lengths per second have no label;
    with 0 every time may have one. What is left is cut where its windows change their label, which `change` holds off
    (:func:`.steadiest`); a piece has the label that it shows as a whole, if that is as probable as `on`. At both ends
    of a piece it lasts as long as the windows give it `off` or more, two thirds of `on` by default. Spans of one label
    with at most `gap` seconds between them are one, then what is shorter than `shortest` is left out, and what this
    brought together is one, too. Raises :class:`SkeltextError` for numbers that make no sense.
    """

    on: float = ON
    off: float | None = None
    shortest: float = SHORTEST
    gap: float = GAP
    change: float = CHANGE
    still: float = STILL

    def __post_init__(self) -> None:
        Hysteresis[str](on=self.on, off=self.off)
        require(
            self.shortest >= 0 and self.gap >= 0,
            f"spans of at least {self.shortest:g} s and gaps of up to {self.gap:g} s, expected nothing below 0",
        )
        require(
            self.change >= 0 and self.still >= 0,
            f"a change costs {self.change:g} and {self.still:g} torso lengths per second are still, expected nothing"
            " below 0",
        )

    @property
    def least(self) -> float:
        """The share below which a label ends."""
        return Hysteresis[str](on=self.on, off=self.off).off


RULE = SpanRule()


@dataclass(frozen=True, kw_only=True)
class Span:
    """A label from `start` to `end` in seconds, and its probability in between."""

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
        return labels_at(self.spans, seconds)

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


def labels_at(spans: Sequence[Span], seconds: Iterable[float]) -> list[str | None]:
    """The label of the span at every one of these times, None where there is none; spans are in their order.

    >>> labels_at([Span(start=1, end=2, label="sit", confidence=1.0)], [0, 1, 2])
    [None, 'sit', None]
    """
    starts = [span.start for span in spans]
    begun = ((time, bisect_right(starts, time)) for time in seconds)  # how many spans have begun by then
    return [spans[n - 1].label if n and time < spans[n - 1].end else None for time, n in begun]


class TimelineOptions(TypedDict, total=False):
    """What :func:`timeline` and :func:`timeline_people` take both."""

    window: float
    hop: float
    rule: SpanRule
    false_accept: float | None
    progress: Progress | None


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
    judge = _Judge(model, clip, LabelSet.for_question(labels), model.least_score(false_accept), pair)
    stretches = moving_stretches(clip, still=rule.still, least=rule.shortest)
    pieces = pieces_of(found, model.probabilities(np.nan_to_num(found.scores)), stretches, change=rule.change)
    spans = [span for piece in pieces if (span := judge.span(piece, found, rule))]
    return Timeline(
        spans=spans_joined(spans, rule=rule),
        labels=found.labels,
        centres=found.centres,
        probabilities=found.probabilities,
        duration=clip.T / clip.fps,
        fps=clip.fps,
        person=clip.tracks[0] if clip.M == 1 else "",
        calibrated=model.calibration is not None,
        source=clip.source,
    )


def timeline_people(model: Scorer, clip: Clip, labels: Labels, **options: Unpack[TimelineOptions]) -> list[Timeline]:
    """A timeline for every person of a clip, in the order of its tracks, with the options of :func:`timeline`."""
    return [timeline(model, person, labels, **options) for person in people_of(clip)]


def spans_joined(spans: Sequence[Span], *, rule: SpanRule) -> tuple[Span, ...]:
    """Spans in their order without the gaps and the short ones that a rule does not let be.

    >>> sit, bow = Span(start=0, end=2, label="sit", confidence=1), Span(start=2, end=2.3, label="bow", confidence=1)
    >>> [(span.label, span.end) for span in spans_joined([sit, bow, replace(sit, start=2.3, end=4)], rule=SpanRule())]
    [('sit', 4)]
    """
    long = [span for span in _joined(spans, gap=rule.gap) if span.end - span.start >= rule.shortest - _ROUNDING]
    return tuple(_joined(long, gap=rule.gap))


@dataclass(frozen=True)
class _Judge:
    """What says which label a piece of a clip shows."""

    model: Scorer
    clip: Clip
    asked: LabelSet
    least_score: float
    pair: bool

    def span(self, piece: Piece, windows: Windows, rule: SpanRule) -> Span | None:
        """The span that a piece makes, None where no label is sure enough or nobody can be judged."""
        rows = windows.scores[piece.first : piece.stop]
        views = [view for view in (self._whole(piece), rows.mean(axis=0) if len(rows) else None) if view is not None]
        if not views:
            return None
        scores: Floats = np.asarray(np.mean(views, axis=0), np.float32)
        shares = self.model.probabilities(scores[None])[0, : len(windows.labels)]
        best = int(shares.argmax())
        if shares[best] < rule.on or refusal(scores, self.asked, least=self.least_score):
            return None
        own = windows.probabilities[piece.first : piece.stop, best] >= rule.least
        start, end = trimmed(piece, windows.centres, own)
        return Span(start=start, end=end, label=windows.labels[best], confidence=float(shares[best]))

    def _whole(self, piece: Piece) -> Floats | None:
        """(K + N,) the scores of a piece that is judged as a clip, None where nobody can be judged in it."""
        fps = self.clip.fps or 0.0
        part = frames_of(self.clip, round(piece.start * fps), max(round(piece.end * fps), round(piece.start * fps) + 1))
        try:
            return np.asarray(self.model.scores(self.model.embed([part], pair=self.pair), self.asked)[0])
        except SkeltextError:
            return None


def _joined(spans: Sequence[Span], *, gap: float) -> list[Span]:
    """The spans, where those of one label with at most `gap` seconds and no other span between them are one."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last and last.label == span.label and span.start - last.end <= gap + _ROUNDING:
            lengths = last.end - last.start, span.end - span.start
            mean = float(np.average([last.confidence, span.confidence], weights=lengths))
            found[-1] = replace(last, end=span.end, confidence=mean)
        else:
            found.append(span)
    return found
