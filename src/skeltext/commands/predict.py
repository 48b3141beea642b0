"""The command `skeltext predict`: a motion file to a ranking of labels."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Device, Json, print_json


def predict(
    run: Path,
    file: Path,
    /,
    *,
    labels: Annotated[list[str], Parameter(consume_multiple=True, negative="")],
    layout: str | None = None,
    fps: float | None = None,
    device: Device = "cpu",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type fits a motion file best.

    `skeltext predict runs/demo wave.npz --labels "sit down" "wave the right hand"` reads any known file format,
    converts the skeleton to the layout the model was trained on, and ranks the labels.

    --json keys: file, run, guesses (label, text, score, probability; best first).

    Parameters
    ----------
    run
        Folder of a run or of a checkpoint.
    file
        A motion file; `skeltext check FILE` tells how it is understood.
    labels
        What the action might be called, at least two.
    layout
        Layout of the file where it does not say itself.
    fps
        Frames per second of the file where it does not say itself.
    """
    from skeltext.formats.reading import read_clip
    from skeltext.recognizer.recognizer import Recognizer

    clip = read_clip(file, layout=layout, fps=fps)
    guesses = Recognizer.load(run, device=device).recognise([clip], labels)[0]
    if as_json:
        print_json({"file": str(file), "run": str(run), "guesses": [asdict(guess) for guess in guesses]})
        return
    from skeltext.recognizer.table import guess_table

    Console().print(guess_table(guesses))
