"""The command `skeltext timeline`: a long recording to labelled spans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Device, Json, print_json, say
from skeltext.commands.recognising import Examples, Labels, Model, Onnx, Words, examples_from, recognizer_from

Flag = Annotated[bool, Parameter(negative="")]


def timeline(
    file: Path,
    /,
    *,
    labels: Labels,
    model: Model = None,
    window: float = 2.0,
    hop: float = 0.25,
    on: float = 0.6,
    off: float | None = None,
    shortest: float = 0.5,
    gap: float = 0.5,
    negatives: Words | None = None,
    examples: Examples | None = None,
    false_accept: float | None = None,
    people: Flag = False,
    pair: Flag = False,
    out: Path | None = None,
    layout: str | None = None,
    fps: float | None = None,
    onnx: Onnx = False,
    device: Device = "cpu",
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
    labels
        What the actions might be called, as for `skeltext predict`.
    model
        Folder of a run or of a checkpoint, or an exported .onnx file; by default that of the package, if it has one.
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
    negatives
        Sentences for "none of these": a window nearer to one of them has no label.

    false_accept
        Refuse a window where more than this share of clips that show none of the labels would be as sure.
    people
        A timeline for every person in the file, instead of one of whoever moves most.
    pair
        Judge the two people who move most together.
    out
        Write the timeline to a file: .svg is a picture, .csv a table, .json everything, .vtt and .srt are captions
        for a video, .tsv is a tier for ELAN.
    layout
        Layout of the file where it does not say itself.
    fps
        Frames per second of the file where it does not say itself.
    """
    from skeltext.errors import require
    from skeltext.formats.reading import read_clip
    from skeltext.progress import ProgressBars
    from skeltext.recognizer.timeline_files import form_of, record, write_timelines

    require(not (people and pair), "--people judges everybody and --pair two as one; give one of them")
    if out:
        form_of(out)  # before the work
    clip = read_clip(file, layout=layout, fps=fps)
    recognizer = recognizer_from(model, onnx=onnx, device=device)
    examples_from(recognizer, examples or [])
    with ProgressBars(quiet=as_json) as bars:
        options: dict[str, Any] = {
            **{"window": window, "hop": hop, "on": on, "off": off, "shortest": shortest, "gap": gap},
            **{"negatives": negatives or [], "false_accept": false_accept},
            "progress": bars.counter("windows", unit="windows"),
        }
        found = (
            recognizer.timeline_people(clip, labels, **options)
            if people
            else [recognizer.timeline(clip, labels, pair=pair, **options)]
        )
    if out:
        write_timelines(found, out)
    if as_json:
        name = str(model or "the model in the package")
        print_json({"file": str(file), "model": name, "timelines": [record(one) for one in found]})
        return
    from skeltext.recognizer.timeline_table import timeline_table

    console = Console()
    for one in found:
        console.print(timeline_table(one, title=f"person {one.person}" if people else None))
    if out:
        say(f"Written: {out}")
