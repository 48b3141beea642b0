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
    reading: str | None = None,
    workers: int | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    compare: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Turn the original files of a data set into a prepared store.

    Data sets: builtin, utd-mhad, kinder-gator, msr-action3d, nw-ucla, gtu-action3d, hdm05, ntu60, ntu120, pku-mmd,
    pku-mmd2, and kinect20, the union of the six open Kinect and motion-capture sets in one layout (give the folder that
    holds theirs).

    A preparation that was killed goes on where it was when the same command is given again; until it is done, its
    clips wait in a hidden folder beside the store.

    --json keys: those of manifest.json in the store (dataset, reading, clips, frames, clips by classes, subjects,
    cameras, setups and sources, protocols (train and test), bad (id and reason), expected (published counts),
    versions, hash), folder, seconds, and with --compare differences, a list of sentences.

    Parameters
    ----------
    dataset
        Name of the data set.
    raw
        Folder or archive with the original files as downloaded.
    out
        Folder of the store; prepared/DATASET by default.
    reading
        Way to read the original files, where the data set has several; the first by default.
    workers
        Processes that read at a time; all cores by default.
    fresh
        Start over instead of going on where a killed preparation was.
    compare
        A manifest.json of another store: tells how that one differs. Without --raw a store that is there is compared.
    """
    from skeltext.datasets.manifest import differences, manifest_in, read_manifest
    from skeltext.datasets.prepare import prepare as prepare_dataset
    from skeltext.progress import ProgressBars

    folder = out or Path("prepared") / dataset
    other = None if compare is None else read_manifest(compare)
    manifest = manifest_in(folder) if other and raw is None else None
    if manifest is None:
        with ProgressBars(quiet=as_json) as bars:
            manifest = prepare_dataset(
                dataset,
                raw=raw,
                out=folder,
                reading=reading,
                workers=workers,
                fresh=fresh,
                progress=bars.counter(f"reading {dataset}", unit="clips"),
                writing=bars.counter("writing the store", unit="clips"),
            )
    found = [] if other is None else differences(manifest, other)
    if as_json:
        _print_json(manifest.to_json() | ({} if other is None else {"differences": found}))
        return
    from skeltext.benchmark.tables import manifest_table

    console = Console()
    console.print(manifest_table(manifest))
    for sentence in found:
        console.print(sentence, highlight=False, markup=False)


@app.command(name="import")
def import_released(
    source: Path,
    /,
    *,
    dataset: str,
    split: str | None = None,
    out: Path | None = None,
    text_encoder: str = "sentence-transformers/all-mpnet-base-v2",
    preprocessing: str = "published50",
    store: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Make a prepared store of arrays that SMIE or PGFA released, or a run of their weights.

    A folder with seen_train_data.npy and its kind, or one_shot_train_data.npy and its kind, becomes a store with the
    published halves. A .pt file of PGFA becomes a run of one epoch for `predict` and `evaluate`; one of SMIE, an
    encoder alone, becomes a first stage for `train --pretrained`. Nothing in the file is executed.

    --json keys: for arrays those of `prepare`, and split; for weights folder, dataset, split, method, encoder and
    text_encoder.

    Parameters
    ----------
    source
        A folder of released arrays, or a file of released weights.
    dataset
        Name of the data set: ntu60, ntu120 or pku-mmd.
    split
        Class split of the arrays (found by their unseen classes if not given), or that the weights were trained on.
    out
        Folder to write: prepared/DATASET-FOLDER or runs/FILE by default.
    text_encoder
        Text encoder that the weights were trained with.
    preprocessing
        What the weights are fed: published50 where clips are as recorded, released where they are released arrays.
    store
        Prepared store that the weights will be evaluated on; prepared/DATASET by default.
    """
    if not source.exists():
        raise SkeltextError(f"{source} does not exist; give a folder of released arrays or a file of released weights")
    if source.is_dir():
        _import_arrays(source, dataset, split, out or Path("prepared") / f"{dataset}-{source.name}", as_json=as_json)
        return
    from skeltext.datasets.registry import dataset_named
    from skeltext.recognizer.released import import_checkpoint

    known = dataset_named(dataset)
    if split is None:
        raise SkeltextError(
            f"{source} does not tell which classes it was trained on; name their split with --split, one of"
            f" {', '.join(known.splits)}"
        )
    from skeltext.training.folder import RunFolder
    from skeltext.training.imported import write_imported_run

    run = RunFolder(out or Path("runs") / source.stem)
    card = import_checkpoint(
        source,
        dataset=known,
        split=known.split(split),
        out=run.checkpoint,
        text_encoder=text_encoder,
        preprocessing=preprocessing,
    )
    method, encoder = card.model.method, card.model.encoder
    alone = method == "classifier"  # an encoder without the head that it was trained with
    folder = run.checkpoint if alone else run.path
    if not alone:
        write_imported_run(run, split=split, store=store)
    made = {"folder": str(folder), "dataset": dataset, "split": split, "method": method, "encoder": encoder}
    if as_json:
        _print_json(made | {"text_encoder": card.text_encoder})
        return
    use = f"skeltext train --pretrained {folder}" if alone else f"skeltext evaluate {folder}"
    _say(
        f"{folder} holds {encoder} as a {method} of the {len(card.labels)} seen classes of {split}; go on with `{use}`"
    )


def _import_arrays(source: Path, dataset: str, split: str | None, out: Path, *, as_json: bool) -> None:
    from skeltext.datasets.registry import dataset_named
    from skeltext.datasets.released import import_arrays
    from skeltext.progress import ProgressBars

    with ProgressBars(quiet=as_json) as bars:
        progress = bars.counter(f"reading {source.name}")
        manifest, chosen = import_arrays(
            source, dataset=dataset_named(dataset), split=split, out=out, progress=progress
        )
    if as_json:
        _print_json(manifest.to_json() | {"split": chosen.name})
        return
    from skeltext.benchmark.tables import manifest_table

    Console().print(manifest_table(manifest))
    words = f"--dataset {dataset} --store {out} --split {chosen.name} --preprocessing released"
    _say(f"`skeltext train {words}` trains on the published half")


def _say(text: str) -> None:
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


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


@app.command
def evaluate(
    *paths: Path,
    alpha: float | None = None,
    anchors: Literal["texts", "exemplars"] = "texts",
    pseudo_labels: Literal["argmax", "weighted"] = "argmax",
    temperature: float = 1.0,
    on: str | None = None,
    on_split: str = "0",
    on_store: Path | None = None,
    generalised: Annotated[bool, Parameter(negative="")] = False,
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
    1); std, per_class, per_class_std, per_source, runs (each with the epochs chosen), protocol, command and report;
    with --generalised also generalised.mean (way, rule, then seen, unseen, harmonic and the same _per_class) and
    generalised.runs (each with what was fitted).

    Parameters
    ----------
    paths
        Folders of runs, or folders of several runs.
    alpha
        Tolerance margin of the alignment instead of the one each run was configured with.
    anchors
        What stands for an unseen class: its text, or the exemplars of a one-shot split.
    pseudo_labels
        Prototypes of the clips predicted as a class, or of all clips weighted by their probability.
    temperature
        Of the softmax behind these weights and the certainty of a prediction.
    on
        Another data set, whose unseen classes are recognised instead.
    on_split
        Class split of that data set.
    on_store
        Its prepared store; prepared/DATASET by default.
    generalised
        Also recognise test clips of seen and unseen classes among both, without alignment, by a calibrated gate and by
        calibrated stacking: runs that were trained with --calibration and a --protocol.
    report
        Where to write the page; report.html in the first folder by default.
    precision
        bf16-mixed embeds clips with bfloat16 arithmetic (on CUDA by autocast), which is faster where the machine has
        instructions for it; figures may change in their last digits, and the protocol says that it was used.
    """
    from skeltext.benchmark.evaluation import evaluate_generalised, evaluate_paths, require_generalised_runs
    from skeltext.evaluation.predictions import Scoring
    from skeltext.evaluation.zero_shot import OtherData
    from skeltext.progress import ProgressBars

    if not paths:
        raise SkeltextError(
            "no folder given; expected `skeltext evaluate FOLDER` with the folder of a run or of several"
        )
    page = report or paths[0] / "report.html"
    if generalised:
        require_generalised_runs(paths, on=on)
    with ProgressBars(quiet=as_json) as bars:
        evaluation = evaluate_paths(
            list(paths),
            alpha=alpha,
            scoring=Scoring(anchors=anchors, pseudo_labels=pseudo_labels, temperature=temperature),
            on=OtherData(dataset=on, split=on_split, store=on_store) if on else None,
            device=device,
            precision=precision,
            report=page,
            bars=bars,
        )
        together = []
        if generalised:
            together = evaluate_generalised(paths, evaluation, device=device, precision=precision, bars=bars)
    _show_evaluation(evaluation, page, as_json=as_json, generalised=together)


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
    ask: str | None = None,
    model: str | None = None,
    key_variable: str | None = None,
    save: Path | None = None,
    limit: int | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Show the class descriptions of a data set, which are what skeletons are compared with, or have others written.

    `skeltext describe ntu60 --ask https://api.openai.com/v1 --model NAME --key-variable OPENAI_API_KEY --save FILE`
    asks a language model for every class that FILE does not describe yet and saves each answer; `train --descriptions
    FILE` uses them. Without --ask nothing is contacted. Exit code 1 if the model gave no fit answer for some class.

    --json keys: one per class, with name, parts, complete, skeleton, verb, noun and phases (or the one text of --kind);
    with --ask: file, described and held (lists of classes) and failed (class and what was wrong with its last answer).

    Parameters
    ----------
    dataset
        Name of the data set.
    classes
        Classes to show; all by default.
    kind
        Show the text exactly as it is embedded for this kind; with --ask the kind to ask for, complete by default.
    ask
        Address of an OpenAI-compatible endpoint, often ending in /v1.
    model
        Name of the language model there.
    key_variable
        Environment variable that holds the key of the endpoint; without it no key is sent.
    save
        File for the answers, of which those it holds already are kept.
    limit
        Ask for so many classes at most.
    """
    from skeltext.texts.descriptions import class_text, described_classes, description

    names = list(classes) or described_classes(dataset)
    found = {name: class_text(dataset, name, kind=kind) if kind else description(dataset, name) for name in names}
    if ask is not None:
        from skeltext.progress import ProgressBars
        from skeltext.texts.asking import ask_for_descriptions
        from skeltext.texts.language_model import LanguageModel, key_in

        if model is None or save is None:
            raise SkeltextError("--ask needs to know which language model and where to: give --model NAME --save FILE")
        key = key_in(key_variable) if key_variable is not None else None
        with ProgressBars(quiet=as_json) as bars:
            asked = ask_for_descriptions(
                names,
                kind=kind or "complete",
                model=LanguageModel(url=ask, name=model, key=key),
                save=save,
                limit=limit,
                progress=bars.counter(f"asking {model}"),
            )
        if as_json:
            _print_json({"file": str(save), **asdict(asked)})
        else:
            print(f"{save}: {len(asked.described)} classes described, {len(asked.held)} were already")
            for name, wrong in asked.failed.items():
                print(f"no fit answer for {name!r}: {wrong}")
        sys.exit(1 if asked.failed else 0)
    if (model, key_variable, save, limit) != (None,) * 4:
        raise SkeltextError("--model, --key-variable, --save and --limit go with --ask URL; give it or leave them out")
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


def _show_evaluation(
    evaluation: Any, report: Path, *, as_json: bool, seconds: float | None = None, generalised: Sequence[Any] = ()
) -> None:
    from skeltext.evaluation.summary import as_json as figures

    if as_json:
        extra: dict[str, Any] = {} if seconds is None else {"seconds": round(seconds, 1)}
        if generalised:
            from skeltext.evaluation.generalised_results import as_json as generalised_figures

            extra["generalised"] = generalised_figures(generalised)
        _print_json(figures(evaluation) | {"report": str(report)} | extra)
        return
    from skeltext.benchmark.tables import evaluation_table, generalised_table

    console = Console()
    console.print(evaluation.protocol, style="dim", highlight=False, markup=False)
    console.print(evaluation_table(evaluation))
    if generalised:
        console.print(generalised_table(generalised))
    console.print(f"Report: {report.resolve().as_uri()}", highlight=False, soft_wrap=True)


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
        require_sensible_threads()
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
