"""What a search found, for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from skeltext.recognizer.search import Hit


def hit_table(hits: Sequence[Hit], *, folder: Path) -> Table:
    """Files below a folder with the spans that fit, best first."""
    table = Table("", f"file in {escape(str(folder))}", "where", "score")
    for hit in hits:
        table.add_row(
            str(hit.rank),
            Text(str(Path(hit.path).relative_to(folder)), overflow="fold"),
            span_text(hit),
            f"{hit.score:+.2f}",
        )
    return table


def span_text(hit: Hit) -> str:
    """The span in seconds, or in frames where seconds are not known.

    >>> span_text(Hit(rank=1, path="a.npz", start=1.5, end=4.0, first_frame=45, end_frame=120, score=2.0))
    '1.5 to 4.0 s'
    """
    if hit.start is None or hit.end is None:
        return f"frames {hit.first_frame} to {hit.end_frame - 1}"
    return f"{hit.start:.1f} to {hit.end:.1f} s"
