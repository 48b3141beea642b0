"""The command `skeltext check`: what a file is and what is wrong with it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json


def check(path: Path, /, *, as_json: Annotated[Json, Parameter(name="--json")] = False) -> None:
    """Tell what a file or folder was understood to be, and what is wrong with it.

    Exit code 0 if nothing is wrong, 1 if something is, 2 if the path cannot be looked at.

    --json keys: those of the check (format, layout, frames, fps, seconds, bodies, unit, height, gaps, problems ...).
    """
    from skeltext.formats.checking import check as check_path

    found = check_path(path)
    if as_json:
        print_json(asdict(found))
    else:
        from skeltext.benchmark.tables import check_table

        Console().print(check_table(found))
    if found.problems:
        sys.exit(1)
