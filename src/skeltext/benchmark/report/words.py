"""The numbers of an evaluation as a reader meets them: rounded to a tenth of a per cent, with their spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skeltext.evaluation.results import KINDS, RULES, Evaluation, Summary

NONE = "\N{EN DASH}"  # where a rule has no basis


def percent(value: float | None) -> str:
    """An accuracy in [0, 1] in per cent with one decimal, a dash where there is none.

    >>> percent(0.33149), percent(None)
    ('33.1', '–')
    """
    return NONE if value is None or math.isnan(value) else f"{100 * value:.1f}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of the main table; ``spread`` is empty for a single run."""

    value: str
    spread: str


@dataclass(frozen=True, kw_only=True)
class Block:
    """The rows of the main table that count in the same way; ``rows[kind]`` has one cell per rule."""

    title: str
    about: str
    rows: dict[str, list[Cell]]


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The small chart under the headline: positions in per cent of its width."""

    ticks: list[tuple[float, str]]
    chance: float
    rows: dict[str, tuple[float, list[tuple[float, str]]]]  # kind -> mean, and a dot with its words for every run


def headline(evaluation: Evaluation) -> str:
    """One sentence for somebody who reads nothing else."""
    counts = sorted({len(run.classes) for run in evaluation.runs})
    actions = f"{counts[0]} actions" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} actions"
    aligned, plain = (_phrase(_cell(evaluation, evaluation.micro, kind, "last")) for kind in ("aligned", "plain"))
    can_align = evaluation.micro.mean["aligned"]["last"] is not None
    found = f"{aligned} were recognised after the last epoch ({plain} before alignment)"
    if not can_align:
        found = f"{plain} were recognised after the last epoch"
    return (
        f"Of clips showing {actions} never seen in training, {found}; guessing gives"
        f" {percent(evaluation.chance)}\N{NO-BREAK SPACE}%."
    )


def blocks(evaluation: Evaluation) -> list[Block]:
    """The main table: micro accuracy first, then the mean over classes."""
    ways = (
        ("Every clip counts alike", "micro accuracy", evaluation.micro),
        ("Every action counts alike", "per-class mean", evaluation.per_class),
    )
    return [
        Block(
            title=title,
            about=about,
            rows={kind: [_cell(evaluation, summary, kind, rule) for rule in RULES] for kind in KINDS},
        )
        for title, about, summary in ways
    ]


def strip(evaluation: Evaluation) -> Strip:
    """Every run as a dot beside chance, on an axis from nothing to just above the best."""
    found = {kind: [(run.name, run.table[kind]["last"] or 0.0) for run in evaluation.runs] for kind in KINDS}
    best = max(evaluation.chance, *(value for dots in found.values() for _, value in dots))
    top = min(math.ceil(10 * best + 0.2), 10) / 10
    step = 0.1 if top <= 0.5 else 0.2
    return Strip(
        ticks=[(100 * step * i / top, f"{100 * step * i:.0f}") for i in range(int(top / step + 1e-9) + 1)],
        chance=100 * evaluation.chance / top,
        rows={
            kind: (
                100 * (evaluation.micro.mean[kind]["last"] or 0.0) / top,
                [(100 * value / top, f"{name}: {percent(value)} %") for name, value in dots],
            )
            for kind, dots in found.items()
        },
    )


def _cell(evaluation: Evaluation, summary: Summary, kind: str, rule: str) -> Cell:
    """Mean and spread; one run has no spread, and saying ± 0.0 would claim one."""
    mean, spread = summary.mean[kind][rule], summary.std[kind][rule]
    alone = len(evaluation.runs) == 1 or mean is None or spread is None
    return Cell(value=percent(mean), spread="" if alone else percent(spread))


def _phrase(cell: Cell) -> str:
    """A number as one unbreakable word."""
    return (
        f"{cell.value}\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{cell.spread}"
        if cell.spread
        else f"{cell.value}\N{NO-BREAK SPACE}%"
    )
