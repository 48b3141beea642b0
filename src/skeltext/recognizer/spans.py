"""Spans of time that carry a label, and the rule by which they are made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skeltext.errors import require
from skeltext.recognizer.hysteresis import Hysteresis
from skeltext.recognizer.stillness import STILL

ON, CHANGE, SHORTEST, GAP = 0.3, 3.0, 0.5, 0.5
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


def labels_at(spans: Sequence[Span], seconds: Iterable[float]) -> list[str | None]:
    """The label of the span at every one of these times, None where there is none; spans are in their order.

    >>> labels_at([Span(start=1, end=2, label="sit", confidence=1.0)], [0, 1, 2])
    [None, 'sit', None]
    """
    starts = [span.start for span in spans]
    begun = ((time, bisect_right(starts, time)) for time in seconds)  # how many spans have begun by then
    return [spans[n - 1].label if n and time < spans[n - 1].end else None for time, n in begun]


def spans_joined(spans: Sequence[Span], *, rule: SpanRule) -> tuple[Span, ...]:
    """Spans in their order without the gaps and the short ones that a rule does not let be.

    >>> sit, bow = Span(start=0, end=2, label="sit", confidence=1), Span(start=2, end=2.3, label="bow", confidence=1)
    >>> [(span.label, span.end) for span in spans_joined([sit, bow, replace(sit, start=2.3, end=4)], rule=SpanRule())]
    [('sit', 4)]
    """
    long = [span for span in _joined(spans, gap=rule.gap) if span.end - span.start >= rule.shortest - _ROUNDING]
    return tuple(_joined(long, gap=rule.gap))


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
