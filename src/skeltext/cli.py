"""The commands. Each is thin: its signature is its options, its work happens in the rooms below."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Dict
from rich.console import Console

import skeltext
from skeltext.errors import SkeltextError
from skeltext.machine import require_sensible_threads

app = App(
    name="skeltext",
    version=skeltext.__version__,
    help="Recognise human actions from skeletons by what they are called, including actions never trained on."
    "\n\nStart with `skeltext demo`. With your own files: `check` them, `prepare` a data set, `train`, `evaluate`,"
    " and `predict` among labels that you type.",
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
Json = Annotated[bool, Parameter(negative="", help="Print one JSON object on stdout and nothing else there.")]
Device = Annotated[str, Parameter(help="cpu, cuda, mps or auto.")]


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


@app.command
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
    _show_evaluation(evaluation, report, as_json=as_json, seconds=time.perf_counter() - began)


@app.command
def prepare(
    dataset: str,
    /,
    *,
    raw: Path | None = None,
    out: Path | None = None,
    workers: int | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Turn the original files of a data set into a prepared store.

    Data sets: builtin, utd-mhad, kinder-gator, msr-action3d, nw-ucla, gtu-action3d, hdm05, ntu60, ntu120, and kinect20,
    the union of the six open Kinect and motion-capture sets in one layout (give the folder that holds theirs).
    Registered without a preparer yet: pku-mmd.

    --json keys: dataset, folder, clips, frames, classes, subjects, sources, bad (id and reason), hash, seconds.

    Parameters
    ----------
    dataset
        Name of the data set.
    raw
        Folder or archive with the original files as downloaded.
    out
        Folder of the store; prepared/DATASET by default.
    workers
        Processes that read at a time; all cores by default.
    """
    from skeltext.datasets.prepare import prepare as prepare_dataset
    from skeltext.progress import ProgressBars

    with ProgressBars(quiet=as_json) as bars:
        manifest = prepare_dataset(
            dataset,
            raw=raw,
            out=out or Path("prepared") / dataset,
            workers=workers,
            progress=bars.counter(f"reading {dataset}"),
        )
    if as_json:
        _print_json(manifest.to_json())
        return
    from skeltext.benchmark.tables import manifest_table

    Console().print(manifest_table(manifest))


@app.command
def check(path: Path, /, *, as_json: Annotated[Json, Parameter(name="--json")] = False) -> None:
    """Tell what a file or folder was understood to be, and what is wrong with it.

    Exit code 0 if nothing is wrong, 1 if something is, 2 if the path cannot be looked at.

    --json keys: those of the check (format, layout, frames, fps, seconds, bodies, unit, height, gaps, problems ...).
    """
    from skeltext.formats.checking import check as check_path

    found = check_path(path)
    if as_json:
        _print_json(asdict(found))
    else:
        from skeltext.benchmark.tables import check_table

        Console().print(check_table(found))
    if found.problems:
        sys.exit(1)


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


@app.command
def evaluate(
    *paths: Path,
    alpha: float | None = None,
    report: Path | None = None,
    device: Device = "auto",
    precision: Literal["32-true", "bf16-mixed"] = "32-true",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Recognise the unseen classes with trained runs, and write report.html.

    Accuracy is printed before (plain) and after prototype alignment (aligned), under three rules for the epoch: last,
    pseudo-unseen (chosen on seen classes held out as if unseen) and oracle (the best on the test labels themselves,
    only to compare with papers that choose so). Several runs give mean and standard deviation.

    --json keys: chance; plain.last, plain.pseudo-unseen, plain.oracle and the same under aligned (shares between 0 and
    1); std, per_class, per_class_std, per_source, runs (each with the epochs chosen), protocol, command and report.

    Parameters
    ----------
    paths
        Folders of runs, or folders of several runs.
    alpha
        Tolerance margin of the alignment instead of the one each run was configured with.
    report
        Where to write the page; report.html in the first folder by default.
    precision
        bf16-mixed embeds clips with bfloat16 arithmetic (on CUDA by autocast), which is faster where the machine has
        instructions for it; figures may change in their last digits, and the protocol says that it was used.
    """
    from skeltext.benchmark.evaluation import evaluate_paths
    from skeltext.progress import ProgressBars

    if not paths:
        raise SkeltextError(
            "no folder given; expected `skeltext evaluate FOLDER` with the folder of a run or of several"
        )
    page = report or paths[0] / "report.html"
    with ProgressBars(quiet=as_json) as bars:
        evaluation = evaluate_paths(
            list(paths), alpha=alpha, device=device, precision=precision, report=page, bars=bars
        )
    _show_evaluation(evaluation, page, as_json=as_json)


@app.command
def predict(
    run: Path,
    file: Path,
    /,
    *,
    labels: Annotated[list[str], Parameter(consume_multiple=True, negative="")],
    layout: str | None = None,
    fps: float | None = None,
    device: Device = "cpu",
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which of the labels you type fits a motion file best.

    `skeltext predict runs/demo wave.npz --labels "sit down" "wave the right hand"` reads any known file format,
    converts the skeleton to the layout the model was trained on, and ranks the labels.

    --json keys: file, run, guesses (label, text, score, probability; best first).

    Parameters
    ----------
    run
        Folder of a run or of a checkpoint.
    file
        A motion file; `skeltext check FILE` tells how it is understood.
    labels
        What the action might be called, at least two.
    layout
        Layout of the file where it does not say itself.
    fps
        Frames per second of the file where it does not say itself.
    """
    from skeltext.formats.reading import read_clip
    from skeltext.recognizer.recognizer import Recognizer

    clip = read_clip(file, layout=layout, fps=fps)
    guesses = Recognizer.load(run, device=device).recognise([clip], labels)[0]
    if as_json:
        _print_json({"file": str(file), "run": str(run), "guesses": [asdict(guess) for guess in guesses]})
        return
    from skeltext.recognizer.table import guess_table

    Console().print(guess_table(guesses))


@app.command
def describe(
    dataset: str,
    /,
    *classes: str,
    kind: Literal["name", "parts", "complete", "skeleton"] | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Show the class descriptions of a data set, which are what skeletons are compared with.

    --json keys: one per class, with name, parts, complete and skeleton (or the one text of --kind).

    Parameters
    ----------
    dataset
        Name of the data set.
    classes
        Classes to show; all by default.
    kind
        Show the text exactly as it is embedded for this kind.
    """
    from skeltext.texts.descriptions import class_text, described_classes, description

    names = list(classes) or described_classes(dataset)
    found = {name: class_text(dataset, name, kind=kind) if kind else description(dataset, name) for name in names}
    if as_json:
        _print_json(found)
        return
    console = Console()
    for name, text in found.items():
        console.print(name, style="bold", highlight=False, markup=False)
        for label, words in {"text": text}.items() if isinstance(text, str) else text.items():
            shown = (
                words if isinstance(words, str) else "; ".join(f"{part}: {clause}" for part, clause in words.items())
            )
            console.print(f"  [dim]{label}[/dim] {shown}", highlight=False)


def _show_evaluation(evaluation: Any, report: Path, *, as_json: bool, seconds: float | None = None) -> None:
    from skeltext.evaluation.summary import as_json as figures

    if as_json:
        extra = {} if seconds is None else {"seconds": round(seconds, 1)}
        _print_json(figures(evaluation) | {"report": str(report)} | extra)
        return
    from skeltext.benchmark.tables import evaluation_table

    console = Console()
    console.print(evaluation.protocol, style="dim", highlight=False, markup=False)
    console.print(evaluation_table(evaluation))
    console.print(f"Report: {report.resolve().as_uri()}", highlight=False, soft_wrap=True)


def _preset_as_defaults(arguments: Sequence[str]) -> list[Any]:
    """The settings of `--preset NAME` as defaults of the options of `train`, which the command line overrides."""
    for position, argument in enumerate(arguments):
        name = argument.removeprefix("--preset=") if argument.startswith("--preset=") else None
        if argument == "--preset" and position + 1 < len(arguments):
            name = arguments[position + 1]
        if name:
            from skeltext.benchmark.presets import load_preset

            return [Dict({"train": load_preset(name).settings}, source=f"preset {name}")]
    return []


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: a mistake of the user is one sentence on the error stream and exit code 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    errors = Console(stderr=True)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name may hold bytes that are no text
    try:
        require_sensible_threads()
        app.config = tuple(_preset_as_defaults(given))
        app(given, exit_on_error=False, print_error=False)
    except (SkeltextError, CycloptsError) as error:
        sentence = " ".join(str(error).split())
        errors.print(f"skeltext: {sentence}", style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        errors.print("skeltext: interrupted; a training goes on where it was when the same command is given again")
        sys.exit(130)


if __name__ == "__main__":
    main()
