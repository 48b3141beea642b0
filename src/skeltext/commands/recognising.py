"""What the commands share that recognise: their options, and how a recogniser is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from skeltext.errors import require

if TYPE_CHECKING:
    from skeltext.recognizer.recognizer import Recognizer

Labels = Annotated[list[str], Parameter(consume_multiple=True, negative="")]
Words = Annotated[list[str], Parameter(consume_multiple=True, negative="")]
Examples = Annotated[
    list[str],
    Parameter(
        consume_multiple=True,
        negative="",
        help="Each LABEL=FILE, a motion file that stands for a label, beside its sentence or without one.",
    ),
]
Model = Path | None
Onnx = Annotated[bool, Parameter(negative="", help="Compute with ONNX Runtime, which needs no torch.")]


def recognizer_from(model: Path | None, *, onnx: bool, device: str) -> Recognizer:
    """The recogniser of a run, checkpoint or exported file; that of the package for None."""
    from skeltext.recognizer.recognizer import Recognizer

    return Recognizer.load(model, onnx=onnx or None, device=device)


def examples_from(recognizer: Recognizer, given: Sequence[str]) -> None:
    """Let the files of options LABEL=FILE stand for their labels."""
    from skeltext.formats.reading import read_clip

    for entry in given:
        label, equals, file = entry.partition("=")
        require(equals and label.strip() and file.strip(), f"--examples {entry!r}, expected LABEL=FILE")
        recognizer.add_examples(label, [read_clip(file.strip())])
