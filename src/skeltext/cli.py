"""The commands. Each is thin: its signature is its options, its work happens in the rooms below."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.config import Dict
from rich.console import Console

import skeltext
from skeltext.commands.calibrate import calibrate
from skeltext.commands.check import check
from skeltext.commands.demo import demo
from skeltext.commands.describe import describe
from skeltext.commands.evaluate import evaluate
from skeltext.commands.explain import explain
from skeltext.commands.export import export
from skeltext.commands.import_released import import_released
from skeltext.commands.models import models
from skeltext.commands.predict import predict
from skeltext.commands.prepare import prepare
from skeltext.commands.release import release
from skeltext.commands.search import search
from skeltext.commands.stream import stream
from skeltext.commands.teach import teach
from skeltext.commands.timeline import timeline
from skeltext.errors import SkeltextError
from skeltext.machine import configure_threads

app = App(
    name="skeltext",
    version=skeltext.__version__,
    help="Recognise human actions from skeletons by what they are called, including actions never trained on."
    "\n\nStart with `skeltext demo`. With your own files: `check` them, `prepare` a data set, `train`, `evaluate`,"
    " and `predict` among labels that you type.",
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
app.command(demo)
app.command(prepare)
app.command(import_released, name="import")
app.command(check)
app.command(
    "skeltext.benchmark.training:train",
    name="train",
    help="Train on the seen classes of a data set. The unseen ones are not read."
    "\n\n`skeltext train --preset utd-mhad` trains every split and seed of the benchmark; options override the preset."
    " A run that was killed goes on at its last finished epoch when the same command is given again."
    "\n\n--json keys: runs, a list with path, split, seed, epochs and the last loss of each.",
)
app.command(
    "skeltext.benchmark.bench.bench:bench",
    name="bench",
    help="Measure how fast this machine does each stage, against the published formulation in the same run."
    "\n\nReferences: for read one .npz file per clip; for train-step and inference the encoder written down layer by"
    " layer; for evaluation and alignment the published test, which goes batch by batch and runs the network twice."
    "\n\nEvery stage runs in processes of its own; subject and references take turns and stay in memory side by side,"
    " so a machine with little of it needs a smaller --batch. `--quick` shows in a few minutes that all works."
    "\n\n--json keys: settings, basis (cpu or wall: what rates, shares and ratios are by), machine, load (before and"
    " after), peaks (arithmetic in operations, memory in bytes per second), rows, a list with stage, name, unit, roof,"
    " per_second, wall and cpu (median seconds of a call), peak (bytes), share, items, rounds (seconds of all), ratio"
    " (shipped, kept), references, agreement and missing (why a cell is empty).",
)

app.command(
    "skeltext.benchmark.reproduce.command:reproduce",
    name="reproduce",
    help="Do the tables and figures of the PGFA paper again, beside the published values."
    "\n\n`skeltext reproduce table5 --dataset utd-mhad` trains what it needs, keeps every run under a hash of all that"
    " decides it, goes on after a kill, and writes markdown, csv, json, png and a page. Without a name it lists the"
    " studies. The data sets of the paper must be prepared; where one is missing it says what to get."
    "\n\n--json keys: studies, a list with study, title, protocol, command, version, notes, tables (title, columns,"
    " rows; a spread is [mean, standard deviation]), text, page, csv and pictures.",
)
app.command(
    "skeltext.benchmark.leaderboard.command:leaderboard",
    name="leaderboard",
    help="Compare methods on one data set under one protocol, each trained as it was published."
    "\n\n`skeltext leaderboard utd-mhad` trains every recipe on every split and seed of the preset, keeps every run,"
    " goes on after a kill, and writes markdown, csv, json, png and a page: accuracy by three rules, before and after"
    " alignment, seen and unseen classes together, significance, size and time. `--list` names all methods, `--method"
    " FILE.py` lets one of your own take part."
    "\n\n--json keys: study, title, protocol, command, version, notes, tables (title, columns, rows; a spread is [mean,"
    " standard deviation]), text, page, csv and pictures; with --list methods, a list with name, title, route, year,"
    " needs, recipes and paper.",
)
app.command(evaluate)
app.command(calibrate)
app.command(export)
app.command(release)
app.command(models)
app.command(predict)
app.command(teach)
app.command(explain)
app.command(search)
app.command(timeline)
app.command(stream)
app.command(describe)


def _preset_as_defaults(arguments: Sequence[str]) -> list[Any]:
    """The settings of `--preset` and `--recipe` as defaults of the options of `train`, which may override them."""
    preset, recipe = (_value_of(option, arguments) for option in ("--preset", "--recipe"))
    if arguments[:1] != ["train"] or not (preset or recipe):
        return []
    from skeltext.benchmark.presets import load_preset
    from skeltext.benchmark.recipes import recipe_given, settings_of

    settings = settings_of(load_preset(preset) if preset else None, recipe_given(recipe) if recipe else None)
    return [Dict({"train": settings}, source=f"preset {preset}" if preset else f"recipe {recipe}")]


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    """What is given to an option before anything else is understood."""
    for position, argument in enumerate(arguments):
        if argument.startswith(f"{option}="):
            return argument.removeprefix(f"{option}=")
        if argument == option and position + 1 < len(arguments):
            return arguments[position + 1]
    return None


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: a mistake of the user is one sentence on the error stream and exit code 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    errors = Console(stderr=True)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name may hold bytes that are no text
    try:
        configure_threads()  # before a command loads torch
        app.config = tuple(_preset_as_defaults(given))
        app(given, exit_on_error=False, print_error=False)
    except (SkeltextError, CycloptsError) as error:
        sentence = " ".join(str(error).split())
        errors.print(f"skeltext: {sentence}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # which rich turns into exit code 1
            sys.exit(0)
        raise
    except KeyboardInterrupt:
        errors.print(
            "skeltext: interrupted; a training or preparation goes on where it was when the same command is given again"
        )
        sys.exit(130)


if __name__ == "__main__":
    main()
