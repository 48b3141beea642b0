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

    --json keys: run, about, temperature, thresholds and accepted (by false-accept rate), accuracy, chance, answers,
    error and error_before (expected calibration error).

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
        found = {"about": calibration.about, "temperature": calibration.temperature}
        rates = {"thresholds": calibration.thresholds, "accepted": calibration.accepted}
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
    if reliability.accuracy < 1.1 * reliability.chance:
        say("That is hardly better than guessing: this model cannot be trusted with classes that it has not learnt.")
    console.print(reliability_table(calibration))
