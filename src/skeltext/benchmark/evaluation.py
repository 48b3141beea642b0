"""Folders of runs to one evaluation with its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skeltext.benchmark.report.report import write_report
from skeltext.datasets.registry import dataset_named
from skeltext.evaluation.results import Evaluation
from skeltext.evaluation.summary import evaluation_of
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.methods.registry import METHODS
from skeltext.progress import ProgressBars
from skeltext.recognizer.embedding import Precision
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import CONFIG, RunFolder, find_runs


def evaluate_paths(
    paths: Sequence[Path],
    *,
    alpha: float | None,
    device: str,
    precision: Precision = "32-true",
    report: Path,
    bars: ProgressBars,
) -> Evaluation:
    """Evaluate every run at or below `paths` and write the page `report`."""
    runs = [run for path in paths for run in find_runs(path)]
    results = [
        evaluate_run(
            run,
            alpha=alpha,
            device=device,
            precision=precision,
            progress=bars.counter(f"evaluating {run.path.name}"),
        )
        for run in runs
    ]
    command = (
        "skeltext evaluate "
        + " ".join(str(path) for path in paths)
        + (f" --alpha {alpha}" if alpha is not None else "")
        + (f" --precision {precision}" if precision != "32-true" else "")
    )
    datasets = sorted({dataset_named(result.dataset).title for result in results})
    methods = sorted({METHODS[result.method].__name__ for result in results})
    evaluation = evaluation_of(
        results,
        title=f"{' and '.join(methods)} on {' and '.join(datasets)}",
        protocol=_protocol(runs, alpha, precision),
        command=command,
    )
    write_report(evaluation, report)
    return evaluation


def _protocol(runs: Sequence[RunFolder], alpha: float | None, precision: Precision) -> str:
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
    rounded = "" if precision == "32-true" else f" Clips are embedded in {precision} precision."
    return (
        f"Zero-shot recognition on {dataset.title}: {len(split.seen)} classes are trained on, {len(split.unseen)} are"
        f" not, and a test clip of an unseen class is classified among the unseen classes. {who} Splits {splits}; seeds"
        f" {seeds}; {first.epochs} epochs; texts: {first.texts} descriptions through {first.text_encoder}."
        f"{_first_stage(first)} Accuracy is over clips. The aligned rows use prototype alignment (alpha"
        f" {first.alpha if alpha is None else alpha}), which is transductive: it looks at all unlabelled test clips at"
        f" once.{rounded}"
    )


def _first_stage(config: TrainingConfig) -> str:
    if config.pretrained is None:
        return ""
    second = " The run that chooses the epoch has an encoder of its own, which did not learn the classes it holds out."
    return (
        f" The encoder is frozen; it was trained before ({config.pretrained}) and learnt no unseen class."
        f"{second if config.pseudo_unseen else ''}"
    )
