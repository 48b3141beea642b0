"""A timeline for the terminal."""

from __future__ import annotations

from rich.table import Column, Table
from rich.text import Text

from skeltext.recognizer.timeline import Timeline

_CELLS = 20  # that the recording is long


def timeline_table(timeline: Timeline, *, title: str | None = None) -> Table:
    """A row for every span: from when to when, what, how sure, and where in the recording."""
    where = Column(min_width=_CELLS, no_wrap=True)
    rows = Table("from", "to", "label", "probability", where, title=None if title is None else Text(title))
    for span in timeline.spans:
        rows.add_row(
            f"{span.start:.2f} s",
            f"{span.end:.2f} s",
            Text(span.label),
            f"{100 * span.confidence:.1f} %",
            bar(span.start / timeline.duration, span.end / timeline.duration),
        )
    if not timeline.spans:
        rows.add_row("", "", Text("none of the labels", style="dim"), "", bar(0, 0))
    return rows


def bar(start: float, end: float) -> str:
    """A line of cells that is thick from one share of it to another, for at least a cell.

    >>> bar(0.25, 0.5)
    '─────━━━━━──────────'
    """
    first = min(round(_CELLS * start), _CELLS - 1)
    thick = max(round(_CELLS * end) - first, int(end > start))
    return "─" * first + "━" * thick + "─" * (_CELLS - first - thick)
