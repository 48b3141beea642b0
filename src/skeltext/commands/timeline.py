"""The command `skeltext timeline`: a long recording to labelled spans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json, say
from skeltext.commands.recognising import FileOptions, ModelOptions, PeopleOptions
from skeltext.errors import require

if TYPE_CHECKING:
    from skeltext.evaluation.timeline_metrics import TimelineScores
    from skeltext.recognizer.label_set import LabelSet
    from skeltext.recognizer.timeline import Timeline
    from skeltext.skeletons.clip import Clip


def timeline(
    file: Path,
    /,
    *,
    asked: PeopleOptions = PeopleOptions(),
    source: FileOptions = FileOptions(),
    model: ModelOptions = ModelOptions(),
    window: float = 3.0,
    hop: float = 0.25,
    on: float = 0.3,
    off: float | None = None,
    shortest: float = 0.5,
    gap: float = 0.5,
    change: float = 3.0,
    still: float = 0.15,
    score: Path | None = None,
    out: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type a long recording shows, and when.

    `skeltext timeline day.npz --labels "sit down" "stand up" walking --out day.svg` judges a window of three
    seconds every quarter of a second and makes labelled spans of that. Where nobody moves, and where no label is sure
    enough, there is no span.

    With `--score truth.csv` it also says how well that fits what you know of the recording: the share of frames that
    are right, the edit score of the order of labels, F1 of spans that overlap true ones by 10, 25 and 50 %, and
    changes of the label that are too many, per minute.

    --json keys: file, model, timelines: one, or one per person, with person, duration, fps, calibrated, source, labels,
    spans (start, end, label, confidence), centres (of the windows, in seconds) and probabilities (of the labels in
    every window); with --score also scores: frame_accuracy, edit, f1_10, f1_25, f1_50, flicker, recordings, seconds.

    Parameters
    ----------
    file
        A motion file; `skeltext check FILE` tells how it is understood.
    window
        Seconds that are judged together.
    hop
        Seconds from one window to the next.
    on
        The probability that a label must have in its span.
    off
        The probability of a window below which it ends; two thirds of --on by default.
    shortest
        Leave out spans of fewer seconds.
    gap
        Join spans of one label with no more seconds between them.
    change
        What a change of the label costs; more makes fewer and longer spans.
    still
        Torso lengths per second below which somebody is still and shows no label; 0 for labels like "standing still".
    score
        A CSV file of the true spans with a header that names start, end (in seconds) and label.
    out
        Write the timeline to a file: .svg is a picture, .csv a table, .json everything, .vtt and .srt are captions
        for a video, .tsv is a tier for ELAN.
    """
    from skeltext.progress import ProgressBars
    from skeltext.recognizer.spans import SpanRule
    from skeltext.recognizer.timeline_files import form_of, write_timelines
    from skeltext.recognizer.windows import people_of

    if out:
        form_of(out)  # before the work
    require(
        not (score and asked.people), "--score is for the timeline of one person and --people tells of each; give one"
    )
    rule = SpanRule(on=on, off=off, shortest=shortest, gap=gap, change=change, still=still)
    clip = source.read(file)
    labels = asked.choose()
    judged = _scored_by(score, labels, clip) if score else None
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
    scores = judged(found[0]) if judged else None
    if out:
        write_timelines(found, out)
    if as_json:
        more = {"scores": scores.to_dict()} if scores else {}
        print_json({"file": str(file), "model": model.title, "timelines": [one.to_dict() for one in found]} | more)
        return
    from skeltext.recognizer.timeline_table import timeline_table

    console = Console()
    for one in found:
        console.print(timeline_table(one, title=f"person {one.person}" if asked.people else None))
    if scores:
        from skeltext.evaluation.timeline_table import scores_table

        console.print(scores_table({str(score): scores}, first="fit to"))
    if out:
        say(f"Written: {out}")


def _scored_by(path: Path, labels: LabelSet, clip: Clip) -> Callable[[Timeline], TimelineScores]:
    """What says how well a timeline fits the truth in a file, which is read now."""
    from skeltext.evaluation.timeline_metrics import timeline_scores
    from skeltext.evaluation.timeline_truth import labeled, read_truth, require_fitting

    truth = read_truth(path)
    require_fitting(truth, labels=labels.names, seconds=clip.seconds, named=str(path))
    return lambda found: timeline_scores([labeled(found, truth)])
