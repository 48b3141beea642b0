"""The data sets that skeltext knows by name."""

from __future__ import annotations

from skeltext.datasets.dataset import Dataset
from skeltext.datasets.gtu_action3d import GTU_ACTION3D
from skeltext.datasets.hdm05 import HDM05
from skeltext.datasets.kinder_gator import KINDER_GATOR
from skeltext.datasets.kinect20 import KINECT20
from skeltext.datasets.msr_action3d import MSR_ACTION3D
from skeltext.datasets.ntu import NTU60, NTU120
from skeltext.datasets.nw_ucla import NW_UCLA
from skeltext.datasets.packs import PACKS
from skeltext.datasets.pku_mmd import PKU_MMD, PKU_MMD2
from skeltext.datasets.procedural import BUILTIN
from skeltext.datasets.unions import MOTION14, MOTION15, MOTION_OPEN
from skeltext.datasets.utd_mhad import UTD_MHAD
from skeltext.errors import SkeltextError

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        BUILTIN,
        UTD_MHAD,
        KINDER_GATOR,
        MSR_ACTION3D,
        NW_UCLA,
        GTU_ACTION3D,
        HDM05,
        KINECT20,
        MOTION14,
        MOTION15,
        MOTION_OPEN,
        *PACKS.values(),
        NTU60,
        NTU120,
        PKU_MMD,
        PKU_MMD2,
    )
}


def list_datasets() -> list[str]:
    """The names of the data sets.

    >>> "kinect20" in list_datasets()
    True
    """
    return list(DATASETS)


def dataset_named(name: str) -> Dataset:
    """The data set of that name; :class:`SkeltextError` lists the names there are.

    >>> len(dataset_named("kinect20").classes)
    86
    """
    if name not in DATASETS:
        raise SkeltextError(f"data set {name!r} is not known; known are {', '.join(DATASETS)}")
    return DATASETS[name]
