"""Kinder-Gator: 58 motions by 10 children and 10 adults, Kinect v1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Sample, View, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_names, class_splits, table
from skeltext.formats.kinder_gator import read_kinder_gator
from skeltext.skeletons.layouts import KINECT20

_FILES = [name.lower() for name in table("kinder_gator")["files"]]  # as the file names call the classes


def _samples(originals: Originals) -> Iterator[Sample]:
    pattern = rf"(POSE-p(\d+)_\d+-({'|'.join(_FILES)})-+\d+)\.csv"
    for path, name in originals.files(pattern, like="POSE-p103_01-Raise-your-hand-1455369900000.csv"):
        label = _FILES.index(name[3].lower())
        yield Sample(id=name[1], label=label, subject=int(name[2]), read=partial(read_kinder_gator, path))


_CLASSES = class_names("kinder-gator")
# 48 merges left and right, which are relative to the side each person chose first; 43 merges "as far as possible" too.
_VIEWS = {
    "58": every_class(_CLASSES),
    **{
        name: View(tuple(view["classes"]), tuple(view["from_class"]))
        for name, view in table("kinder_gator")["views"].items()
    },
}
KINDER_GATOR = Dataset(
    name="kinder-gator",
    title="Kinder-Gator: The UF Kinect Database of Child and Adult Motion",
    layout=KINECT20,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("kinder-gator", _VIEWS),
    source="open download of the University of Florida,"
    " http://jainlab.cise.ufl.edu/documents/dataset/Kinder_Gator_dataset.zip",
    citation="A. Aloba, G. Flores, J. Woodward, A. Shaw, A. Castonguay, I. Cuba, Y. Dong, E. Jain, L. Anthony:"
    " Kinder-Gator: The UF Kinect Database of Child and Adult Motion. Eurographics 2018 (short papers).",
    licence="no explicit licence; published openly for animation and whole-body recognition, citation requested",
    readings={"originals": _samples},
)
