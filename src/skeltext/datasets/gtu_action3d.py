"""GTU Action 3D: 14 exercises and everyday actions, Kinect v2."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits
from skeltext.formats.gtu import read_gtu
from skeltext.skeletons.layouts import NTU25


def _samples(originals: Originals) -> Iterator[Sample]:
    """Folder k holds class k - 1; the files do not tell which of the 8 people is seen."""
    for path, name in originals.files(r"(movement\d+)\.txt", like="movement1.txt in a folder 1 to 14"):
        folder = path.parent.name
        if folder.isdecimal():
            yield Sample(id=f"{folder}/{name[1]}", label=int(folder) - 1, read=partial(read_gtu, path))


_CLASSES = class_names("gtu-action3d")
_VIEWS = {"14": every_class(_CLASSES)}
GTU_ACTION3D = Dataset(
    name="gtu-action3d",
    title="GTU Action 3D (Gebze Technical University)",
    layout=NTU25,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("gtu-action3d", _VIEWS),
    source="the folder Data/GTU of https://github.com/seymayucer/ActionDatasetLoader",
    citation="S. Yucer, Y. S. Akgul: 3D Human Action Recognition with Siamese-LSTM Based Deep Metric Learning. 2018.",
    licence="no open licence (copyright notice of the repository only); called publicly available",
    readings={"originals": _samples},
)
