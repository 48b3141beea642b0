"""Beyond the paper: what every zero-shot method gains by each text space, all on the same frozen features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from skeltext.adaptation.registry import ALIGNMENT, PLAIN, USUAL, named_steps
from skeltext.benchmark.pictures.bars import draw_bars
from skeltext.benchmark.recipes import load_recipe, recipe_names
from skeltext.benchmark.reproduce.study import (
    Cell,
    Column,
    Found,
    Grid,
    Picture,
    Scope,
    Spread,
    Study,
    columns_for,
    spread_of,
)
from skeltext.benchmark.reproduce.workshop import Figures, Workshop
from skeltext.evaluation.results import RULES
from skeltext.evaluation.summary import within_source
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.methods.method import Method
from skeltext.methods.registry import list_methods, method_named
from skeltext.runs.run import Run

Space = Mapping[str, Any]
_FROZEN = {"encoder": "kinematic", "encoder_options": {}, "preprocessing": "steady64", "texts": "complete"}
_BRIEF = {"epochs": 10, "steps_per_epoch": 170, "warmup": 0}  # of a head that is not solved; a cycle of CADA-VAE's
_BRIEFER = dict.fromkeys(("revise", "relation_net"), _BRIEF | {"steps_per_epoch": 40})
_FIRST = "sentence"  # the space that gains are counted from
_SPACES: dict[str, Space] = {name: {"text_space": name} for name in (_FIRST, "lexical")}
_PARTS: dict[str, Space] = {
    "sentence, names": {"text_space": "sentence", "texts": "name"},
    "sentence, skeleton-focused": {"text_space": "sentence", "texts": "skeleton"},
    **_SPACES,
    "centered": {"text_space": "centered"},
    "lexical, words and pairs alone": {"text_space": "lexical", "text_space_options": {"share": 0.0}},
}
_PARTS_OF = "ridge"
_COLUMNS = (
    "method",
    "text space",
    *(f"{rule} %" for rule in RULES),
    *(f"aligned {rule} %" for rule in RULES),
    "within %",
    "aligned within %",
    f"last - {_FIRST}, %",
    f"within - {_FIRST}, %",
    "runs",
)
_NOTES = (
    "Every method is trained by its recipe, but on the fixed features of the encoder kinematic from clips prepared by"
    " steady64, and with complete descriptions, so that within a method only the text space differs. Methods that train"
    " an encoder, or take over a trained one, are their heads alone here: rows do not tell what the methods can do.",
    f"It is brief: a head that learns by steps takes {_BRIEF['epochs']} epochs of {_BRIEF['steps_per_epoch']} without a"
    " warm-up, whatever its recipe says, which is few for most of them. A step of ReViSE and of RelationNet takes"
    f" several times as long as one of the others, so their epochs have {_BRIEFER['revise']['steps_per_epoch']}. A head"
    " that is solved has one epoch, so that the three rules agree.",
    "The lengths are what there was time for. All heads had the shorter one first, in which CADA-VAE does not begin to"
    " compare clips with texts; the longer one is a cycle of its training. Nothing else was chosen by these figures,"
    " but the settings of the recipe ensemble (Ridge and MLP) were chosen before, on some of the same splits.",
    "sentence: the embedding of the description. centered: without the mean of the seen classes. lexical: words and"
    " pairs of words of all texts of a class beside the centered sentence. So lexical reads more texts than sentence"
    " does; how much of a gain is theirs is not told here.",
    f"last - {_FIRST} and within - {_FIRST}: gains over {_FIRST} of the same method on the same split and seed, plain.",
    "within: a clip is recognized among the classes of its own data set alone, after the last epoch, where that shows"
    " several. In a union a clip may be recognized because it looks like its sensor, which does not help there.",
)


def _methods() -> tuple[list[str], list[str]]:
    """The zero-shot methods that are compared, of those with a recipe of their name, and why others are left out."""
    named = [entry.name for entry in list_methods() if entry.route == "zero-shot" and entry.name in recipe_names()]
    several = [name for name in named if method_named(name).text_kinds]
    forms = [name for name in named if name not in several and _learns_from_forms(name)]
    reasons = {
        "they read several kinds of text, each by itself, and lexical reads all of them at once": several,
        "it learns from several forms of every clip, and here are the features of one": forms,
    }
    return [name for name in named if name not in (*several, *forms)], [
        f"Left out, because {reason}: {', '.join(map(_title, names))}." for reason, names in reasons.items()
    ]


def _learns_from_forms(name: str) -> bool:
    return method_named(name).training_features is not Method.training_features


def _title(name: str) -> str:
    return method_named(name).about.title


def _runs(workshop: Workshop, method: str, space: Space, column: Column) -> list[Figures]:
    """What is measured of every run of a method in a text space."""
    length = {} if method_named(method).closed_form else _BRIEFER.get(method, _BRIEF)
    configs = workshop.configs(column.preset, {**load_recipe(method).settings, **length, **_FROZEN, **space})
    return [workshop.figures(workshop.run(config), "text spaces", _figures) for config in configs]


def _figures(run: Run) -> Figures:
    result = evaluate_run(run, steps=named_steps(USUAL), device=run.config.device)
    return {"table": result.table, "chance": result.chance, "within": within_source([result])}


def _grid(workshop: Workshop, methods: Sequence[str], spaces: Mapping[str, Space], column: Column, title: str) -> Grid:
    rows = []
    for method in methods:
        found = {label: _runs(workshop, method, space, column) for label, space in spaces.items()}
        rows += [_row(method, label, runs, found[_FIRST]) for label, runs in found.items()]
    return Grid(title=title, columns=_COLUMNS, rows=rows)


def _row(method: str, label: str, runs: Sequence[Figures], first: Sequence[Figures]) -> tuple[Cell, ...]:
    def gain(of: Sequence[float | None], before: Sequence[float | None]) -> Spread | None:
        return spread_of([None if a is None or b is None else a - b for a, b in zip(of, before, strict=True)])

    def last(some: Sequence[Figures]) -> list[float | None]:
        return [run["table"][PLAIN]["last"] for run in some]

    def within(some: Sequence[Figures], step: str = PLAIN) -> list[float | None]:
        return [run["within"].get(step) for run in some]

    return (
        _title(method),
        label,
        *(spread_of([run["table"][step][rule] for run in runs]) for step in (PLAIN, ALIGNMENT) for rule in RULES),
        spread_of(within(runs)),
        spread_of(within(runs, ALIGNMENT)),
        gain(last(runs), last(first)),
        gain(within(runs), within(first)),
        len(runs),
    )


def _bars(grid: Grid, column: str, *, chance: float | None) -> Picture:
    """A column of a table as bars: methods side by side, a color for each text space."""
    groups = list(dict.fromkeys(str(row[0]) for row in grid.rows))
    series: dict[str, list[float]] = {}
    for row in grid.rows:
        cell = row[grid.columns.index(column)]
        values = series.setdefault(str(row[1]), [math.nan] * len(groups))
        values[groups.index(str(row[0]))] = cell.mean if isinstance(cell, Spread) else math.nan
    return partial(draw_bars, groups, series, y_label="accuracy after the last epoch, %", chance=chance)


def _spaces(scope: Scope) -> Found:
    methods, left_out = _methods()
    notes = [*_NOTES, *left_out]
    grids: list[Grid] = []
    pictures: dict[str, Picture] = {}
    for column in columns_for(scope):
        grid = _grid(scope.workshop, methods, _SPACES, column, f"Methods by text spaces, {column.key}")
        parts = _grid(scope.workshop, [_PARTS_OF], _PARTS, column, f"Parts of the text spaces, {column.key}")
        grids += [grid, parts]
        runs = _runs(scope.workshop, _PARTS_OF, _SPACES[_FIRST], column)
        chance, within = (
            spread_of([run["chance"] for run in runs]),
            spread_of([run["within"].get("chance") for run in runs]),
        )
        assert chance is not None
        pictures[f"last-{column.key}"] = _bars(grid, "last %", chance=chance.mean)
        notes.append(f"Chance on {column.key}: {chance.mean:.1f} % among all unseen classes")
        if within is not None:
            pictures[f"within-{column.key}"] = _bars(grid, "within %", chance=within.mean)
            notes[-1] += f", {within.mean:.1f} % within one source"
        notes[-1] += "."
    return Found(grids=grids, pictures=pictures, notes=notes)


TEXT_SPACES = Study(
    name="text-spaces",
    title="Text spaces: what every method gains by them",
    about="Every zero-shot method that reads one text of a class, on the same fixed features, in each text space.",
    conduct=_spaces,
    paper_sets=("kinect20",),
)
