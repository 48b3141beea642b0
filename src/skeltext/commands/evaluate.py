"""The command `skeltext evaluate`: runs to accuracies and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Device, Json, print_json, say, show_evaluation
from skeltext.errors import SkeltextError, require

Former = Parameter(show=False)  # an option of 0.1, which still works


def evaluate(
    *paths: Path,
    steps: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    anchors: Literal["texts", "exemplars"] = "texts",
    on: str | None = None,
    on_split: str = "0",
    on_store: Path | None = None,
    generalised: Annotated[bool, Parameter(negative="")] = False,
    leave_out_source: Annotated[bool, Parameter(negative="")] = False,
    timelines: Annotated[bool, Parameter(negative="")] = False,
    report: Path | None = None,
    device: Device = "auto",
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
    alpha: Annotated[float | None, Former] = None,
    pseudo_labels: Annotated[Literal["argmax", "weighted"], Former] = "argmax",
    temperature: Annotated[float, Former] = 1.0,
) -> None:
    """Recognize the unseen classes with trained runs, and write report.html.

    Accuracy is printed for every test-time step under three rules for the epoch: last, pseudo-unseen (chosen on seen
    classes held out as if unseen) and oracle (the best on the test labels themselves, only to compare with papers that
    choose so). Several runs give mean and standard deviation.

    Steps: plain takes the class with the highest score and always comes first; prototype_alignment moves the texts onto
    prototypes of the unlabeled test clips; prototype_bank does that while the clips arrive one by one. Or the Python
    file of a step of your own.

    --json keys: chance; steps, and under the name of each last, pseudo-unseen and oracle (shares between 0 and 1), as
    in plain.last; std, per_class, per_class_std, per_source, within_source, runs (each with the epochs chosen),
    protocol, command and report; with --generalised also generalised.mean (way, rule, then seen, unseen, harmonic and
    the same _per_class) and generalised.runs (each with what was fitted). For one release prototype_alignment is also
    called aligned.

    Parameters
    ----------
    paths
        Folders of runs, or folders of several runs.
    steps
        Test-time steps, each NAME or NAME:OPTION=VALUE,OPTION=VALUE, for instance prototype_alignment:alpha=0.5; plain
        and prototype_alignment by default. A step that takes alpha has that of the run unless it is given.
    anchors
        What stands for an unseen class: its text, or the exemplars of a one-shot split.
    on
        Another data set, whose unseen classes are recognised instead.
    on_split
        Class split of that data set.
    on_store
        Its prepared store; prepared/DATASET by default.
    generalised
        Also recognise test clips of seen and unseen classes among both, without alignment, by a calibrated gate and by
        calibrated stacking: runs that were trained with --calibration and a --protocol.
    leave_out_source
        In place of all that: train the settings of a run of a union again without each of its data sets, in its
        folder, and recognise the one that was left out, by descriptions and by bare names. The run learns all classes
        (`skeltext train --split all`).
    timelines
        Instead, put recordings together from clips of the unseen classes and tell how well `skeltext timeline` finds
        what they show; no page is written. --json keys: protocol and scores, by what was asked.
    report
        Where to write the page; report.html in the first folder by default.
    precision
        bf16-mixed embeds clips with bfloat16 arithmetic (on CUDA by autocast), which is faster where the machine has
        instructions for it; figures may change in their last digits, and the protocol says that it was used.
    """
    from skeltext.adaptation.registry import named_steps
    from skeltext.benchmark.evaluation import evaluate_generalised, evaluate_runs, require_generalised_runs
    from skeltext.progress import ProgressBars
    from skeltext.runs.run import OtherData, open_runs

    if not paths:
        raise SkeltextError(
            "no folder given; expected `skeltext evaluate FOLDER` with the folder of a run or of several"
        )
    modes = (("--generalised", generalised), ("--leave-out-source", leave_out_source), ("--timelines", timelines))
    asked = [name for name, wanted in modes if wanted] + (["--on"] if on and (leave_out_source or timelines) else [])
    require(
        len(asked) < 2, f"{' and '.join(asked)} are asked for at once, and each is an evaluation of its own; give one"
    )
    if leave_out_source:
        _evaluate_left_out(paths, steps=steps, device=device, as_json=as_json)
        return
    page = report or paths[0] / "report.html"
    if timelines:
        _evaluate_timelines(paths, device=device, as_json=as_json)
        return
    former = _former_options(alpha, pseudo_labels, temperature)
    if steps and former:
        raise SkeltextError(f"--steps goes without the former options of alignment; write {former[0]} in --steps")
    runs = open_runs(paths)
    if generalised:
        require_generalised_runs(runs, on=on)
    with ProgressBars(quiet=as_json) as bars:
        evaluation = evaluate_runs(
            runs,
            steps=named_steps(steps or former) if steps or former else None,
            by=anchors,
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


def _evaluate_left_out(paths: Sequence[Path], *, steps: list[str] | None, device: str, as_json: bool) -> None:
    """Train what is missing, recognize every source that was left out, and print it."""
    from skeltext.adaptation.registry import named_steps
    from skeltext.benchmark.tables import left_out_table
    from skeltext.evaluation.leave_out_source import as_json as figures
    from skeltext.evaluation.leave_out_source import left_out, trained_without
    from skeltext.evaluation.zero_shot import usual_steps
    from skeltext.progress import ProgressBars
    from skeltext.runs.run import open_run

    require(len(paths) == 1, f"{len(paths)} folders given, expected one run whose sources are left out in turn")
    run = open_run(paths[0])
    asked = named_steps(steps) if steps else usual_steps(run)
    with ProgressBars(quiet=as_json) as bars:
        found = [left_out(part, asked, device=device) for part in trained_without(run, watcher=bars)]
    if as_json:
        print_json(figures(found))
    else:
        Console().print(left_out_table(found))


def _evaluate_timelines(paths: Sequence[Path], *, device: str, as_json: bool) -> None:
    """Print how well recordings of unseen classes are told."""
    from skeltext.evaluation.timeline_study import timeline_study
    from skeltext.evaluation.timeline_table import scores_table
    from skeltext.progress import ProgressBars
    from skeltext.runs.run import open_runs

    with ProgressBars(quiet=as_json) as bars:
        progress = bars.counter("recordings", unit="recordings")
        study = timeline_study(open_runs(paths), device=device, progress=progress)
    if as_json:
        print_json(study.to_dict())
        return
    say(study.protocol)
    Console().print(scores_table(study.scores, first="asked for"))


def _former_options(alpha: float | None, pseudo_labels: str, temperature: float) -> list[str]:
    """The step that options of 0.1 ask for, as it is written now; none where none of them is given."""
    options = {
        **({} if alpha is None else {"alpha": alpha}),
        **({} if pseudo_labels == "argmax" else {"pseudo_labels": pseudo_labels}),
        **({} if temperature == 1 else {"temperature": temperature}),
    }
    chosen = ",".join(f"{name}={value}" for name, value in options.items())
    return [f"prototype_alignment:{chosen}"] if chosen else []
