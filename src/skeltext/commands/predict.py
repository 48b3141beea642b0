"""The command `skeltext predict`: a motion file to a ranking of labels."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Device, Json, print_json
from skeltext.commands.recognising import Examples, Labels, Model, Onnx, Words, examples_from, recognizer_from


def predict(
    file: Path,
    /,
    *,
    labels: Labels,
    model: Model = None,
    negatives: Words | None = None,
    examples: Examples | None = None,
    false_accept: float | None = None,
    people: Annotated[bool, Parameter(negative="")] = False,
    pair: Annotated[bool, Parameter(negative="")] = False,
    top: int | None = None,
    layout: str | None = None,
    fps: float | None = None,
    onnx: Onnx = False,
    device: Device = "cpu",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type fits a motion file best.

    `skeltext predict wave.npz --labels "sit down" "wave=waving the right hand above the head"` reads any known file
    format, converts the skeleton to the layout the model was trained on, and ranks the labels. A sentence that says how
    the body moves is recognised better than a word; `skeltext describe --labels WORD` proposes one.

    --json keys: file, model, answers: one, or one per person, with person, label (null if refused), rejected (why),
    confidence, margin, calibrated, guesses (label, text, score, probability; best first) and quality (what `check`
    measures).

    Parameters
    ----------
    file
        A motion file, or a folder of OpenPose's; `skeltext check FILE` tells how it is understood.
    labels
        What the action might be called, at least two; LABEL=SENTENCE says what stands for a label, and the same label
        twice has two sentences.
    model
        Folder of a run or of a checkpoint, or an exported .onnx file; by default that of the package, if it has one.
    negatives
        Sentences for "none of these": an answer nearer to one of them is refused.

    Examples:
        LABEL=FILE: a motion file that stands for a label, beside its sentence or without one.
    false_accept
        Refuse an answer where more than this share of clips that show none of the labels would be as sure.
    people
        An answer for every person in the file, instead of one for the person who moves most.
    pair
        Judge the two people who move most together.
    top
        Show only so many of the best labels.
    layout
        Layout of the file where it does not say itself.
    fps
        Frames per second of the file where it does not say itself.
    """
    from skeltext.errors import require
    from skeltext.formats.reading import read_clip

    require(not (people and pair), "--people judges everybody and --pair two as one; give one of them")
    require(top is None or top > 0, f"--top is {top}, expected at least one")
    clip = read_clip(file, layout=layout, fps=fps)
    recognizer = recognizer_from(model, onnx=onnx, device=device)
    examples_from(recognizer, examples or [])
    given = {"negatives": negatives or [], "false_accept": false_accept}
    answers = (
        recognizer.predict_people(clip, labels, **given)  # type: ignore[arg-type]
        if people
        else [recognizer.predict(clip, labels, pair=pair, **given)]  # type: ignore[arg-type]
    )
    if as_json:
        found = [
            asdict(answer)
            | {"guesses": [asdict(guess) for guess in answer.guesses[:top]]}
            | {"confidence": answer.confidence, "margin": answer.margin}
            for answer in answers
        ]
        print_json({"file": str(file), "model": str(model or "the model in the package"), "answers": found})
        return
    from skeltext.recognizer.table import answer_lines, guess_table

    console = Console()
    for answer in answers:
        console.print(guess_table(answer.guesses[:top], title=f"person {answer.person}" if people or pair else None))
        for line in answer_lines(answer):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
