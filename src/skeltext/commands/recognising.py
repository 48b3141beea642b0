"""What the commands share that recognise: their options, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from skeltext.commands.output import Device
from skeltext.errors import require

if TYPE_CHECKING:
    from skeltext.recognizer.label_set import LabelSet
    from skeltext.recognizer.recognizer import Recognizer
    from skeltext.skeletons.clip import Clip

Flag = Annotated[bool, Parameter(negative="")]
Several = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative="")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The model that is asked, and what computes it."""

    model: Path | None = None
    """Folder of a run or of a checkpoint, an exported .onnx file, or the name of a model in the package; `skeltext
    models` lists these."""
    onnx: Flag = False
    """Compute with ONNX Runtime, which needs no torch."""
    device: Device = "cpu"

    def load(self) -> Recognizer:
        """The recognizer."""
        from skeltext.recognizer.recognizer import Recognizer

        return Recognizer.load(self.model, onnx=self.onnx or None, device=self.device)

    @property
    def title(self) -> str:
        """How the model is called in what is printed."""
        from skeltext.recognizer.packaged import DEFAULT

        return str(self.model or DEFAULT)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """What a motion file does not say itself."""

    layout: str | None = None
    """Layout of the file where it does not say itself."""
    fps: float | None = None
    """Frames per second of the file where it does not say itself."""

    def read(self, file: Path) -> Clip:
        """The clip in a file."""
        from skeltext.formats.reading import read_clip

        return read_clip(file, layout=self.layout, fps=self.fps)


def motion_files(paths: Sequence[Path]) -> list[Path]:
    """The files that are given, and the motion files below folders, in the place of these.

    A folder of OpenPose's key points is one clip and stays. Raises :class:`SkeltextError` for a folder without a motion
    file.
    """
    from skeltext.formats.checking import files_below, motion_format

    found: list[Path] = []
    for path in paths:
        if not path.is_dir() or any(path.glob("*_keypoints.json")):
            found.append(path)
            continue
        inside = [file for file in files_below(path, []) if motion_format(file) is not None]
        require(inside, f"no motion file below {path}; `skeltext check {path}` tells what is there")
        found += inside
    return found


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """What an action might be called, and who is looked at."""

    labels: Several = ()
    """What the action might be called, at least two; LABEL=SENTENCE says what a label means, beside its name, and the
    same label twice has two sentences."""
    label_set: Path | None = None
    """A file of labels with their sentences and examples, and of negatives, as `predict --save-label-set` writes it;
    --labels, --examples and --negatives are added to it."""
    examples: Several = ()
    """Each LABEL=FILE, a motion file that shows a label, beside its sentence or without one."""
    verbatim: Flag = False
    """Take the words of a short label as they are, where it would be mapped to what likely describes it."""
    pair: bool | None = None
    """Judge the two people who move most as one, or nobody but the one who does; by default two who are together, if
    the model learned from pairs."""

    def choose(self) -> LabelSet:
        """The label set that the options make together."""
        from skeltext.recognizer.label_set import LabelSet

        found = LabelSet() if self.label_set is None else LabelSet.load(self.label_set)
        found = found.joined(LabelSet.of(self.labels))
        for entry in self.examples:
            label, equals, file = entry.partition("=")
            require(equals and label.strip() and file.strip(), f"--examples {entry!r}, expected LABEL=FILE")
            found = found.with_examples(label, [file.strip()])
        require(found.labels, "no label given; type some after --labels, or name a file after --label-set")
        return replace(found, verbatim=found.verbatim or self.verbatim)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AnswerOptions(LabelOptions):
    """The same, and when there is no answer."""

    negatives: Several = ()
    """Sentences for "none of these": what is nearer to one of them has no label."""
    false_accept: float | None = None
    """Refuse where more than this share of clips that show none of the labels would be as sure."""

    def choose(self) -> LabelSet:
        """The label set that the options make together, with negatives."""
        return super().choose().with_negatives(*self.negatives)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class PeopleOptions(AnswerOptions):
    """The same where everybody in a file can be asked about."""

    people: Flag = False
    """Judge every person in the file, instead of whoever moves most."""

    def __post_init__(self) -> None:
        """Everybody and two as one exclude each other."""
        require(not (self.people and self.pair), "--people judges everybody and --pair two as one; give one of them")
