"""The command `skeltext release`: a trained run to the folder that people are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from skeltext.commands.output import Device, Json, print_json, say


def release(
    run: Path,
    /,
    *,
    tested: Annotated[list[Path], Parameter(consume_multiple=True, negative="")],
    out: Path,
    device: Device = "auto",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Make a small folder of a trained run that others can use, with a page that says what it is and can do.

    For the model of every open class: `skeltext train --preset recognizer`, `skeltext calibrate RUN`, then `skeltext
    train --preset recognizer --splits 0 1 2 --out OTHERS` for what it can do with classes that it has not learnt, and
    this command. Weights are kept in half precision.

    --json keys: folder, bytes and files (name and bytes of each).

    Parameters
    ----------
    run
        Folder of the run, calibrated if it is to know how far it can be trusted.
    tested
        Runs of the same settings that left classes out, or folders of several: their figures are on the page.
    out
        Folder to write.
    """
    from skeltext.benchmark.release import release as write
    from skeltext.progress import ProgressBars
    from skeltext.runs.run import open_run, open_runs

    with ProgressBars(quiet=as_json) as bars:
        folder = write(open_run(run), tested=open_runs(tested), out=out, device=device, bars=bars)
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    if as_json:
        print_json({"folder": str(folder), "bytes": sum(sizes.values()), "files": sizes})
        return
    say(f"{folder}: {sum(sizes.values()) / 1e6:.1f} MB in {len(sizes)} files; read {folder / 'README.md'}")
