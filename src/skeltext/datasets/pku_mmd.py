"""PKU-MMD phase 1: 51 classes cut out of long recordings, Kinect v2, three cameras, one or two people."""

from __future__ import annotations

from skeltext.datasets.dataset import Dataset, every_class
from skeltext.datasets.tables import class_names, class_splits
from skeltext.skeletons.layouts import NTU25

_CLASSES = class_names("pku-mmd")
_VIEWS = {"51": every_class(_CLASSES)}
PKU_MMD = Dataset(
    name="pku-mmd",
    title="PKU-MMD, phase 1",
    layout=NTU25,
    fps=30.0,
    classes=_CLASSES,
    views=_VIEWS,
    splits=class_splits("pku-mmd", _VIEWS),
    train_subjects=None,  # the official list comes with the data set and is printed in no paper
    bodies=2,
    source="after signing the form at https://www.icst.pku.edu.cn/struct/Projects/PKUMMD.html: skeletons and labels",
    citation="C. Liu, Y. Hu, Y. Li, S. Song, J. Liu: PKU-MMD: A Large Scale Benchmark for Continuous Multi-Modal Human"
    " Action Understanding. arXiv:1703.07475, 2017.",
    licence="signed form: academic research only, no redistribution",
)
