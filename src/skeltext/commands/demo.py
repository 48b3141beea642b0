"""The command `skeltext demo`: everything on the built-in motions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from skeltext.commands.output import Device, Json, print_json


def demo(
    *,
    out: Path = Path("runs/demo"),
    seed: int = 0,
    device: Device = "auto",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Train on the built-in motions, recognise actions that were never trained on, and write reports.

    Two methods are shown side by side: PGFA as published, and the small ensemble on a fixed description of motion.
    Needs no data and no internet. Ends with a table of accuracies and the paths of pages to open.

    --json keys: those of PGFA, chance; plain.last, plain.pseudo-unseen, plain.oracle and the same under aligned; std,
    per_class, runs; report (path of the page) and seconds. The same keys of the ensemble are under ensemble.

    Parameters
    ----------
    out
        Folder of the run; a second call goes on where the first ended.
    seed
        Decides weights, order of clips and dropout.
    """
    import time

    from rich.console import Console

    from skeltext.benchmark.demo import run_demo
    from skeltext.benchmark.tables import side_by_side

    began = time.perf_counter()
    pages, found = run_demo(out, seed=seed, device=device, quiet=as_json)
    seconds = round(time.perf_counter() - began, 1)
    if as_json:
        first, *others = (evaluation.to_dict() | {"report": str(pages[name])} for name, evaluation in found.items())
        print_json(first | dict(zip(list(found)[1:], others, strict=True)) | {"seconds": seconds})
        return
    console = Console()
    console.print(next(iter(found.values())).protocol, style="dim", highlight=False, markup=False)
    console.print(side_by_side(list(found.values())))
    for page in pages.values():
        console.print(f"Report: {page.resolve().as_uri()}", highlight=False, soft_wrap=True)
