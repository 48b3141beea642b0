"""The numbers of an evaluation as a reader meets them: rounded to a tenth of a per cent, with their spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skeltext.adaptation.registry import STEPS
from skeltext.evaluation.results import RULES, Evaluation, Summary

NONE = "\N{EN DASH}"  # where a rule has no basis
HUES = 6  # colors of steps in page.css: --s0, --s1 and so on
NOT_APPLIED = "the step does not apply to this method"
NOTHING_HELD_OUT = "no pseudo-unseen classes were held out"
Row = dict[str, float | None]


def percent(value: float | None) -> str:
    """An accuracy in [0, 1] in per cent with one decimal, a dash where there is none.

    >>> percent(0.33149), percent(None)
    ('33.1', '–')
    """
    return NONE if value is None or math.isnan(value) else f"{100 * value:.1f}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number of a table; ``spread`` is empty for a single run, ``why`` is the reason where there is no number."""

    value: str
    spread: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Block:
    """The rows of the main table that count in the same way; ``rows[step]`` has one cell per rule."""

    title: str
    about: str
    rows: dict[str, list[Cell]]


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The small chart under the headline: positions in per cent of its width."""

    ticks: list[tuple[float, str]]
    chance: float
    rows: dict[str, tuple[float | None, list[tuple[float, str]]]]  # step -> mean, a dot with its words for every run


def hues(evaluation: Evaluation) -> dict[str, str]:
    """The color of every step as CSS; after the last color comes the first again."""
    return {step: f"--hue:var(--s{number % HUES})" for number, step in enumerate(evaluation.steps)}


def abouts(evaluation: Evaluation) -> dict[str, str]:
    """What every step does, as long as its file is known."""
    names = {step: step.partition(":")[0] for step in evaluation.steps}
    known = {step: STEPS[name] for step, name in names.items() if name in STEPS}
    together = "It looks at all test clips together, never at their labels."
    alone = "It looks at no clip that comes later, and never at labels."
    sentences = {step: entry.about.partition(": ")[2] for step, entry in known.items()}
    return {
        step: f"{about[:1].upper()}{about[1:]} {together if known[step].transductive else alone}"
        for step, about in sentences.items()
    }


def headline(evaluation: Evaluation) -> str:
    """One sentence for somebody who reads nothing else: the last step that applies, and the first for comparison."""
    counts = sorted({len(run.classes) for run in evaluation.runs})
    actions = f"{counts[0]} actions" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} actions"
    rows = _rows(evaluation, evaluation.micro)
    accuracy = {step: _phrase(row[0]) for step, row in rows.items() if row[0].value != NONE}
    first, last = evaluation.steps[0], [evaluation.steps[0], *accuracy][-1]
    found = f"{accuracy.get(last, NONE)} were recognised after the last epoch"
    if last != first:
        found += f" with {last} ({accuracy[first]} before it)"
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
    return [Block(title=title, about=about, rows=_rows(evaluation, summary)) for title, about, summary in ways]


def strip(evaluation: Evaluation) -> Strip:
    """Every run as a dot beside chance, on an axis from nothing to just above the best."""
    found = {
        step: [(run.name, value) for run in evaluation.runs if (value := run.table[step]["last"]) is not None]
        for step in evaluation.steps
    }
    means = {step: evaluation.micro.mean[step]["last"] for step in evaluation.steps}
    best = max(evaluation.chance, *(value for dots in found.values() for _, value in dots))
    top = min(math.ceil(10 * best + 0.2), 10) / 10
    step = 0.1 if top <= 0.5 else 0.2
    return Strip(
        ticks=[(100 * step * i / top, f"{100 * step * i:.0f}") for i in range(int(top / step + 1e-9) + 1)],
        chance=100 * evaluation.chance / top,
        rows={
            label: (
                None if (mean := means[label]) is None else 100 * mean / top,
                [(100 * value / top, f"{name}: {percent(value)} %") for name, value in dots],
            )
            for label, dots in found.items()
        },
    )


def cells(row: Row, spread: Row | None = None) -> list[Cell]:
    """One cell per rule, with its spread where there is one."""
    why = NOT_APPLIED if row["last"] is None else NOTHING_HELD_OUT
    return [
        Cell(value=percent(row[rule]), spread="" if not spread else percent(spread[rule]), why=why) for rule in RULES
    ]


def _rows(evaluation: Evaluation, summary: Summary) -> dict[str, list[Cell]]:
    """The cells of every step; one run has no spread, and saying ± 0.0 would claim one."""
    alone = len(evaluation.runs) == 1
    return {step: cells(summary.mean[step], None if alone else summary.std[step]) for step in evaluation.steps}


def _phrase(cell: Cell) -> str:
    """A number as one unbreakable word."""
    return (
        f"{cell.value}\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{cell.spread}"
        if cell.spread
        else f"{cell.value}\N{NO-BREAK SPACE}%"
    )
