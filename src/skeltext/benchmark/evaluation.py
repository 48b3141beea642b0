"""Folders of runs to one evaluation with its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skeltext.benchmark.report.report import write_report
from skeltext.datasets.registry import dataset_named
from skeltext.evaluation.results import Evaluation
from skeltext.evaluation.summary import evaluation_of
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.progress import ProgressBars
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import CONFIG, RunFolder, find_runs


def evaluate_paths(
    paths: Sequence[Path], *, alpha: float | None, device: str, report: Path, bars: ProgressBars
) -> Evaluation:
    """Evaluate every run at or below `paths` and write the page `report`."""
    runs = [run for path in paths for run in find_runs(path)]
    results = [
        evaluate_run(run, alpha=alpha, device=device, progress=bars.counter(f"evaluating {run.path.name}"))
        for run in runs
    ]
    command = (
        "skeltext evaluate "
        + " ".join(str(path) for path in paths)
        + (f" --alpha {alpha}" if alpha is not None else "")
    )
    datasets = sorted({dataset_named(result.dataset).title for result in results})
    methods = sorted({result.method.upper() for result in results})
    evaluation = evaluation_of(
        results,
        title=f"{' and '.join(methods)} on {' and '.join(datasets)}",
        protocol=_protocol(runs, alpha),
        command=command,
    )
    write_report(evaluation, report)
    return evaluation


def _protocol(runs: Sequence[RunFolder], alpha: float | None) -> str:
    """How the figures came about, in plain sentences."""
    configs = [TrainingConfig.from_yaml(run.path / CONFIG) for run in runs]
    first = configs[0]
    dataset = dataset_named(first.dataset)
    split = dataset.split(first.split)
    who = (
        "Training clips are of the training subjects, test clips of the other subjects."
        if split.subjects == "cross-subject"
        else "All subjects are in both halves: what is new in the test is the action, not the person."
    )
    splits = ", ".join(sorted({config.split for config in configs}))
    seeds = ", ".join(str(seed) for seed in sorted({config.seed for config in configs}))
    return (
        f"Zero-shot recognition on {dataset.title}: {len(split.seen)} classes are trained on, {len(split.unseen)} are"
        f" not, and a test clip of an unseen class is classified among the unseen classes. {who} Splits {splits}; seeds"
        f" {seeds}; {first.epochs} epochs; texts: {first.texts} descriptions through {first.text_encoder}. Accuracy is"
        f" over clips. The aligned rows use prototype alignment (alpha {first.alpha if alpha is None else alpha}),"
        " which is transductive: it looks at all unlabelled test clips at once."
    )
