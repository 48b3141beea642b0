"""Timelines as files: tables, JSON, captions for a video player, a tier for ELAN, and a picture.

Times are written to the millisecond, but for JSON, which keeps every number as it is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.formats.json_file import read_json
from skeltext.formats.numeric import read_cells
from skeltext.formats.writing import write_text
from skeltext.recognizer.spans import Span
from skeltext.recognizer.timeline import Timeline
from skeltext.recognizer.timeline_picture import timeline_svg

_COLUMNS = ("person", "start", "end", "label", "confidence")


def write_timelines(timelines: Sequence[Timeline], path: Path) -> None:
    """Write timelines in the form that the suffix of `path` names; see :data:`FORMS`."""
    write_text(path, form_of(path)(timelines))


def form_of(path: Path) -> Callable[[Sequence[Timeline]], str]:
    """What makes the text of a file with this suffix; :class:`SkeltextError` for one that is not known."""
    form = FORMS.get(path.suffix.lower())
    if form is None:
        raise SkeltextError(f"{path} ends in {path.suffix!r}, expected one of {', '.join(FORMS)}")
    return form


def read_timelines(path: Path) -> list[Timeline]:
    """The timelines of a .json file that :func:`write_timelines` wrote; another one is one sentence."""
    try:
        return [
            Timeline(
                **entry
                | {
                    "spans": tuple(Span(**span) for span in entry["spans"]),
                    "labels": tuple(entry["labels"]),
                    "centres": np.array(entry["centres"], np.float64),
                    "probabilities": np.array(entry["probabilities"], np.float32),
                }
            )
            for entry in read_json(path)["timelines"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise SkeltextError(f"{path} holds no timelines of skeltext ({error}); write it again") from error


def read_spans(path: Path) -> dict[str, tuple[Span, ...]]:
    """The spans of every person in a .csv file that :func:`write_timelines` wrote; another one is one sentence."""
    rows = csv.reader(io.StringIO(read_cells(path).decode("utf-8", "replace"), newline=""))
    found: dict[str, tuple[Span, ...]] = {}
    try:
        header = tuple(next(rows, ()))
        require(header == _COLUMNS, f"{path} has another header than {','.join(_COLUMNS)}; write it again")
        for person, start, end, label, confidence in rows:
            span = Span(start=float(start), end=float(end), label=label, confidence=float(confidence))
            found[person] = (*found.get(person, ()), span)
    except (ValueError, csv.Error) as error:
        raise SkeltextError(f"{path} has no span in line {rows.line_num} ({error}); write it again") from error
    return found


def _json(timelines: Sequence[Timeline]) -> str:
    return json.dumps({"timelines": [timeline.to_dict() for timeline in timelines]})


def _csv(timelines: Sequence[Timeline]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for person, span in _in_order(timelines):
        rows.writerow((person, f"{span.start:.3f}", f"{span.end:.3f}", span.label, f"{span.confidence:.4f}"))
    return text.getvalue()


def _elan(timelines: Sequence[Timeline]) -> str:
    """Tab-delimited text as ELAN imports it: tier, begin and end time in seconds, annotation."""
    lines = ["tier\tbegin\tend\tannotation"]
    for person, span in _in_order(timelines):
        lines.append(f"{_line(person) or 'action'}\t{span.start:.3f}\t{span.end:.3f}\t{_line(span.label)}")
    return "\n".join(lines) + "\n"


def _vtt(timelines: Sequence[Timeline]) -> str:
    """Captions of a video in the web (WebVTT), with the person as the voice where there are several."""
    cues = ["WEBVTT\n"]
    for person, span in _in_order(timelines):
        voice = f"<v {escape(_line(person), quote=False)}>" if len(timelines) > 1 else ""
        cues.append(f"{_clock(span.start)} --> {_clock(span.end)}\n{voice}{escape(_line(span.label), quote=False)}\n")
    return "\n".join(cues)


def _srt(timelines: Sequence[Timeline]) -> str:
    """Subtitles of any video player (SubRip)."""
    cues = []
    for number, (person, span) in enumerate(_in_order(timelines), 1):
        times = f"{_clock(span.start)} --> {_clock(span.end)}".replace(".", ",")
        cues.append(f"{number}\n{times}\n{f'{_line(person)}: ' if len(timelines) > 1 else ''}{_line(span.label)}\n")
    return "\n".join(cues)


def _in_order(timelines: Iterable[Timeline]) -> list[tuple[str, Span]]:
    """Every span with its person, by the time at which it begins."""
    pairs = [(timeline.person, span) for timeline in timelines for span in timeline.spans]
    return sorted(pairs, key=lambda pair: pair[1].start)


def _clock(seconds: float) -> str:
    """A time as captions have it.

    >>> _clock(3725.0625)
    '01:02:05.062'
    """
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{thousandths:03}"


def _line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())


FORMS: dict[str, Callable[[Sequence[Timeline]], str]] = {
    ".csv": _csv,
    ".json": _json,
    ".svg": timeline_svg,
    ".vtt": _vtt,
    ".srt": _srt,
    ".tsv": _elan,
}
"""How timelines are written, by the suffix of the file."""
