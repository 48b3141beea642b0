"""The command `skeltext demo`: everything on the built-in motions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from skeltext.commands.output import Device, Json, show_evaluation


def demo(
    *,
    out: Path = Path("runs/demo"),
    seed: int = 0,
    device: Device = "auto",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Train on the built-in motions, recognise actions that were never trained on, and write a report.

    Needs no data and no internet. Ends with the table of accuracies and the path of a page to open.

    --json keys: chance; plain.last, plain.pseudo-unseen, plain.oracle and the same under aligned; std, per_class, runs;
    report (path of the page) and seconds.

    Parameters
    ----------
    out
        Folder of the run; a second call goes on where the first ended.
    seed
        Decides weights, order of clips and dropout.
    """
    import time

    from skeltext.benchmark.demo import run_demo

    began = time.perf_counter()
    evaluation, report = run_demo(out, seed=seed, device=device, quiet=as_json)
    show_evaluation(evaluation, report, as_json=as_json, seconds=time.perf_counter() - began)
