"""Folders of runs to one evaluation with its report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from skeltext.adaptation.registry import NamedStep
from skeltext.benchmark.report.report import write_report
from skeltext.datasets.dataset import ClassSplit, Dataset
from skeltext.datasets.registry import dataset_named
from skeltext.errors import require
from skeltext.evaluation.generalised import generalised_result, require_generalised
from skeltext.evaluation.generalised_results import Generalised
from skeltext.evaluation.predictions import Anchors
from skeltext.evaluation.results import Evaluation
from skeltext.evaluation.summary import evaluation_of
from skeltext.evaluation.zero_shot import evaluate_run, usual_steps
from skeltext.methods.registry import method_named
from skeltext.progress import ProgressBars
from skeltext.recognizer.embedding import Precision
from skeltext.runs.config import TrainingConfig
from skeltext.runs.run import OtherData, Run

SAMPLES = 6  # test clips of every run that the page shows moving


def evaluate_runs(
    runs: Sequence[Run],
    *,
    steps: Sequence[NamedStep] | None = None,
    by: Anchors = "texts",
    on: OtherData | None = None,
    device: str,
    precision: Precision = "32-true",
    report: Path,
    named: Sequence[Path] = (),
    bars: ProgressBars,
) -> Evaluation:
    """Evaluate runs and write the page `report`; the options are those of :func:`.zero_shot.evaluate_run`.

    Without `steps` they are those of the first run. `named` are the folders that the command names, if they are not
    those of the runs.
    """
    asked = usual_steps(runs[0]) if steps is None else tuple(steps)
    results = [
        evaluate_run(
            run,
            steps=asked,
            by=by,
            on=on,
            device=device,
            precision=precision,
            samples=SAMPLES,
            progress=bars.counter(f"evaluating {run.name}"),
        )
        for run in runs
    ]
    datasets = sorted({dataset_named(result.dataset).title for result in results})
    methods = sorted({method_named(result.method).about.title for result in results})
    evaluation = evaluation_of(
        results,
        title=f"{' and '.join(methods)} on {' and '.join(datasets)}",
        protocol=_protocol(runs, asked, by, on, precision),
        command=_command(named or [run.folder.path for run in runs], steps, by, on, precision),
    )
    write_report(evaluation, report)
    return evaluation


def require_generalised_runs(runs: Sequence[Run], *, on: str | None) -> None:
    """Raise :class:`SkeltextError` for a run that cannot be tested on seen and unseen classes, before any is tested."""
    require(on is None, f"--generalised tests on clips of the runs' own data, not of {on}; leave out one of the two")
    for run in runs:
        require_generalised(run)


def evaluate_generalised(
    runs: Sequence[Run],
    evaluation: Evaluation,
    *,
    device: str,
    precision: Precision = "32-true",
    bars: ProgressBars,
) -> list[Generalised]:
    """Test the runs of an `evaluation` on seen and unseen classes, at the epochs that it chose without alignment."""
    count = bars.counter("seen and unseen classes together")
    found = []
    for done, (run, result) in enumerate(zip(runs, evaluation.runs, strict=True), start=1):
        found.append(generalised_result(run, epochs=result.chosen["plain"], device=device, precision=precision))
        count(done, len(runs))
    return found


def _command(
    paths: Sequence[Path],
    steps: Sequence[NamedStep] | None,
    by: Anchors,
    on: OtherData | None,
    precision: Precision,
) -> str:
    """The command that repeats the evaluation."""
    words = ["skeltext", "evaluate", *map(str, paths)]
    words += ["--steps", *(step.label for step in steps)] if steps else []
    words += ["--anchors", by] if by != "texts" else []
    if on is not None:
        words += ["--on", on.dataset, "--on-split", on.split, *(["--on-store", str(on.store)] if on.store else [])]
    words += ["--precision", precision] if precision != "32-true" else []
    return shlex.join(words)


def _protocol(
    runs: Sequence[Run], steps: Sequence[NamedStep], by: Anchors, on: OtherData | None, precision: Precision
) -> str:
    """How the figures came about, in plain sentences."""
    configs = [run.config for run in runs]
    first, split, dataset = configs[0], runs[0].split, runs[0].dataset
    splits = ", ".join(sorted({config.split for config in configs}))
    seeds = ", ".join(str(seed) for seed in sorted({config.seed for config in configs}))
    rounded = "" if precision == "32-true" else f" Clips are embedded in {precision} precision."
    return (
        f"Zero-shot recognition on {dataset.title}: {len(split.seen)} classes are trained on, {len(split.unseen)} are"
        f" not, and a test clip of an unseen class is classified among the unseen classes.{_elsewhere(on)}"
        f" {_halves(dataset, split)} Splits {splits}; seeds {seeds}; {first.epochs} epochs; texts: {_kinds(configs)}"
        f" descriptions{f' of {first.descriptions}' if first.descriptions else ''} through {first.text_encoder}"
        f"{'' if first.text_space == 'sentence' else f', {first.text_space}'}."
        f"{_first_stage(first)}{_exemplars(by)} Accuracy is over clips. {_steps(steps, first)}{rounded}"
    )


def _steps(steps: Sequence[NamedStep], config: TrainingConfig) -> str:
    """What is done with the test clips before they are classified."""
    sentences = []
    for step in (named.resolved(alpha=config.alpha) for named in steps):
        chosen = ", ".join(f"{option} {value}" for option, value in step.options.items())
        built = step.build()
        sentences.append(
            f"{built.about.removesuffix('.')}{f' ({chosen})' if chosen else ''}"
            f"{'; it is transductive, so it looks at all unlabeled test clips at once' * built.transductive}."
        )
    return f"Test-time steps: {' '.join(sentences)}"


def _kinds(configs: Sequence[TrainingConfig]) -> str:
    """The kinds of description that the runs embed, which a method may choose itself."""
    kinds = [kind for config in configs for kind in method_named(config.method).text_kinds or (config.texts,)]
    return ", ".join(dict.fromkeys(kinds))


def _halves(dataset: Dataset, split: ClassSplit) -> str:
    protocol = dataset.protocols.get(split.protocol)
    if protocol:
        return f"Training clips are of the training {protocol.by}s, test clips of the other {protocol.by}s."
    return "All subjects are in both halves: what is new in the test is the action, not the person."


def _elsewhere(on: OtherData | None) -> str:
    if on is None:
        return ""
    title = dataset_named(on.dataset).title
    return f" Tested on {title} instead: the clips are those of the unseen classes of its split {on.split}."


def _exemplars(by: Anchors) -> str:
    if by == "texts":
        return ""
    return " One-shot: an exemplar clip of every unseen class takes the place of its text."


def _first_stage(config: TrainingConfig) -> str:
    if config.pretrained is None:
        return ""
    origin = f"it was trained before ({config.pretrained}) and learnt no unseen class."
    then = f" The encoder is frozen; {origin}" if config.frozen else f" The encoder is fine-tuned; {origin}"
    second = " The run that chooses the epoch has an encoder of its own, which did not learn the classes it holds out."
    return then + (second if config.pseudo_unseen else "")
