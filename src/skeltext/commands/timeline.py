"""The command `skeltext timeline`: a long recording to labelled spans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json, say
from skeltext.commands.recognising import FileOptions, ModelOptions, PeopleOptions

Flag = Annotated[bool, Parameter(negative="")]


def timeline(
    file: Path,
    /,
    *,
    asked: PeopleOptions = PeopleOptions(),
    source: FileOptions = FileOptions(),
    model: ModelOptions = ModelOptions(),
    window: float = 2.0,
    hop: float = 0.25,
    on: float = 0.6,
    off: float | None = None,
    shortest: float = 0.5,
    gap: float = 0.5,
    out: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type a long recording shows, and when.

    `skeltext timeline day.npz --labels "sit down" "stand up" walking --out day.svg` judges a window of two seconds
    every quarter of a second and makes labelled spans of that. Where no label is sure enough there is no span.

    --json keys: file, model, timelines: one, or one per person, with person, duration, fps, calibrated, source, labels,
    spans (start, end, label, confidence), centres (of the windows, in seconds) and probabilities (of the labels in
    every window).

    Parameters
    ----------
    file
        A motion file; `skeltext check FILE` tells how it is understood.
    window
        Seconds that are judged together.
    hop
        Seconds from one window to the next.
    on
        The probability at which a label begins.
    off
        The probability below which it ends; two thirds of --on by default.
    shortest
        Leave out spans of fewer seconds.
    gap
        Join spans of one label with no more seconds between them.
    out
        Write the timeline to a file: .svg is a picture, .csv a table, .json everything, .vtt and .srt are captions
        for a video, .tsv is a tier for ELAN.
    """
    from skeltext.progress import ProgressBars
    from skeltext.recognizer.timeline import SpanRule
    from skeltext.recognizer.timeline_files import form_of, write_timelines
    from skeltext.recognizer.windows import people_of

    if out:
        form_of(out)  # before the work
    rule = SpanRule(on=on, off=off, shortest=shortest, gap=gap)
    clip = source.read(file)
    labels = asked.choose()
    recognizer = model.load()
    with ProgressBars(quiet=as_json) as bars:
        progress = bars.counter("windows", unit="windows")
        found = [
            recognizer.timeline(
                person,
                labels,
                window=window,
                hop=hop,
                rule=rule,
                false_accept=asked.false_accept,
                pair=asked.pair,
                progress=progress,
            )
            for person in (people_of(clip) if asked.people else [clip])
        ]
    if out:
        write_timelines(found, out)
    if as_json:
        print_json({"file": str(file), "model": model.title, "timelines": [one.to_dict() for one in found]})
        return
    from skeltext.recognizer.timeline_table import timeline_table

    console = Console()
    for one in found:
        console.print(timeline_table(one, title=f"person {one.person}" if asked.people else None))
    if out:
        say(f"Written: {out}")
