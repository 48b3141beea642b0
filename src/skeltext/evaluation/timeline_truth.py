"""What a recording truly shows, as a CSV file of start, end and label, and its frames beside those of a timeline."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.evaluation.timeline_metrics import LabeledFrames
from skeltext.formats.numeric import read_cells
from skeltext.recognizer.spans import Span, labels_at
from skeltext.recognizer.timeline import Timeline

COLUMNS = ("start", "end", "label")
LONGER = 1.0  # seconds by which a truth may end after its recording


def read_truth(path: Path) -> tuple[Span, ...]:
    """The spans of a CSV file with the columns start and end, in seconds, and label, in any order, and maybe others.

    A time without a span shows none of the labels. What `skeltext timeline --out x.csv` wrote is such a file. Raises
    :class:`SkeltextError` for a line that cannot be read, and for spans that overlap.
    """
    spans = sorted(_spans(path), key=lambda span: span.start)
    require(spans, f"{path} has no line but its header; expected one for every time that shows a label")
    for one, other in pairwise(spans):
        require(
            other.start >= one.end,
            f"{path} shows {one.label!r} until {one.end:g} s and {other.label!r} from {other.start:g} s on; expected"
            " one label at a time, of one person",
        )
    return tuple(spans)


def require_fitting(truth: Sequence[Span], *, labels: Sequence[str], seconds: float | None, named: str) -> None:
    """Raise :class:`SkeltextError` where a truth cannot be that of a recording of `seconds` that is asked for `labels`.

    It has a label that is not asked, or ends long after the recording. `named` is the file that it comes from.
    """
    unknown = sorted({span.label for span in truth} - set(labels))
    require(
        not unknown,
        f"{named} has the label {', '.join(map(repr, unknown))}, which is none of {', '.join(map(repr, labels))}; ask"
        " for it, too, or leave its lines out, so that these times show none of the labels",
    )
    last = max(span.end for span in truth)
    require(
        seconds is None or last <= seconds + LONGER,
        f"{named} ends at {last:g} s and the recording at {seconds or 0:g} s; give the truth of this recording, in"
        " seconds",
    )


def labeled(timeline: Timeline, truth: Sequence[Span]) -> LabeledFrames:
    """The true and the found label in the middle of every frame of a timeline."""
    middles = (np.arange(round(timeline.duration * timeline.fps)) + 0.5) / timeline.fps
    return LabeledFrames(truth=labels_at(truth, middles), found=timeline.labels_at(middles), fps=timeline.fps)


def _spans(path: Path) -> Iterator[Span]:
    text = read_cells(path).decode("utf-8-sig", "replace")
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        header = tuple(rows.fieldnames or ())
        require(
            set(COLUMNS) <= set(header),
            f"{path} has the columns {', '.join(header) or 'none'}, expected a first line that names"
            f" {', '.join(COLUMNS)}",
        )
        for row in rows:
            yield _span(row, where=f"{path}, line {rows.line_num}")
    except csv.Error as error:
        raise SkeltextError(
            f"{path} cannot be read as CSV in line {rows.line_num} ({error}); write it again"
        ) from error


def _span(row: dict[str, str | None], *, where: str) -> Span:
    start, end, label = ((row[name] or "").strip() for name in COLUMNS)
    require(label, f"{where} has no label; type what is shown from {start} to {end}, or leave the line out")
    try:
        times = float(start), float(end)
    except ValueError as error:
        raise SkeltextError(f"{where}: {start!r} to {end!r} for {label!r}, expected seconds") from error
    require(
        0 <= times[0] < times[1] and isfinite(times[1]),
        f"{where}: {label!r} from {start} to {end}, expected seconds from 0 on, the end after the start",
    )
    return Span(start=times[0], end=times[1], label=label, confidence=1.0)
