"""A leaderboard as a whole: its tables, its pictures, and the sentences on how the figures came about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

from skeltext.adaptation.registry import PLAIN
from skeltext.benchmark.leaderboard.contest import CALIBRATION, Contest
from skeltext.benchmark.leaderboard.grids import accuracy_grid, cost_grid, generalised_grid
from skeltext.benchmark.leaderboard.standings import Standing, standings
from skeltext.benchmark.pictures.bars import draw_bars
from skeltext.benchmark.reproduce.study import Cell, Found, Grid, Picture, Spread
from skeltext.benchmark.reproduce.workshop import Workshop
from skeltext.benchmark.reproduce.writing import RULES_IN_WORDS
from skeltext.datasets.registry import dataset_named
from skeltext.runs.config import TrainingConfig

_TITLES = {"zero-shot": "Zero-shot", "one-shot": "One-shot"}
_LAST = "last %"  # how the columns end that are drawn as bars
_NOTES = (
    "behind the first: mean difference in `last` over the runs, which are paired by split and seed; 95 % of it: between"
    " which it lies when the test clips are drawn anew with replacement, shared by the seeds of a split.",
    "p: how often a difference so large would come about if a method and the first were alike, by Fisher's permutation"
    " of signs over the runs; with n runs it is at least 2^(1-n), and it is not corrected for the number of rows.",
    "Other test-time steps are named in the column; prototype_alignment is transductive: it looks at all unlabeled test"
    " clips at once. A dash: the step does not apply, for instance because a clip is not one vector.",
    "Parameters are of encoder and head, a multiply-add of a clip's prediction counts once; seconds are means over"
    " runs, without preparing clips and computing features of a frozen encoder. A first stage is trained once for all.",
    "Published figures are of NTU RGB+D and PKU-MMD; figures of two protocols do not compare, nor do any of them with"
    " those measured here on other data.",
)
_GENERALISED = (
    "S and U: accuracy on test clips of seen and of unseen classes when a clip may be of either, H their harmonic mean,"
    " after the last epoch. gate: a classifier tells first whether a clip is of a seen class; stacking: a constant is"
    " taken off the scores of seen classes. Both are fitted on the second run and clips that it was not shown."
)


def board(contests: Sequence[Contest], workshop: Workshop) -> Found:
    """Train, measure and compare all recipes of the contests."""
    found = Found(grids=[], notes=list(_NOTES))
    for contest in contests:
        rows = standings(contest, workshop)
        title = _TITLES[contest.route]
        accuracy = accuracy_grid(rows, steps=contest.steps, title=f"{title}: accuracy on unseen classes")
        found.grids.append(accuracy)
        if contest.generalised:
            found.grids.append(generalised_grid(rows, title=f"{title}: seen and unseen classes together"))
        found.grids.append(cost_grid(rows, title=f"{title}: size and time"))
        found.pictures[contest.route] = bars_of(accuracy, chance=_chance(rows))
    if any(contest.generalised for contest in contests):
        found.notes.append(_GENERALISED)
    return found


def bars_of(grid: Grid, *, chance: float | None) -> Picture:
    """The accuracies of a table after the last epoch as bars, with their deviation where there are several runs."""
    shown = [name for name in grid.columns if name.endswith(_LAST)]
    columns = {PLAIN if name == _LAST else name.removesuffix(f", {_LAST}"): _cells(grid, name) for name in shown}
    spread = {name: [_deviation(cell) for cell in cells] for name, cells in columns.items()}
    return partial(
        draw_bars,
        [str(row[0]) for row in grid.rows],
        {name: [_mean(cell) for cell in cells] for name, cells in columns.items()},
        y_label="accuracy after the last epoch, %",
        spread={name: deviations for name, deviations in spread.items() if any(deviations)},
        chance=chance,
    )


def _cells(grid: Grid, column: str) -> list[Cell]:
    return [row[grid.columns.index(column)] for row in grid.rows]


def _mean(cell: Cell) -> float:
    return cell.mean if isinstance(cell, Spread) else math.nan


def _deviation(cell: Cell) -> float:
    return cell.std if isinstance(cell, Spread) and cell.std is not None else 0.0


def _chance(rows: Sequence[Standing]) -> float | None:
    shares = [run.measured.chance for row in rows for run in row.runs]
    return 100 * sum(shares) / len(shares) if shares else None


def protocol_of(contests: Sequence[Contest], workshop: Workshop) -> str:
    """How the figures came about, in plain sentences."""
    of_preset = contests[0].preset.settings.get("text_encoder", TrainingConfig.text_encoder)
    texts = workshop.settings.get("text_encoder", of_preset)
    return " ".join(
        [
            *(sentence for contest in contests for sentence in _sentences(contest, workshop)),
            "Every method is trained by its recipe on the same clips of the same seen classes (a first stage off NTU"
            " RGB+D and PKU-MMD for as many epochs as the preset has), and a test clip of an unseen class is classified"
            " among the unseen classes; accuracy is over clips, in per cent, mean and"
            f" standard deviation over splits and seeds. Texts are embedded by {texts}. {RULES_IN_WORDS}",
            *([_reduced(workshop)] if workshop.quick else []),
        ]
    )


def _sentences(contest: Contest, workshop: Workshop) -> Iterator[str]:
    dataset, split = dataset_named(contest.dataset), dataset_named(contest.dataset).split(contest.splits[0])
    splits, seeds = contest.splits, workshop.seeds or contest.preset.seeds
    if workshop.quick:
        splits, seeds = splits[:1], seeds[:1]
    yield (
        f"{_TITLES[contest.route]} on {dataset.title}: splits {', '.join(splits)} with {len(split.seen)} seen"
        f" and {len(split.unseen)} unseen classes, seeds {', '.join(map(str, seeds))}."
    )
    divided = contest.divided
    if divided is None:
        yield "All subjects are in both halves: what is new in the test is the action, not the person."
    else:
        name = contest.protocol or split.protocol
        yield f"Protocol {name} ({divided.source}): training clips are of the training {divided.by}s, test clips of the"
        yield f"other {divided.by}s."
    if contest.generalised:
        yield f"The second run is not shown {100 * CALIBRATION:.0f} % of the training clips of every class either, so"
        yield "that seen and unseen classes can be weighed against each other by them."
    if contest.route == "one-shot":
        yield "An exemplar clip of every unseen class, which is no test clip, stands for it."


def _reduced(workshop: Workshop) -> str:
    assert workshop.quick is not None
    return (
        f"This is the reduced version and no result: one split and seed, at most {workshop.quick.epochs} epochs,"
        f" {workshop.quick.clips_per_class} training clips of every class."
    )
