"""Figures 7 to 10 and the confusion matrices: what the space of clips and texts looks like."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from skeltext.adaptation.registry import ALIGNMENT
from skeltext.benchmark.pictures.bars import draw_bars
from skeltext.benchmark.pictures.confusion import draw_confusion
from skeltext.benchmark.pictures.scatter import Panel, draw_scatter
from skeltext.benchmark.reproduce.studies.frameworks import END_TO_END, FINETUNED, FROZEN
from skeltext.benchmark.reproduce.study import (
    Arm,
    Cell,
    Column,
    Found,
    Grid,
    Picture,
    Scope,
    Spread,
    Study,
    columns_for,
    measured,
    spread_of,
)
from skeltext.benchmark.reproduce.workshop import Measured
from skeltext.evaluation.discrimination import fisher_ratio, silhouette, t_sne

_FRAMEWORKS = (FROZEN[0], FINETUNED[0], END_TO_END[0])
_LAST = "All of it is taken after the last epoch, on the clips of the unseen classes."


def _first(scope: Scope, arm: Arm, column: Column) -> Measured:
    """The first split and seed, which is enough to look at."""
    return measured(scope.workshop, arm, column)[0]


def _feature_maps(scope: Scope) -> Found:
    pictures: dict[str, Picture] = {}
    for column in columns_for(scope):
        panels = []
        for arm in _FRAMEWORKS:
            run = _first(scope, arm, column)
            (points,) = t_sne([run.features])
            panels.append(Panel(title=arm.label, points=points, labels=run.labels))
        pictures[f"features-{column.key}"] = partial(draw_scatter, panels, classes=run.classes)
    return Found(grids=[], pictures=pictures, notes=["t-SNE of the embedded clips, one map per framework.", _LAST])


def _alignment_maps(scope: Scope) -> Found:
    pictures: dict[str, Picture] = {}
    rows: list[tuple[Cell, ...]] = []
    for column in columns_for(scope):
        run = _first(scope, END_TO_END[1], column)
        clips, texts, prototypes = t_sne([run.features, run.texts, run.anchors[ALIGNMENT]])
        before = Panel(title="texts", points=clips, labels=run.labels, texts=texts)
        after = Panel(title="aligned", points=clips, labels=run.labels, texts=texts, prototypes=prototypes)
        pictures[f"alignment-{column.key}"] = partial(draw_scatter, [before, after], classes=run.classes)
        rows.append((column.title, *(_cosine_to_own(run, anchors) for anchors in (run.texts, run.anchors[ALIGNMENT]))))
    grid = Grid(
        title="Mean cosine of the clips to the anchor of their own class",
        columns=("data", "texts", "prototypes"),
        rows=rows,
    )
    return Found(grids=[grid], pictures=pictures, notes=["One t-SNE of clips, texts and prototypes together.", _LAST])


def _cosine_to_own(run: Measured, anchors: np.ndarray) -> float:
    own = anchors[run.labels]
    norms = np.linalg.norm(run.features, axis=1) * np.linalg.norm(own, axis=1)
    return round(float(((run.features * own).sum(axis=1) / norms).mean()), 4)


def _discrimination(scope: Scope, *, name: str) -> Found:
    measure = {"Fisher discrimination ratio": fisher_ratio, "silhouette": silhouette}[name]
    rows: list[tuple[Cell, ...]] = []
    series: dict[str, list[float]] = {}
    columns = columns_for(scope)
    for arm in _FRAMEWORKS:
        for column in columns:
            found = [measure(run.features, run.labels) for run in measured(scope.workshop, arm, column)]
            spread = _unscaled(found)
            rows.append((arm.label, column.title, spread, len(found)))
            series.setdefault(arm.label, []).append(spread.mean)
    grid = Grid(title=name, columns=("model", "data", name, "runs"), rows=rows)
    picture = partial(draw_bars, [column.title for column in columns], series, y_label=name)
    return Found(grids=[grid], pictures={name.split()[0].lower(): picture}, notes=[_LAST])


def _unscaled(values: Sequence[float]) -> Spread:
    spread = spread_of([value / 100 for value in values])
    assert spread is not None
    return spread


def _confusion(scope: Scope) -> Found:
    pictures: dict[str, Picture] = {}
    for column in columns_for(scope):
        run = _first(scope, END_TO_END[1], column)
        k = len(run.classes)
        for step, predicted in run.predicted.items():
            counts = np.bincount(run.labels * k + predicted, minlength=k * k).reshape(k, k)
            pictures[f"{step}-{column.key}"] = partial(draw_confusion, counts, run.classes)
    return Found(grids=[], pictures=pictures, notes=["Rows are the truth.", _LAST])


FIG7 = Study(
    name="fig7",
    title="Figure 7: the features",
    about="Maps of the unseen clips after each training framework.",
    conduct=_feature_maps,
)
FIG8 = Study(
    name="fig8",
    title="Figure 8: Fisher discrimination ratio",
    about="How far classes lie apart for their width, by training framework.",
    conduct=partial(_discrimination, name="Fisher discrimination ratio"),
)
FIG9 = Study(
    name="fig9",
    title="Figure 9: silhouette",
    about="How much nearer clips are to their own class than to the next, by training framework.",
    conduct=partial(_discrimination, name="silhouette"),
)
FIG10 = Study(
    name="fig10",
    title="Figure 10: alignment",
    about="Where the anchors of the unseen classes go when they are aligned.",
    conduct=_alignment_maps,
)
CONFUSION = Study(
    name="confusion",
    title="Confusion matrices",
    about="Which unseen classes are taken for which, before and after alignment.",
    conduct=_confusion,
)
