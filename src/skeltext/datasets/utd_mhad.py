"""UTD-MHAD: 27 actions by 8 people, Kinect v1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Protocol, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.formats.utd import read_utd
from skeltext.skeletons.layouts import KINECT20


def _samples(originals: Originals) -> Iterator[Sample]:
    for path, name in originals.files(r"(a(\d+)_s(\d+)_t\d+)_skeleton\.mat", like="a1_s1_t1_skeleton.mat"):
        yield Sample(id=name[1], label=int(name[2]) - 1, subject=int(name[3]), read=partial(read_utd, path))


_CLASSES = class_names("utd-mhad")
_VIEWS = {"27": every_class(_CLASSES)}
UTD_MHAD = Dataset(
    name="utd-mhad",
    title="UTD Multimodal Human Action Dataset, skeletons",
    layout=KINECT20,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("utd-mhad", _VIEWS),
    protocols={"cross-subject": Protocol("subject", frozenset({1, 3, 5, 7}), "the paper: odd subjects train")},
    bad_clips=dict.fromkeys(("a8_s1_t4", "a23_s6_t4", "a27_s8_t4"), "removed by its authors as corrupt"),
    source="open download of the University of Texas at Dallas, https://personal.utdallas.edu/~kehtar/UTD-MHAD.html",
    citation="C. Chen, R. Jafari, N. Kehtarnavaz: UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing"
    " a Depth Camera and a Wearable Inertial Sensor. ICIP 2015.",
    licence="no formal licence; offered as a freely available data set, citation requested",
    readings={"originals": _samples},
)
