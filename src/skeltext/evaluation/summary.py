"""Several runs as one result: mean and standard deviation, accuracy per source, and the protocol in words."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from skeltext.evaluation.results import RULES, Evaluation, RunResult, Summary, Table
from skeltext.evaluation.within_source import ALONE, chance_within


def summarize(tables: Sequence[Table]) -> Summary:
    """Mean and population standard deviation of every cell over runs; a cell that one run lacks is None."""
    mean: Table = {step: {} for step in tables[0]}
    std: Table = {step: {} for step in tables[0]}
    for step in tables[0]:
        for rule in RULES:
            cells = [table[step][rule] for table in tables]
            known = [cell for cell in cells if cell is not None]
            whole = len(known) == len(cells)
            mean[step][rule] = statistics.fmean(known) if whole else None
            std[step][rule] = statistics.pstdev(known) if whole else None
    return Summary(mean=mean, std=std)


def per_source(runs: Sequence[RunResult]) -> dict[str, dict[str, float]]:
    """For every data set that clips come from: how many test clips, and accuracy over them after the last epoch.

    A step that does not apply to one of the runs is omitted.
    """
    sources = np.concatenate([run.sources for run in runs])
    right = {
        step: np.concatenate([run.predicted[step] == run.labels for run in runs])
        for step in runs[0].steps
        if all(step in run.predicted for run in runs)
    }
    return {
        str(source): {"clips": float((sources == source).sum())}
        | {step: float(hits[sources == source].mean()) for step, hits in right.items()}
        for source in np.unique(sources)
    }


def within_source(runs: Sequence[RunResult]) -> dict[str, float]:
    """Accuracy among the classes of a clip's own source after the last epoch, by step, with how many clips and chance.

    Nothing where all clips come from one source, or no source shows two classes.
    """
    names = [np.array(run.sources) for run in runs]
    asked = [np.any([found != ALONE for found in run.within.values()], axis=0) for run in runs]
    if len({*np.concatenate(names)}) < 2 or not any(one.any() for one in asked):
        return {}
    chance = [
        chance_within(run.labels, np.unique(name, return_inverse=True)[1])[one]
        for run, name, one in zip(runs, names, asked, strict=True)
    ]
    right = {
        step: np.concatenate([(run.within[step] == run.labels)[one] for run, one in zip(runs, asked, strict=True)])
        for step in runs[0].steps
        if all(step in run.within for run in runs)
    }
    return {
        "clips": float(sum(map(len, chance))),
        "chance": float(np.concatenate(chance).mean()),
        **{step: float(hits.mean()) for step, hits in right.items()},
    }


def evaluation_of(runs: Sequence[RunResult], *, title: str, protocol: str, command: str) -> Evaluation:
    """All runs as one evaluation."""
    return Evaluation(
        title=title,
        protocol=protocol,
        command=command,
        steps=list(runs[0].steps),
        runs=list(runs),
        micro=summarize([run.table for run in runs]),
        per_class=summarize([run.class_table for run in runs]),
        chance=statistics.fmean(run.chance for run in runs),
        per_source=per_source(runs),
        within_source=within_source(runs),
    )
