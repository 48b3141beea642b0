"""The command `skeltext models`: the models inside the package."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from skeltext.commands.output import Json, print_json


def models(*, as_json: Annotated[Json, Parameter(name="--json")] = False) -> None:
    """List the models that come with the package: what they know, how well, and what they may be used for.

    `skeltext predict FILE --model NAME --labels ...` takes any of them, and `skeltext.Recognizer.load(NAME)` does.

    --json keys: models, a list with name, default (whether it is taken where none is named), actions, layout, data,
    terms, bytes and accuracy: on actions that were not trained on, unseen (how many), chance, and last (share of clips
    by test-time step, after the last epoch), null where it is not known.
    """
    from skeltext.recognizer.packaged import list_models, packaged

    found = [packaged(name).to_dict() for name in list_models()]
    if as_json:
        print_json({"models": found})
        return
    table = Table(box=None, pad_edge=False)
    for title in ("model", "actions", "skeleton", "MB", "right among unseen actions, %"):
        table.add_column(title, justify="right" if title in ("actions", "MB") else "left")
    for one in found:
        name = f"{one['name']} (default)" if one["default"] else one["name"]
        table.add_row(name, str(one["actions"]), one["layout"], f"{one['bytes'] / 1e6:.1f}", _right(one["accuracy"]))
    console = Console()
    console.print(table)
    console.print(
        "Accuracy is that of runs with the same settings that left these actions out: each clip alone, and all"
    )
    console.print("clips together.")
    for one in found:
        console.print(f"\n{one['name']}: {one['data']}. Terms: {one['terms']}.", markup=False, highlight=False)


def _right(accuracy: dict[str, Any] | None) -> str:
    """Plain and by the last test-time step, with the number of unseen actions and the chance."""
    if accuracy is None:
        return ""
    steps = list(accuracy["last"].values())
    cells = [f"{100 * value:.1f}" for value in dict.fromkeys((steps[0], steps[-1]))]
    return f"{' / '.join(cells)} of {accuracy['unseen']} (chance {100 * accuracy['chance']:.1f})"
