"""HDM05: optical motion capture of five actors; the 11 classes of cut motions that are freely mirrored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from skeltext.datasets.dataset import Dataset, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.formats.asf_amc import read_amc
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import HDM31

_ACTORS = ("bd", "bk", "dg", "mm", "tr")
_MOTIONS = (  # as the file names call the classes
    "depositFloorR",
    "elbowToKnee1RepsLelbowStart",
    "grabHighR",
    "hopBothLegs1hops",
    "jogLeftCircle4StepsRstart",
    "kickLFront1Reps",
    "lieDownFloor",
    "rotateArmsBothBackward1Reps",
    "sneak2StepsLStart",
    "squat1Reps",
    "throwBasketball",
)
_STEP = 4  # 120 frames per second are recorded, 30 are kept


def _read(path: Path) -> Clip:
    clip = read_amc(path)
    return replace(clip, positions=clip.positions[:, ::_STEP], fps=30.0)


def _samples(originals: Originals) -> Iterator[Sample]:
    pattern = rf"(HDM_({'|'.join(_ACTORS)})_({'|'.join(_MOTIONS)})_\d+_120)\.amc"
    for path, name in originals.files(pattern, like="HDM_bd_squat1Reps_001_120.amc"):
        yield Sample(
            id=name[1], label=_MOTIONS.index(name[3]), subject=_ACTORS.index(name[2]), read=partial(_read, path)
        )


_CLASSES = class_names("hdm05")
_VIEWS = {"11": every_class(_CLASSES)}
HDM05 = Dataset(
    name="hdm05",
    title="HDM05 motion capture database, 11 classes of cut motions",
    layout=HDM31,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("hdm05", _VIEWS),
    source="cut motions as ASF/AMC from https://resources.mpi-inf.mpg.de/HDM05/, or the folders train and test of"
    " https://github.com/zhangchi8620/JointLearning-HDM05",
    citation="M. Mueller, T. Roeder, M. Clausen, B. Eberhardt, B. Krueger, A. Weber: Documentation Mocap Database"
    " HDM05. Technical Report CG-2007-2, Universitaet Bonn, 2007.",
    licence="CC BY-SA 3.0; the data used in this project was obtained from HDM05",
    readings={"originals": _samples},
)
