"""The command `skeltext evaluate`: runs to accuracies and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from skeltext.commands.output import Device, Json, show_evaluation
from skeltext.errors import SkeltextError


def evaluate(
    *paths: Path,
    alpha: float | None = None,
    anchors: Literal["texts", "exemplars"] = "texts",
    pseudo_labels: Literal["argmax", "weighted"] = "argmax",
    temperature: float = 1.0,
    on: str | None = None,
    on_split: str = "0",
    on_store: Path | None = None,
    generalised: Annotated[bool, Parameter(negative="")] = False,
    report: Path | None = None,
    device: Device = "auto",
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Recognise the unseen classes with trained runs, and write report.html.

    Accuracy is printed before (plain) and after prototype alignment (aligned), under three rules for the epoch: last,
    pseudo-unseen (chosen on seen classes held out as if unseen) and oracle (the best on the test labels themselves,
    only to compare with papers that choose so). Several runs give mean and standard deviation.

    --json keys: chance; plain.last, plain.pseudo-unseen, plain.oracle and the same under aligned (shares between 0 and
    1); std, per_class, per_class_std, per_source, runs (each with the epochs chosen), protocol, command and report;
    with --generalised also generalised.mean (way, rule, then seen, unseen, harmonic and the same _per_class) and
    generalised.runs (each with what was fitted).

    Parameters
    ----------
    paths
        Folders of runs, or folders of several runs.
    alpha
        Tolerance margin of the alignment instead of the one each run was configured with.
    anchors
        What stands for an unseen class: its text, or the exemplars of a one-shot split.
    pseudo_labels
        Prototypes of the clips predicted as a class, or of all clips weighted by their probability.
    temperature
        Of the softmax behind these weights and the certainty of a prediction.
    on
        Another data set, whose unseen classes are recognised instead.
    on_split
        Class split of that data set.
    on_store
        Its prepared store; prepared/DATASET by default.
    generalised
        Also recognise test clips of seen and unseen classes among both, without alignment, by a calibrated gate and by
        calibrated stacking: runs that were trained with --calibration and a --protocol.
    report
        Where to write the page; report.html in the first folder by default.
    precision
        bf16-mixed embeds clips with bfloat16 arithmetic (on CUDA by autocast), which is faster where the machine has
        instructions for it; figures may change in their last digits, and the protocol says that it was used.
    """
    from skeltext.benchmark.evaluation import evaluate_generalised, evaluate_runs, require_generalised_runs
    from skeltext.evaluation.predictions import Scoring
    from skeltext.progress import ProgressBars
    from skeltext.runs.run import OtherData, open_runs

    if not paths:
        raise SkeltextError(
            "no folder given; expected `skeltext evaluate FOLDER` with the folder of a run or of several"
        )
    page = report or paths[0] / "report.html"
    runs = open_runs(paths)
    if generalised:
        require_generalised_runs(runs, on=on)
    with ProgressBars(quiet=as_json) as bars:
        evaluation = evaluate_runs(
            runs,
            alpha=alpha,
            scoring=Scoring(anchors=anchors, pseudo_labels=pseudo_labels, temperature=temperature),
            on=OtherData(dataset=on, split=on_split, store=on_store) if on else None,
            device=device,
            precision=precision,
            report=page,
            named=paths,
            bars=bars,
        )
        together = []
        if generalised:
            together = evaluate_generalised(runs, evaluation, device=device, precision=precision, bars=bars)
    show_evaluation(evaluation, page, as_json=as_json, generalised=together)
