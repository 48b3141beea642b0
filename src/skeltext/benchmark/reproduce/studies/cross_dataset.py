"""Table X: trained on one data set, tested on unseen classes of another."""

from __future__ import annotations

from dataclasses import replace

from skeltext.adaptation.registry import ALIGNMENT
from skeltext.benchmark.reproduce.study import Arm, Column, Found, Scope, Study, compared, comparison, preset_of
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.same_actions import overlapping
from skeltext.errors import require

_PAPER = {"ntu60/pku-mmd": 94.73, "pku-mmd/ntu60": 61.02}
_PLAIN = Arm(label="PGFA without alignment")
_ALIGNED = Arm(label="PGFA", step=ALIGNMENT, paper=_PAPER)


def _cross(scope: Scope) -> Found:
    require(
        len(scope.datasets) == 2,
        f"{len(scope.datasets)} data sets, expected two: `--dataset kinder-gator --dataset utd-mhad` goes both ways",
    )
    first, second = scope.datasets
    whole = [_column(first, second), _column(second, first)]
    disjoint = [_without_overlap(column) for column in whole]
    as_published = compared(scope, (_PLAIN, _ALIGNED), whole, title="As published")
    without = comparison(scope, [_PLAIN, replace(_ALIGNED, paper={})], disjoint, title="Without overlap")
    notes = [
        "Split i of one data set is trained on, the unseen classes of split i of the other are tested. As published,"
        " seen classes may be the very actions that are unseen on the other side. Published for SMIE: 75.07 from NTU-60"
        " to PKU-MMD, 55.92 back.",
        "Without overlap, every seen class that means the same motion as a class unseen on the other side is left out"
        " of the training.",
        *(_left_out(column) for column in disjoint),
    ]
    return replace(as_published, grids=[*as_published.grids, without], notes=notes)


def _column(source: str, target: str) -> Column:
    title = f"{dataset_named(source).title} to {dataset_named(target).title}"
    return Column(key=f"{source}/{target}", title=title, preset=preset_of(source), on=preset_of(target))


def _without_overlap(column: Column) -> Column:
    """The same without the seen classes of each split that are actions of the other side's unseen classes."""
    assert column.on is not None
    source, target = column.key.split("/")
    per_split = {}
    for split, other in zip(column.preset.splits, column.on.splits, strict=False):
        seen, unseen = dataset_named(source).split(split).seen, dataset_named(target).split(other).unseen
        per_split[split] = {"without": tuple(overlapping(source, seen, target, unseen))}
    return replace(column, per_split=per_split)


def _left_out(column: Column) -> str:
    splits = (
        f"split {split}: {', '.join(changes['without']) or 'nothing'}" for split, changes in column.per_split.items()
    )
    return f"Left out from {column.title}: {'; '.join(splits)}."


TABLE10 = Study(
    name="table10",
    title="Table X: from one data set to another",
    about="Both ways between two data sets, with and without the actions that both hold.",
    conduct=_cross,
    paper_sets=("ntu60", "pku-mmd"),
)
