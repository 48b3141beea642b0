"""The tables of a leaderboard: accuracy, seen and unseen together, size and time, and what papers print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.adaptation.registry import PLAIN, NamedStep
from skeltext.benchmark.leaderboard.significance import bootstrap_interval, sign_flip_probability
from skeltext.benchmark.leaderboard.standings import WAYS, Run, Standing
from skeltext.benchmark.reproduce.study import Cell, Grid, spread_of
from skeltext.evaluation.results import RULES
from skeltext.methods.registry import list_methods, method_named

_BY_RULE = tuple(f"{rule} %" for rule in RULES)
_SIZE = ("encoder parameters", "head parameters", "M multiply-adds per clip")
_SECONDS = ("training s", "second run s", "first stage s")


def accuracy_grid(standings: Sequence[Standing], *, steps: Sequence[NamedStep], title: str) -> Grid:
    """Accuracy on unseen classes by the three rules, after other steps, and how far each row is behind the first."""
    others = [step.label for step in steps if step.label != PLAIN]
    rows = []
    for standing in standings:
        tables = [run.measured.table for run in standing.runs]
        by_class = [run.measured.class_table[PLAIN]["last"] for run in standing.runs]
        rows.append(
            (
                *_head(standing),
                *(spread_of([table[PLAIN][rule] for table in tables]) for rule in RULES),
                spread_of(by_class),
                *(spread_of([table[step]["last"] for table in tables]) for step in others),
                *_behind(standing, standings[0]),
                len(standing.runs),
                *([standing.trouble] if any(other.trouble for other in standings) else []),
            )
        )
    columns = ("method", "year", *_BY_RULE, "last, mean of classes %", *(f"{step}, last %" for step in others))
    columns += ("behind the first %", "95 % of it", "p", "runs")
    trouble = ("why not",) if any(standing.trouble for standing in standings) else ()
    spare = ("year", "last, mean of classes %", "95 % of it", "runs")
    return Grid(title=title, columns=columns + trouble, rows=rows, spare=spare)


def generalised_grid(standings: Sequence[Standing], *, title: str) -> Grid:
    """Accuracy on seen (S) and on unseen classes (U) among all of them, and their harmonic mean (H)."""
    rows = [
        (*_head(standing), *(_share(standing.runs, way, part) for way in WAYS for part in "SUH"))
        for standing in standings
    ]
    columns = ("method", "year", *(f"{way}, {part} %" for way in WAYS for part in "SUH"))
    return Grid(title=title, columns=columns, rows=rows, spare=("year",))


def cost_grid(standings: Sequence[Standing], *, title: str) -> Grid:
    """How large each model is, what it computes for a clip, and how long a run was trained."""
    rows = []
    for standing in standings:
        size, runs = standing.size, standing.runs
        work = size.multiply_adds / 1e6 if size and size.multiply_adds is not None else None
        sizes = (size.encoder, size.head, work) if size else (None, None, None)
        stages = [run.first_stage for run in runs if run.first_stage is not None]
        seconds = ([run.seconds for run in runs], [run.second_run for run in runs], stages)
        rows.append((*_head(standing), *sizes, *(round(float(np.mean(s)), 1) if s else None for s in seconds)))
    return Grid(title=title, columns=("method", "year", *_SIZE, *_SECONDS), rows=rows, spare=("year",))


def published_grids() -> list[Grid]:
    """What papers print for the methods known here, a table for every protocol, the best in its first column first.

    Figures of two protocols do not compare.
    """
    protocols: dict[str, dict[str, Mapping[str, float]]] = {}
    for entry in list_methods():
        for protocol, figures in method_named(entry.name).about.published.items():
            protocols.setdefault(protocol, {})[entry.name] = figures
    return [_published(protocol, protocols[protocol]) for protocol in protocols]


def _published(protocol: str, methods: Mapping[str, Mapping[str, float]]) -> Grid:
    names = dict.fromkeys(column for figures in methods.values() for column in figures)
    rows: list[tuple[Cell, ...]] = []
    for name, figures in sorted(methods.items(), key=lambda entry: -entry[1].get(next(iter(names)), 0)):
        about = method_named(name).about
        rows.append((about.title, str(about.year), *(figures.get(column) for column in names)))
    columns = ("method", "year", *(f"{column} %" for column in names))
    return Grid(title=f"Published: {protocol}", columns=columns, rows=rows)


def _head(standing: Standing) -> tuple[Cell, Cell]:
    return standing.label, str(method_named(standing.recipe.method).about.year)


def _share(runs: Sequence[Run], way: str, part: str) -> Cell:
    return spread_of([run.generalised[way][part] for run in runs]) if all(run.generalised for run in runs) else None


def _behind(standing: Standing, best: Standing) -> tuple[Cell, Cell, Cell]:
    """How far a row is behind the first: the mean difference, its interval over clips, and its p over runs."""
    if standing is best or not standing.runs:
        return None, None, None
    pairs = list(zip(best.runs, standing.runs, strict=True))
    differences = [_last(one) - _last(other) for one, other in pairs]
    by_split: dict[str, list[npt.NDArray[np.float64]]] = {}
    for one, other in pairs:
        by_split.setdefault(one.split, []).append(_right(one) - _right(other))
    low, high = bootstrap_interval(by_split)
    p = sign_flip_probability(differences) if len(differences) > 1 else None  # one pair has no say
    return 100 * float(np.mean(differences)), f"{100 * low:.1f} to {100 * high:.1f}", p


def _last(run: Run) -> float:
    share: Any = run.measured.table[PLAIN]["last"]
    return float(share)


def _right(run: Run) -> npt.NDArray[np.float64]:
    """(N,) 1 for every test clip that was recognised, else 0."""
    return np.asarray(run.measured.predicted[PLAIN] == run.measured.labels, np.float64)
