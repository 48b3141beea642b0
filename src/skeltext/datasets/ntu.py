"""NTU RGB+D with 60 and with 120 classes: Kinect v2, three cameras, one or two people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from skeltext.datasets.dataset import Dataset, Protocol, Reading, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits, table
from skeltext.formats.ntu import parse_ntu_name, read_ntu
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25

# Training subjects of the cross-subject protocol: those of NTU-60 as in the published preprocessing code, those of
# NTU-120 as commonly known from the paper.
_TRAIN_60 = frozenset({1, 2, 4, 5, 8, 9, *range(13, 20), 25, 27, 28, 31, 34, 35, 38})
_TRAIN_120 = _TRAIN_60 | {
    *(45, 46, 47, 49, 50, *range(52, 60), 70, 74, 78, *range(80, 87), 89, *range(91, 96), 97, 98, 100, 103)
}


def _samples(originals: Originals, *, classes: int, read: Callable[[Path], Clip]) -> Iterator[Sample]:
    """Every file of the first `classes` classes; NTU-120 holds NTU-60 and is usually unpacked into the same folder."""
    for path, name in originals.files(
        r"(S\d{3}C\d{3}P\d{3}R\d{3}A\d{3})\.skeleton", like="S001C001P001R001A001.skeleton"
    ):
        clip = name[1].upper()
        said = parse_ntu_name(clip)
        if said.action <= classes:
            yield Sample(
                id=clip,
                label=said.action - 1,
                subject=said.performer,
                camera=said.camera,
                setup=said.setup,
                read=partial(read, path),
            )


def _readings(classes: int) -> Mapping[str, Reading]:
    """As published, the first two bodies of each frame; or everybody, each by his tracking id.

    Of those who are tracked, the preprocessing keeps the ones who move most.
    """
    return {
        "published": partial(_samples, classes=classes, read=partial(read_ntu, bodies="file order")),
        "tracked": partial(_samples, classes=classes, read=read_ntu),
    }


def _bad_clips() -> dict[str, str]:
    """The samples that the authors of the data set list as incomplete; every published preparation leaves them out."""
    missing = table("ntu_missing")["actions"]
    names = (f"{take}A{action:03}" for take, actions in missing.items() for action in actions)
    return dict.fromkeys(names, "listed by the authors of the data set: its skeletons are missing or incomplete")


_CLASSES = class_names("ntu120")  # the first 60 are those of NTU-60
_BAD = _bad_clips()
_PAPER_60 = "A. Shahroudy et al., CVPR 2016"
_PAPER_120 = "J. Liu et al., TPAMI 2020"
_SOURCE = "after signing the release agreement at https://rose1.ntu.edu.sg/dataset/actionRecognition/"
_LICENCE = "release agreement of ROSE Lab: academic research only, no redistribution"
_VIEWS_60, _VIEWS_120 = {"60": every_class(_CLASSES[:60])}, {"120": every_class(_CLASSES)}
NTU60 = Dataset(
    name="ntu60",
    title="NTU RGB+D",
    layout=NTU25,
    fps=30.0,
    classes=_CLASSES[:60],
    views=_VIEWS_60,
    splits=class_splits("ntu60", _VIEWS_60),
    protocols={
        "cross-subject": Protocol(
            "subject", _TRAIN_60, f"{_PAPER_60}; the list as in the published preprocessing code"
        ),
        "cross-view": Protocol("camera", frozenset({2, 3}), _PAPER_60),
    },
    bodies=2,
    bad_clips={name: reason for name, reason in _BAD.items() if parse_ntu_name(name).action <= 60},
    expected={
        "clips": 56_578,
        "cross-subject train": 40_091,
        "cross-subject test": 16_487,
        "cross-view train": 37_646,
        "cross-view test": 18_932,
    },
    source=f"{_SOURCE}: nturgbd_skeletons_s001_to_s017.zip",
    citation="A. Shahroudy, J. Liu, T.-T. Ng, G. Wang: NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis."
    " CVPR 2016.",
    licence=_LICENCE,
    readings=_readings(60),
)
NTU120 = Dataset(
    name="ntu120",
    title="NTU RGB+D 120",
    layout=NTU25,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS_120,
    splits=class_splits("ntu120", _VIEWS_120),
    protocols={
        "cross-subject": Protocol("subject", _TRAIN_120, f"{_PAPER_120}; the list as commonly known"),
        "cross-setup": Protocol("setup", frozenset(range(2, 33, 2)), _PAPER_120),
    },
    bodies=2,
    bad_clips=_BAD,
    expected={
        "clips": 113_945,
        "cross-subject train": 63_026,
        "cross-subject test": 50_919,
        "cross-setup train": 54_468,
        "cross-setup test": 59_477,
    },
    source=f"{_SOURCE}: nturgbd_skeletons_s001_to_s017.zip and nturgbd_skeletons_s018_to_s032.zip in one folder",
    citation="J. Liu, A. Shahroudy, M. Perez, G. Wang, L.-Y. Duan, A. C. Kot: NTU RGB+D 120: A Large-Scale Benchmark"
    " for 3D Human Activity Understanding. TPAMI 2020.",
    licence=_LICENCE,
    readings=_readings(120),
)
