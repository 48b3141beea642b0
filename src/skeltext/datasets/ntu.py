"""NTU RGB+D with 60 and with 120 classes: Kinect v2, three cameras, one or two people."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.formats.ntu import parse_ntu_name, read_ntu
from skeltext.skeletons.layouts import NTU25

# Training subjects of the cross-subject protocol: those of NTU-60 as in the published preprocessing code, those of
# NTU-120 as commonly known from the paper.
_TRAIN_60 = frozenset({1, 2, 4, 5, 8, 9, *range(13, 20), 25, 27, 28, 31, 34, 35, 38})
_TRAIN_120 = _TRAIN_60 | {
    *(45, 46, 47, 49, 50, *range(52, 60), 70, 74, 78, *range(80, 87), 89, *range(91, 96), 97, 98, 100, 103)
}


def _samples(originals: Originals, *, classes: int) -> Iterator[Sample]:
    """Everybody who was tracked is kept; which of them move most is for the preprocessing to say."""
    for path, name in originals.files(
        r"(S\d{3}C\d{3}P\d{3}R\d{3}A\d{3})\.skeleton", like="S001C001P001R001A001.skeleton"
    ):
        said = parse_ntu_name(name[1])
        if said.action <= classes:  # NTU-120 holds NTU-60 and is usually unpacked into the same folder
            yield Sample(
                id=name[1],
                label=said.action - 1,
                subject=said.performer,
                camera=said.camera,
                read=partial(read_ntu, path),
            )


_CLASSES = class_names("ntu120")  # the first 60 are those of NTU-60
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
    train_subjects=_TRAIN_60,
    bodies=2,
    source=f"{_SOURCE}: nturgbd_skeletons_s001_to_s017.zip",
    citation="A. Shahroudy, J. Liu, T.-T. Ng, G. Wang: NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis."
    " CVPR 2016.",
    licence=_LICENCE,
    samples=partial(_samples, classes=60),
)
NTU120 = Dataset(
    name="ntu120",
    title="NTU RGB+D 120",
    layout=NTU25,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS_120,
    splits=class_splits("ntu120", _VIEWS_120),
    train_subjects=_TRAIN_120,
    bodies=2,
    source=f"{_SOURCE}: nturgbd_skeletons_s001_to_s017.zip and nturgbd_skeletons_s018_to_s032.zip in one folder",
    citation="J. Liu, A. Shahroudy, M. Perez, G. Wang, L.-Y. Duan, A. C. Kot: NTU RGB+D 120: A Large-Scale Benchmark"
    " for 3D Human Activity Understanding. TPAMI 2020.",
    licence=_LICENCE,
    samples=partial(_samples, classes=120),
)
