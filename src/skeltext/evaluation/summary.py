"""Several runs as one result: mean and standard deviation, accuracy per source, and the protocol in words."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from skeltext.evaluation.results import KINDS, RULES, Evaluation, RunResult, Summary, Table


def summarise(tables: Sequence[Table]) -> Summary:
    """Mean and population standard deviation of every cell over runs; a cell that one run lacks is None."""
    mean: Table = {kind: {} for kind in KINDS}
    std: Table = {kind: {} for kind in KINDS}
    for kind in KINDS:
        for rule in RULES:
            cells = [table[kind][rule] for table in tables]
            known = [cell for cell in cells if cell is not None]
            whole = len(known) == len(cells)
            mean[kind][rule] = statistics.fmean(known) if whole else None
            std[kind][rule] = statistics.pstdev(known) if whole else None
    return Summary(mean=mean, std=std)


def per_source(runs: Sequence[RunResult]) -> dict[str, dict[str, float]]:
    """For every data set that clips stem from: how many test clips, and accuracy over them after the last epoch."""
    found: dict[str, dict[str, float]] = {}
    for source in sorted({source for run in runs for source in run.sources}):
        right, clips = dict.fromkeys(KINDS, 0), 0
        for run in runs:
            for position, name in enumerate(run.sources):
                if name == source:
                    clips += 1
                    for kind in KINDS:
                        right[kind] += int(getattr(run, kind)[position] == run.labels[position])
        found[source] = {"clips": float(clips)} | {kind: right[kind] / clips for kind in KINDS}
    return found


def evaluation_of(runs: Sequence[RunResult], *, title: str, protocol: str, command: str) -> Evaluation:
    """All runs as one evaluation."""
    return Evaluation(
        title=title,
        protocol=protocol,
        command=command,
        runs=list(runs),
        micro=summarise([run.table for run in runs]),
        per_class=summarise([run.class_table for run in runs]),
        chance=statistics.fmean(run.chance for run in runs),
        per_source=per_source(runs),
    )


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The figures of an evaluation as documented keys; accuracies are shares between 0 and 1.

    ``chance``; ``plain`` and ``aligned`` hold ``last``, ``pseudo-unseen`` and ``oracle`` (mean over runs);
    ``std``, ``per_class`` and ``per_class_std`` have the same shape; ``per_source``; ``runs`` with the same keys for
    each run and the epochs chosen; ``protocol`` and ``command`` in words.
    """
    return {
        "title": evaluation.title,
        "protocol": evaluation.protocol,
        "command": evaluation.command,
        "chance": evaluation.chance,
        **evaluation.micro.mean,
        "std": evaluation.micro.std,
        "per_class": evaluation.per_class.mean,
        "per_class_std": evaluation.per_class.std,
        "per_source": evaluation.per_source,
        "runs": [
            {
                "name": run.name,
                "dataset": run.dataset,
                "split": run.split,
                "seed": run.seed,
                "unseen": run.classes,
                "clips": len(run.labels),
                "chance": run.chance,
                **run.table,
                "per_class": run.class_table,
                "chosen_epochs": run.chosen,
            }
            for run in evaluation.runs
        ],
    }
