"""PKU-MMD, phases 1 and 2: actions cut out of long recordings, Kinect v2, three cameras, one or two people.

The data come as 7z archives, which must be unpacked by hand: recordings into one folder, label files, which have the
same names, into another with "label" in its name. The official lists of training videos may lie beside them.

A clip is named as the published preparation (AimCLR, tools/pku_part1_skeleton.py and pku_part2_skeleton.py) names it.
Phase 1: F the number of the video, V the camera (1 left, 2 middle, 3 right), C the class, L the line of the label file.
Phase 2: A the script that was played and N the person, then V, C and L as before. All are counted from 1.

An action reaches from its first to its last frame, both included, as AimCLR cuts it; other published code (SkeletonX,
ViewAdaptiveLSTM) leaves out the first one. A cut that is not inside its recording is reported and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from skeltext.datasets.dataset import ClassSplit, Dataset, Protocol, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.errors import SkeltextError, require
from skeltext.formats.format import read_text
from skeltext.formats.pku import Labelled, read_pku_cut, read_pku_labels
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25

LONGEST = 300  # frames that the published preparation keeps of a clip, those in its middle
_CAMERAS = "LMR"


class Phase(NamedTuple):
    """What differs between the two phases: how a video is named, the official number of every class, the protocols."""

    title: str
    video: str
    like: str
    numbers: tuple[int, ...]
    protocols: Mapping[str, Protocol]


class Video(NamedTuple):
    """What the name of a recording says, all counted from 1; phase 1 does not tell its subject, which is -1."""

    setup: int
    subject: int
    camera: int

    @property
    def prefix(self) -> str:
        """How the names of its clips begin.

        >>> Video(setup=2, subject=-1, camera=1).prefix, Video(setup=1, subject=13, camera=3).prefix
        ('F002V001', 'A001N013V003')
        """
        who = f"F{self.setup:03}" if self.subject < 0 else f"A{self.setup:03}N{self.subject:03}"
        return f"{who}V{self.camera:03}"


def _video(name: re.Match[str]) -> Video:
    said = name.groupdict()
    return Video(int(said["setup"]), int(said.get("subject", -1)), _CAMERAS.index(said["view"].upper()) + 1)


def _samples(originals: Originals, *, phase: Phase, longest: int | None) -> Iterator[Sample]:
    """Every line of every label file, in the order of the videos."""
    recordings: dict[Video, Path] = {}
    labels: dict[Video, Path] = {}
    for path, name in originals.files(
        rf"{phase.video}\.txt|(?P<list>cross[-_](subject|view).*)\.txt", like=f"{phase.like}.txt"
    ):
        if name["list"]:
            _check_list(path, phase)
            continue
        kind = labels if "label" in path.parent.name.lower() else recordings
        video = _video(name)
        require(video not in kind, f"{path} was found twice, also in {kind.get(video, path).parent}; leave one copy")
        kind[video] = path
    require(
        recordings and labels,
        f"{originals.raw} holds {len(recordings)} recordings and {len(labels)} label files of {phase.title}; unpack"
        ' both archives and put the label files into a folder with "label" in its name',
    )
    for video in sorted(recordings.keys() | labels.keys()):
        yield from _cuts(video, recordings.get(video), labels.get(video), phase=phase, longest=longest)


def _cuts(
    video: Video, recording: Path | None, labels: Path | None, *, phase: Phase, longest: int | None
) -> Iterator[Sample]:
    """The actions of one video; what cannot be cut is a sample that says so when it is read."""

    def sample(name: str, found: Labelled | str) -> Sample:
        facts = video._asdict()
        if isinstance(found, str):
            return Sample(id=name, label=0, read=partial(_refuse, found), **facts)
        assert recording is not None
        read = partial(read_pku_cut, recording, first=found.first, last=found.last, longest=longest)
        return Sample(id=name, label=phase.numbers.index(found.action), read=read, **facts)

    if recording is None or labels is None:
        present, absent = (labels, "recording") if recording is None else (recording, "label file")
        yield sample(video.prefix, f"{present} has no {absent} of the same name; get it or leave this one out")
        return
    try:
        lines = read_pku_labels(labels)
    except SkeltextError as error:
        yield sample(video.prefix, str(error))
        return
    for number, found in enumerate(lines, 1):
        action = f"C{found.action:03}" if isinstance(found, Labelled) else ""
        if isinstance(found, Labelled) and found.action not in phase.numbers:
            found = f"{labels} has class {found.action}, which is none of the {len(phase.numbers)} of {phase.title}"
        yield sample(f"{video.prefix}{action}L{number:03}", found)


def _refuse(reason: str) -> Clip:
    raise SkeltextError(reason)


def _check_list(path: Path, phase: Phase) -> None:
    """Raise :class:`SkeltextError` if the official list of training videos at `path` does not say what we say.

    Such a file has a heading, the training videos, another heading and the other videos. Videos of the other phase
    are passed over, since both phases may lie in one folder.
    """
    protocol = phase.protocols["cross-view" if "view" in path.stem.lower() else "cross-subject"]
    training, *others = re.split("valid", read_text(path), maxsplit=1, flags=re.IGNORECASE)
    for names, trains in ((training, True), ("".join(others), False)):
        for name in re.finditer(rf"\b{phase.video}\b", names):
            if (getattr(_video(name), protocol.by) in protocol.train) != trains:
                half = "training" if trains else "other"
                raise SkeltextError(
                    f"{path} has {name[0]} among the {half} videos, which the built-in protocol has not; remove the"
                    " file if it is not the official one"
                )


_CLASSES = class_names("pku-mmd")
_SIGNED = "after signing the form at https://www.icst.pku.edu.cn/struct/Projects/PKUMMD.html"
_PAPER = "C. Liu et al., arXiv:1703.07475"
_LISTS = "the official lists as copied into Adamink/ViewAdaptiveLSTM@{} scripts/gen_v{}.py"
_CROSS_VIEW = Protocol("camera", frozenset({2, 3}), _PAPER)  # the middle and the right camera
_OF_TWO = frozenset({12, 14, 16, 18, 21, 24, 26, 27, 29, 38})  # the classes in which two people act

_PHASE_1 = Phase(
    title="PKU-MMD, phase 1",
    video=r"(?P<setup>\d{4})-(?P<view>[LMR])",
    like="0002-L",
    numbers=tuple(range(1, 52)),
    protocols={
        "cross-subject": Protocol(
            "setup", frozenset(range(1, 365)) - set(range(291, 335)), _LISTS.format("ceaf133", 1)
        ),
        "cross-view": _CROSS_VIEW,
    },
)
_PHASE_2 = Phase(
    title="PKU-MMD, phase 2",
    video=r"A(?P<setup>\d{2})N(?P<subject>\d{2})-(?P<view>[LMR])",
    like="A01N01-L",
    numbers=tuple(number for number in _PHASE_1.numbers if number not in _OF_TWO),
    protocols={
        "cross-subject": Protocol("subject", frozenset(range(1, 14)) - {2, 3, 7}, _LISTS.format("4966689", 2)),
        "cross-view": _CROSS_VIEW,
    },
)


def _dataset(
    phase: Phase, *, name: str, source: str, splits: Mapping[str, ClassSplit], expected: Mapping[str, int]
) -> Dataset:
    """A phase as a data set; it is read as published, of long clips the middle, or with all frames of every clip."""
    classes = tuple(_CLASSES[number - 1] for number in phase.numbers)
    return Dataset(
        name=name,
        title=phase.title,
        layout=NTU25,
        fps=30.0,
        classes=classes,
        views={str(len(classes)): every_class(classes)},
        splits=splits,
        protocols=phase.protocols,
        bodies=2,
        expected=expected,
        source=f"{_SIGNED}: {source}, unpacked",
        citation="C. Liu, Y. Hu, Y. Li, S. Song, J. Liu: PKU-MMD: A Large Scale Benchmark for Continuous Multi-Modal"
        " Human Action Understanding. arXiv:1703.07475, 2017.",
        licence="signed form: academic research only, no redistribution",
        readings={
            "published": partial(_samples, phase=phase, longest=LONGEST),
            "whole": partial(_samples, phase=phase, longest=None),
        },
    )


def _one_shot_classes() -> ClassSplit:
    """The classes of a one-shot protocol; which clips it shows is not built in, for their names lack the class."""
    unseen = (4, 9, 12, 15, 18, 20, 25, 29, 34, 39)
    classes = [_CLASSES[number - 1] for number in _PHASE_2.numbers]
    return ClassSplit(
        name="skeletonx_31_10",
        seen=tuple(name for index, name in enumerate(classes) if index not in unseen),
        unseen=tuple(classes[index] for index in unseen),
        source="zzysteve/SkeletonX@39a3b78 data/PKUMMDv2/seq_transformation_1Shot.py, without its exemplars",
        view=str(len(classes)),
    )


PKU_MMD = _dataset(
    _PHASE_1,
    name="pku-mmd",
    source="Skeleton.7z and Label_PKUMMD.7z",
    splits=class_splits("pku-mmd", {"51": every_class(_CLASSES)}),
    expected={"clips": 21_539},
)
PKU_MMD2 = _dataset(
    _PHASE_2,
    name="pku-mmd2",
    source="Skeleton_v2.7z and Label_PKUMMD_v2.7z",
    splits={"skeletonx_31_10": _one_shot_classes()},
    expected={},
)
