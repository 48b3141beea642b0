"""The command `skeltext predict`: a motion file to a ranking of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json
from skeltext.commands.recognising import FileOptions, ModelOptions, PeopleOptions


def predict(
    file: Path,
    /,
    *,
    asked: PeopleOptions = PeopleOptions(),
    source: FileOptions = FileOptions(),
    model: ModelOptions = ModelOptions(),
    top: int | None = None,
    save_label_set: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type fits a motion file best.

    `skeltext predict wave.npz --labels "sit down" "wave=waving the right hand above the head"` reads any known file
    format, converts the skeleton to the layout the model was trained on, and ranks the labels. A name is mapped to what
    it would likely be described by, and what it was taken for is shown; a description beside the name, that says
    which limb goes where, works better.

    --json keys: file, model, answers: one, or one per person, with person, label (null if refused), rejected (why),
    confidence, margin, calibrated, guesses (label, text, source, nearest, hint, score, probability; best first) and
    quality (what `check` measures).

    Parameters
    ----------
    file
        A motion file, or a folder of OpenPose's; `skeltext check FILE` tells how it is understood.
    top
        Show only so many of the best labels.
    save_label_set
        Write the labels that were used, with their sentences, examples and negatives, to this JSON file, which
        --label-set reads and which can be edited by hand.
    """
    from skeltext.errors import require

    require(top is None or top > 0, f"--top is {top}, expected at least one")
    clip = source.read(file)
    labels = asked.choose()
    recognizer = model.load()
    answers = (
        recognizer.predict_people(clip, labels, false_accept=asked.false_accept)
        if asked.people
        else [recognizer.predict(clip, labels, false_accept=asked.false_accept, pair=asked.pair)]
    )
    if save_label_set is not None:
        labels.save(save_label_set)
    if as_json:
        found = [answer.to_dict(top=top) for answer in answers]
        print_json({"file": str(file), "model": model.title, "answers": found})
        return
    from skeltext.recognizer.table import answer_lines, guess_table

    console = Console()
    for answer in answers:
        console.print(
            guess_table(answer.guesses[:top], title=f"person {answer.person}" if asked.people or asked.pair else None)
        )
        for line in answer_lines(answer):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
