"""NW-UCLA: 10 actions by 10 people, seen by three Kinect v1 at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Protocol, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.formats.ucla import read_ucla
from skeltext.skeletons.layouts import KINECT20

_ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)  # the numbers in the file names have gaps, class numbers have none


def _samples(originals: Originals) -> Iterator[Sample]:
    action = "|".join(f"{number:02}" for number in _ACTIONS)
    for path, name in originals.files(rf"(a({action})_s(\d+)_e\d+_v(\d+))\.json", like="a01_s01_e00_v01.json"):
        yield Sample(
            id=name[1],
            label=_ACTIONS.index(int(name[2])),
            subject=int(name[3]),
            camera=int(name[4]),
            read=partial(read_ucla, path),
        )


_CLASSES = class_names("nw-ucla")
_VIEWS = {"10": every_class(_CLASSES)}
NW_UCLA = Dataset(
    name="nw-ucla",
    title="Northwestern-UCLA Multiview Action3D, skeletons",
    layout=KINECT20,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("nw-ucla", _VIEWS),
    protocols={"cross-view": Protocol("camera", frozenset({1, 2}), "the paper: two cameras train, the third tests")},
    source="the JSON conversion all_sqe that goes with CTR-GCN and its descendants; the original recordings are at"
    " http://wangjiangb.github.io/my_data.html",
    citation="J. Wang, X. Nie, Y. Xia, Y. Wu, S.-C. Zhu: Cross-view Action Modeling, Learning and Recognition."
    " CVPR 2014.",
    licence="no explicit licence; a free public download for research",
    readings={"originals": _samples},
)
