"""The union of six open data sets in the layout of Kinect v1: 86 classes, which no open data set has alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Sample, every_class
from skeltext.datasets.facing import brought_together
from skeltext.datasets.gtu_action3d import GTU_ACTION3D
from skeltext.datasets.hdm05 import HDM05
from skeltext.datasets.kinder_gator import KINDER_GATOR
from skeltext.datasets.msr_action3d import MSR_ACTION3D
from skeltext.datasets.nw_ucla import NW_UCLA
from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import class_splits, table
from skeltext.datasets.utd_mhad import UTD_MHAD
from skeltext.skeletons.layouts import KINECT20 as LAYOUT

PARTS = (KINDER_GATOR, UTD_MHAD, MSR_ACTION3D, NW_UCLA, GTU_ACTION3D, HDM05)
MOST = 40  # clips of one class of one part, which tames the large classes
_RENAME = table("kinect20")["rename"]  # part -> its class name -> the class of the union; others keep their name


def _class_of(part: Dataset, label: int) -> str:
    name = part.classes[label]
    return str(_RENAME[part.name].get(name, name))


_CLASSES = tuple(sorted({_class_of(part, label) for part in PARTS for label in range(len(part.classes))}))


def _samples(originals: Originals) -> Iterator[Sample]:
    """The first clips of every class of every part; subjects of part k count from 10000 (k + 1)."""
    for number, part in enumerate(PARTS, 1):
        taken: Counter[int] = Counter()
        for sample in part.samples(originals.below(part.name, f"{part.name}_subset")):
            taken[sample.label] += 1
            if taken[sample.label] <= MOST:
                yield Sample(
                    id=f"{part.name}/{sample.id}",
                    label=_CLASSES.index(_class_of(part, sample.label)),
                    subject=-1 if sample.subject < 0 else 10_000 * number + sample.subject,
                    camera=sample.camera,
                    source=part.name,
                    read=partial(brought_together, sample.read, trim=part is KINDER_GATOR),  # rests at both ends
                )


_VIEWS = {"86": every_class(_CLASSES)}
KINECT20 = Dataset(
    name="kinect20",
    title="Union of Kinder-Gator, UTD-MHAD, MSR Action3D, NW-UCLA, GTU Action 3D and HDM05 (11 classes)",
    layout=LAYOUT,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("kinect20", _VIEWS),
    bad_clips={f"{part.name}/{clip}": reason for part in PARTS for clip, reason in part.bad_clips.items()},
    source=f"a folder with the originals of {', '.join(part.name for part in PARTS)} in sub-folders of these names",
    citation="\n".join(part.citation for part in PARTS),
    licence="the strictest of its parts: research only, not to be redistributed",
    readings={"originals": _samples},
)
