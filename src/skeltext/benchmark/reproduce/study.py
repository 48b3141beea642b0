"""What a study is, what it finds, and the shape that most share: rows of models by columns of data."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skeltext.adaptation.registry import PLAIN, USUAL, named_steps
from skeltext.benchmark.pictures.bars import draw_bars
from skeltext.benchmark.presets import Preset, load_preset, preset_names
from skeltext.benchmark.reproduce.workshop import Measured, Workshop
from skeltext.data_frame import data_frame
from skeltext.datasets.registry import DATASETS, dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation.predictions import Anchors
from skeltext.evaluation.results import RULES
from skeltext.runs.config import TrainingConfig
from skeltext.runs.run import OtherData

if TYPE_CHECKING:
    import pandas as pd

PAPER_SETS = ("ntu60", "ntu120", "pku-mmd")


class Spread(NamedTuple):
    """A mean over runs and their standard deviation, None for a single run."""

    mean: float
    std: float | None


Cell = str | int | float | Spread | None
Picture = Callable[[Path], None]
"""Draws itself to a png file of that name."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: names of the columns and rows of cells; a float is per cent where the name of its column says so.

    The columns in ``spare`` are left out where there is little room.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    spare: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """``title``, ``columns`` and ``rows`` as plain values for JSON; a spread is [mean, deviation or None]."""
        rows = [[list(cell) if isinstance(cell, Spread) else cell for cell in row] for row in self.rows]
        return {"title": self.title, "columns": list(self.columns), "rows": rows}

    def to_frame(self) -> pd.DataFrame:
        """A row for every row; a column of spreads becomes two, the second of which ends in ``std``."""
        rows = self.flat_rows()
        return data_frame(rows, columns=list(rows[0]) if rows else self.columns)

    def flat_rows(self) -> list[dict[str, Any]]:
        """The rows with plain values by name, those of :meth:`to_frame`."""
        spreads = [any(isinstance(row[number], Spread) for row in self.rows) for number in range(len(self.columns))]
        found = []
        for row in self.rows:
            values: dict[str, Any] = {}
            for name, cell, spread in zip(self.columns, row, spreads, strict=True):
                mean, std = cell if isinstance(cell, Spread) else (cell, None)
                values |= {name: mean, f"{name} std": std} if spread else {name: cell}
            found.append(values)
        return found


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a study found: tables, pictures by name, and sentences on how the figures came about."""

    grids: list[Grid]
    pictures: dict[str, Picture] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The ``tables`` and ``notes`` as plain values for JSON."""
        return {"tables": [grid.to_dict() for grid in self.grids], "notes": list(self.notes)}


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a study is done on: registered ``datasets``, and files of ``descriptions`` to compare with our own."""

    workshop: Workshop
    datasets: tuple[str, ...]
    descriptions: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """A table or figure of the paper, or a comparison beyond it: ``conduct`` does it again.

    ``about`` says in a sentence what it compares. ``paper_sets`` are the data sets of the paper, on which it is done
    unless others are named, ``trains`` is whether anything has to be trained, so that the data must be there.
    """

    name: str
    title: str
    about: str
    conduct: Callable[[Scope], Found]
    paper_sets: tuple[str, ...] = PAPER_SETS
    trains: bool = True


@dataclass(frozen=True, kw_only=True)
class Column:
    """Data to measure on: a preset, the splits that are averaged (all of the preset by default), and a test set.

    ``key`` is how the paper's values are looked up. With ``on`` the unseen classes are those of the i-th split of
    another preset. ``per_split`` holds settings that only a split has.
    """

    key: str
    title: str
    preset: Preset
    splits: tuple[str, ...] = ()
    on: Preset | None = None
    per_split: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A row: how a model is trained and how its clips are recognized.

    ``changes`` are settings that differ from the preset of the column, ``first_stage`` those of the run whose encoder
    it takes over, frozen unless it is to ``finetune``. ``step`` is the test-time step that counts, and clips are
    compared ``by`` texts or exemplars. ``paper`` holds the published value in per cent by the key of the column.
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    first_stage: Callable[[Preset], Mapping[str, Any]] | None = None
    finetune: bool = False
    step: str = PLAIN
    by: Anchors = "texts"
    paper: Mapping[str, float] = field(default_factory=dict)


COLUMNS = (
    "model",
    "data",
    "paper %",
    *(f"{rule} %" for rule in RULES),
    "last - paper",
    "last, mean of classes %",
    "runs",
)


def preset_of(dataset: str, setting: str = "setting1") -> Preset:
    """The preset of a data set for a setting of the paper; :class:`SkeltextError` if there is none.

    >>> preset_of("utd-mhad").name, preset_of("builtin").name
    ('utd-mhad', 'demo')
    """
    dataset_named(dataset)
    names = [f"{dataset}-{setting}"]
    if setting == "setting1":
        names += [dataset, "demo" if dataset == "builtin" else dataset]
    for name in names:
        if name in preset_names():
            return load_preset(name)
    with_one = [name for name in DATASETS if f"{name}-{setting}" in preset_names()]
    raise SkeltextError(f"{dataset} has no preset for {setting}; there is one for {', '.join(with_one)}")


def columns_for(scope: Scope, *, setting: str = "setting1") -> list[Column]:
    """A column for every data set of a scope."""
    return [
        Column(key=name, title=dataset_named(name).title, preset=preset_of(name, setting)) for name in scope.datasets
    ]


def measured(workshop: Workshop, arm: Arm, column: Column, *, steps: Sequence[str] = USUAL) -> list[Measured]:
    """Every run of an arm on a column, trained and measured by its step and by `steps`, in one pass over the clips."""
    asked = named_steps((*steps, arm.step))
    found = []
    for config in _configs(workshop, arm, column):
        on = None
        if column.on is not None:
            other = column.on.settings["dataset"]
            split = column.on.splits[column.preset.splits.index(config.split)]
            on = OtherData(dataset=other, split=split, store=workshop.store_of(other))
        found.append(workshop.measure(config, steps=asked, by=arm.by, on=on))
    return found


def _configs(workshop: Workshop, arm: Arm, column: Column) -> list[TrainingConfig]:
    def of(changes: Mapping[str, Any]) -> list[TrainingConfig]:
        configs = workshop.configs(column.preset, changes, column.splits)
        return [replace(config, **column.per_split.get(config.split, {})) for config in configs]

    configs = of(arm.changes)
    if arm.first_stage is None:
        return configs
    return workshop.on_first_stages(configs, of(arm.first_stage(column.preset)), finetune=arm.finetune)


def comparison(scope: Scope, arms: Sequence[Arm], columns: Sequence[Column], *, title: str) -> Grid:
    """Arms by columns, a row for each pair: the paper's value, ours by the three rules, and how far `last` is off."""
    steps = (*USUAL, *(arm.step for arm in arms))
    rows = [_row(arm, column, measured(scope.workshop, arm, column, steps=steps)) for arm in arms for column in columns]
    return Grid(title=title, columns=COLUMNS, rows=rows)


def bars_of(grid: Grid) -> Picture:
    """The accuracies of a comparison after the last epoch as bars: data side by side, a colour per model."""
    groups = list(dict.fromkeys(str(row[1]) for row in grid.rows))
    series: dict[str, list[float]] = {}
    for model, data, _, last, *_ in grid.rows:
        values = series.setdefault(str(model), [math.nan] * len(groups))
        values[groups.index(str(data))] = last.mean if isinstance(last, Spread) else math.nan
    return partial(draw_bars, groups, series, y_label="accuracy after the last epoch, %")


def compared(
    scope: Scope, arms: Sequence[Arm], columns: Sequence[Column], *, title: str, notes: Sequence[str] = ()
) -> Found:
    """A comparison with its picture."""
    grid = comparison(scope, arms, columns, title=title)
    return Found(grids=[grid], pictures={"last": bars_of(grid)}, notes=list(notes))


def _row(arm: Arm, column: Column, runs: Sequence[Measured]) -> tuple[Cell, ...]:
    ours = [spread_of([run.table[arm.step][rule] for run in runs]) for rule in RULES]
    paper, last = arm.paper.get(column.key), ours[0]
    difference = None if paper is None or last is None else last.mean - paper
    by_class = spread_of([run.class_table[arm.step]["last"] for run in runs])
    return (arm.label, column.title, paper, *ours, difference, by_class, len(runs))


def spread_of(shares: Sequence[float | None]) -> Spread | None:
    """Mean and standard deviation of shares in [0, 1], in per cent; None where a run has no such figure.

    >>> spread_of([0.5, 0.7])
    Spread(mean=60.0, std=10.0)
    """
    known = [100 * share for share in shares if share is not None]
    if not known or len(known) < len(shares):
        return None
    return Spread(round(statistics.fmean(known), 6), round(statistics.pstdev(known), 6) if len(known) > 1 else None)
