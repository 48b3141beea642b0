"""MSR Action3D: 20 actions by 10 people in front of a depth camera."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Protocol, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.formats.msr import read_msr
from skeltext.skeletons.layouts import KINECT20


def _samples(originals: Originals) -> Iterator[Sample]:
    like = "a01_s01_e01_skeleton3D.txt"
    for path, name in originals.files(r"(a(\d+)_s(\d+)_e\d+)_skeleton3D\.txt", like=like):
        yield Sample(id=name[1], label=int(name[2]) - 1, subject=int(name[3]), read=partial(read_msr, path))


_CLASSES = class_names("msr-action3d")
_VIEWS = {"20": every_class(_CLASSES)}
MSR_ACTION3D = Dataset(
    name="msr-action3d",
    title="MSR Action3D, skeletons in real-world coordinates",
    layout=KINECT20,
    fps=15.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("msr-action3d", _VIEWS),
    protocols={
        "cross-subject": Protocol("subject", frozenset({1, 3, 5, 7, 9}), "half of the people, by custom the odd ones")
    },
    bad_clips={"a13_s09_e02": "every frame is zero"},
    source="free download of the authors (W. Li, University of Wollongong): the archive MSRAction3DSkeletonReal3D",
    citation="W. Li, Z. Zhang, Z. Liu: Action Recognition Based on a Bag of 3D Points. CVPR4HB 2010.",
    licence="no explicit licence; a free public download for research",
    readings={"originals": _samples},
)
