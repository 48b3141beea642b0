"""The command `skeltext calibrate`: honest probabilities and refusals for a trained run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Device, Json, print_json, say


def calibrate(
    run: Path, /, *, device: Device = "auto", as_json: Annotated[Json, Parameter(name="--json")] = False
) -> None:
    """Fit how far the answers of a run can be trusted, on seen classes that its second training was not shown.

    Writes calibration.json and reference.safetensors into the checkpoint of the run; `predict`, `timeline` and `search`
    then give calibrated probabilities and know `--false-accept`. Unseen classes are not looked at.

    --json keys: run, about, temperature and growth (with the number of labels), thresholds, accepted and right (by
    false-accept rate: of the clips that show a label, and of those that are answered right), accuracy, chance, answers,
    error and error_before (expected calibration error), errors (by the number of labels), set_size (labels in a set
    that holds the right one nine times in ten), caught (by kind of empty clip) and mistaken (clips of actions that are
    taken for empty).

    Parameters
    ----------
    run
        Folder of a run that was trained with --pseudo-unseen above 0, as by default.
    """
    from skeltext.evaluation.confidence import calibrate as fit
    from skeltext.progress import ProgressBars
    from skeltext.runs.run import open_run

    opened = open_run(run)
    with ProgressBars(quiet=as_json) as bars:
        calibration, reliability = fit(opened, device=device, progress=bars.counter("embedding clips"))
    calibration.save(opened.folder.checkpoint)
    if as_json:
        found = {"about": calibration.about, "temperature": calibration.temperature, "growth": calibration.growth}
        evidence = calibration.evidence
        rates = {name: getattr(evidence, name) for name in ("thresholds", "accepted", "right")}
        print_json({"run": str(opened.folder.path), **found, **rates, **asdict(reliability)})
        return
    from skeltext.benchmark.tables import reliability_table

    console = Console()
    console.print(f"Fitted on {calibration.about}.", highlight=False, markup=False)
    console.print(
        f"Right among them: {100 * reliability.accuracy:.1f} % (chance {100 * reliability.chance:.1f} %)."
        f" Calibration error: {100 * reliability.error_before:.1f} % before, {100 * reliability.error:.1f} % at"
        f" temperature {calibration.temperature:.2f}.",
        highlight=False,
    )
    by_number = ", ".join(f"{100 * error:.1f} % among {k} labels" for k, error in reliability.errors.items())
    refused = ", ".join(f"{100 * share:.1f} % of {kind} clips" for kind, share in reliability.caught.items())
    console.print(
        f"By number of labels: {by_number}. Label sets that hold the right one in 90 % of cases have"
        f" {reliability.set_size:.1f} labels. Refused as showing no action: {refused}, and"
        f" {100 * reliability.mistaken:.1f} % of clips that do show one.",
        highlight=False,
    )
    if reliability.accuracy < 1.1 * reliability.chance:
        say("That is hardly better than guessing: this model cannot be trusted with classes that it has not learnt.")
    console.print(reliability_table(calibration))
