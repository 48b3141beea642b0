"""The studies by name, in the order of the paper; what goes beyond it comes last."""

from __future__ import annotations

from skeltext.benchmark.reproduce.studies.alignment import FIG6, TABLE6
from skeltext.benchmark.reproduce.studies.bank import BANK
from skeltext.benchmark.reproduce.studies.complexity import TABLE7
from skeltext.benchmark.reproduce.studies.cross_dataset import TABLE10
from skeltext.benchmark.reproduce.studies.descriptions import TABLE3, TABLE4
from skeltext.benchmark.reproduce.studies.features import CONFUSION, FIG7, FIG8, FIG9, FIG10
from skeltext.benchmark.reproduce.studies.frameworks import TABLE5, TABLE9
from skeltext.benchmark.reproduce.studies.one_shot import TABLE8
from skeltext.benchmark.reproduce.studies.settings import TABLE1, TABLE2
from skeltext.benchmark.reproduce.studies.text_spaces import TEXT_SPACES
from skeltext.benchmark.reproduce.studies.theorem import THEOREM1
from skeltext.benchmark.reproduce.study import Study
from skeltext.errors import SkeltextError

STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        TABLE1,
        TABLE2,
        TABLE3,
        TABLE4,
        TABLE5,
        TABLE6,
        TABLE7,
        TABLE8,
        TABLE9,
        TABLE10,
        FIG6,
        FIG7,
        FIG8,
        FIG9,
        FIG10,
        CONFUSION,
        THEOREM1,
        BANK,
        TEXT_SPACES,
    )
}


def study_named(name: str) -> Study:
    """The study of that name; :class:`SkeltextError` lists the names there are.

    >>> study_named("table5").title
    'Table V: training frameworks'
    """
    if name not in STUDIES:
        raise SkeltextError(f"there is no study {name!r}; there are {', '.join(STUDIES)}")
    return STUDIES[name]
