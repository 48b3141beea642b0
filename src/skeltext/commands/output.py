"""Options that commands share, and how they print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

Json = Annotated[bool, Parameter(negative="", help="Print one JSON object on stdout and nothing else there.")]
Device = Annotated[str, Parameter(help="cpu, cuda, mps or auto.")]


def print_json(value: Any) -> None:
    """The one JSON object of `--json`."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def say(text: str) -> None:
    """A line as it is, however long."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def show_evaluation(evaluation: Any, report: Path, *, as_json: bool, generalised: Sequence[Any] = ()) -> None:
    """What an evaluation found, as a table or as JSON."""
    if as_json:
        extra: dict[str, Any] = {}
        if generalised:
            from skeltext.evaluation.generalised_results import as_json as generalised_figures

            extra["generalised"] = generalised_figures(generalised)
        print_json(evaluation.to_dict() | {"report": str(report)} | extra)
        return
    from skeltext.benchmark.tables import evaluation_table, generalised_table

    console = Console()
    console.print(evaluation.protocol, style="dim", highlight=False, markup=False)
    console.print(evaluation_table(evaluation))
    if generalised:
        console.print(generalised_table(generalised))
    console.print(f"Report: {report.resolve().as_uri()}", highlight=False, soft_wrap=True)
