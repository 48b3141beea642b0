"""A timeline to look at: an SVG with a row for every label, its probability as a curve and its spans as bars.

It needs no other file, scales to any size, reads on a light and on a dark ground as the viewer prefers, and says the
times of a span where the pointer rests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

import numpy as np

from skeltext.recognizer.timeline import Timeline

WIDTH, NAMES, MARGIN = 960, 220, 24  # in units of the picture: all, the column of labels, the other sides
_PLOT = WIDTH - NAMES - MARGIN
_ROW, _CURVE, _BAR, _HEAD, _FOOT = 46, 24, 8, 34, 40
_POINTS = 600  # of a curve at most; more are not seen
_LETTERS = 26  # of a label
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")  # Okabe and Ito (2008)
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TICKS = 10
_STYLE = """
.timeline text { font: 13px system-ui, sans-serif; fill: #1b1b1b; }
.timeline .small { font-size: 11px; fill: #5c5c5c; }
.timeline .title { font-weight: 600; }
.timeline .ground { fill: #ffffff; }
.timeline .grid { stroke: #dedede; }
@media (prefers-color-scheme: dark) {
  .timeline text { fill: #ececec; }
  .timeline .small { fill: #a8a8a8; }
  .timeline .ground { fill: #171717; }
  .timeline .grid { stroke: #383838; }
}
"""


def timeline_svg(timelines: Sequence[Timeline]) -> str:
    """The text of an SVG file with the timelines below each other."""
    tops = np.cumsum([MARGIN / 2, *(_HEAD + _ROW * len(timeline.labels) + _FOOT for timeline in timelines)])
    height = round(tops[-1])
    parts = [part for timeline, top in zip(timelines, tops, strict=False) for part in _strip(timeline, float(top))]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="timeline" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>What a recording shows and when</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _strip(timeline: Timeline, top: float) -> Iterator[str]:
    """Title, rows and time axis of one timeline."""
    title = f"person {timeline.person}" if timeline.person else timeline.source
    yield f'<text class="title" x="{MARGIN}" y="{top + 20:g}">{_shown(title, letters=100)}</text>'
    first = top + _HEAD
    bottom = first + _ROW * len(timeline.labels)
    for second, name in _ticks(timeline.duration):
        x = _x(second, timeline)
        yield f'<line class="grid" x1="{x}" y1="{first:g}" x2="{x}" y2="{bottom:g}"/>'
        yield f'<text class="small" x="{x}" y="{bottom + 16:g}" text-anchor="middle">{name}</text>'
    for number, label in enumerate(timeline.labels):
        yield from _row(timeline, number, label, top=first + _ROW * number)


def _row(timeline: Timeline, number: int, label: str, *, top: float) -> Iterator[str]:
    """A label with its curve and, below that, its spans."""
    colour = _COLOURS[number % len(_COLOURS)]
    ground = top + 6 + _CURVE
    name = f"{_shown(label)}<title>{_clean(label)}</title>"
    yield f'<text x="{NAMES - 12}" y="{ground:g}" text-anchor="end">{name}</text>'
    yield f'<line class="grid" x1="{NAMES}" y1="{ground:g}" x2="{WIDTH - MARGIN}" y2="{ground:g}"/>'
    points = [f"{_x(time, timeline)},{ground - _CURVE * share:.1f}" for time, share in _curve(timeline, number)]
    first, last = points[0].partition(",")[0], points[-1].partition(",")[0]
    area = f"M{first},{ground:g} L{' '.join(points)} L{last},{ground:g} Z"
    yield f'<path d="{area}" fill="{colour}" fill-opacity="0.25" stroke="{colour}" stroke-width="1"/>'
    for span in timeline.spans:
        if span.label == label:
            left, right = _x(span.start, timeline), _x(span.end, timeline)
            told = f"{label}: {span.start:.2f} s to {span.end:.2f} s, {span.confidence:.0%}"
            yield (
                f'<rect x="{left}" y="{ground + 2:g}" width="{max(right - left, 1):.1f}" height="{_BAR}" rx="2"'
                f' fill="{colour}"><title>{_clean(told)}</title></rect>'
            )


def _curve(timeline: Timeline, number: int) -> Iterator[tuple[float, float]]:
    """Times and probabilities of a label from edge to edge; of many windows the highest of a few next to each other."""
    shares = timeline.probabilities[:, number]
    yield 0.0, float(shares[0])
    cuts = np.linspace(0, len(shares), min(_POINTS, len(shares)) + 1).astype(int).tolist()
    for start, stop in pairwise(cuts):
        yield float(timeline.centres[start:stop].mean()), float(shares[start:stop].max())
    yield timeline.duration, float(shares[-1])


def _ticks(duration: float) -> Iterator[tuple[float, str]]:
    """Round times up to the end and how they are written."""
    step = next((step for step in _STEPS if duration / step <= _TICKS), duration / _TICKS)
    for number in range(int(duration / step + 1e-9) + 1):
        second = number * step
        yield second, f"{second:g} s" if duration < 120 else f"{int(second) // 60}:{int(second) % 60:02}"


def _x(second: float, timeline: Timeline) -> float:
    return round(NAMES + _PLOT * second / timeline.duration, 1)


def _shown(text: str, *, letters: int = _LETTERS) -> str:
    """As much of a text as there is room for."""
    return _clean(text if len(text) <= letters else f"{text[: letters - 1]}…")


def _clean(text: str) -> str:
    """A text as XML may hold it."""
    return escape("".join(letter if letter.isprintable() else " " for letter in text))
