"""The folder of a model that people are given: weights in half precision, what they need, and a page about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from safetensors.numpy import load, save

from skeltext import __version__
from skeltext.benchmark.evaluation import evaluate_runs
from skeltext.benchmark.tables import percent
from skeltext.datasets.registry import dataset_named
from skeltext.errors import require
from skeltext.evaluation.as_answered import AsAnswered, as_answered
from skeltext.evaluation.leave_out_source import LeftOut, left_out, mean_of, trained_without
from skeltext.evaluation.results import RULES, Evaluation
from skeltext.evaluation.zero_shot import usual_steps
from skeltext.formats.writing import made_folder, write_text
from skeltext.progress import ProgressBars
from skeltext.recognizer.calibration import FIGURES, REFERENCE, Calibration, load_calibration
from skeltext.recognizer.card import WEIGHTS, Card, load_card, save_card
from skeltext.recognizer.checkpoint import read_tensors, write_tensors
from skeltext.recognizer.export import export_onnx
from skeltext.recognizer.loading import ONNX
from skeltext.recognizer.packaged import ACCURACY
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import LEFT_OUT
from skeltext.runs.run import Run

PAGE = "README.md"
OTHER_LAYOUTS = ("h36m17", "mediapipe33", "smpl24")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is known of a model that has learned every class: figures of runs that left classes or a source out."""

    evaluation: Evaluation
    answered: list[AsAnswered]
    left_out: list[LeftOut]


def release(run: Run, *, tested: Sequence[Run], out: Path, device: str = "cpu", bars: ProgressBars) -> Path:
    """Write the model of `run` to `out`, for torch and ONNX Runtime, and a page on what `tested` runs can do.

    A model of every class cannot be tested on unseen ones; runs with the same settings that left classes out can.
    Raises :class:`SkeltextError` if they differ from `run` in more than split, seed and held-out classes.
    """
    require(tested, "no tested run given; train the same preset on splits with unseen classes and name these runs")
    _require_alike(run, tested)
    with TemporaryDirectory() as aside:  # for the report, which is not given to people
        report = Path(aside) / "report.html"
        evaluation = evaluate_runs(tested, device=device, report=report, bars=bars)
    measured = Measured(
        evaluation=evaluation,
        answered=_answered(tested, device=device, bars=bars),
        left_out=_left_out(run, device=device, bars=bars),
    )
    with TemporaryDirectory(dir=made_folder(out.parent)) as aside:  # an export that is refused leaves nothing behind
        _write(run, Path(aside), measured)
        made_folder(out)
        for file in sorted(Path(aside).iterdir()):
            file.replace(out / file.name)
    return out


def _write(run: Run, out: Path, measured: Measured) -> None:
    """All files of a release."""
    folder = run.folder
    card = load_card(folder.checkpoint)
    card = replace(card, text_space_state=_halved(card.text_space_state))
    save_card(out, card)
    halves = {name: tensor.half() for name, tensor in read_tensors(folder.checkpoint / WEIGHTS).items()}
    write_tensors(out / WEIGHTS, halves)
    for name in (FIGURES, REFERENCE):
        if (folder.checkpoint / name).exists():
            shutil.copyfile(folder.checkpoint / name, out / name)
    export_onnx(out, out / ONNX, alone=False)
    write_text(out / ACCURACY, json.dumps(_accuracy(measured.evaluation), indent=1))
    write_text(out / PAGE, page(run.config, card, measured, calibration=load_calibration(out)))


def _accuracy(evaluation: Evaluation) -> dict[str, object]:
    """After the last epoch by test-time step, on how many unseen classes, and what guessing gives."""
    last = {step: evaluation.micro.mean[step]["last"] for step in evaluation.steps}
    return {"unseen": len(evaluation.runs[0].classes), "chance": evaluation.chance, "last": last}


def _halved(state: bytes) -> bytes:
    """What a text space fitted, with its matrices in half precision."""
    if not state:
        return state
    arrays = load(state)
    return save({name: array.astype(np.float16) if array.ndim == 2 else array for name, array in arrays.items()})


def _require_alike(run: Run, tests: Sequence[Run]) -> None:
    """The settings must agree but for what tells runs of one preset apart."""
    apart = ("split", "seed", "pseudo_unseen", "store", "device", "threads", "cuda_graphs")

    def settings(of: Run) -> dict[str, object]:
        return {name: value for name, value in of.config.to_plain().items() if name not in apart}

    wanted = settings(run)
    for test in tests:
        other = settings(test)
        wrong = [name for name in wanted if wanted[name] != other[name]]
        require(
            not wrong,
            f"{test.folder.path} was trained with another {', '.join(wrong)} than {run.folder.path}; its figures would"
            " be those of another model",
        )


def _answered(tests: Sequence[Run], *, device: str, bars: ProgressBars) -> list[AsAnswered]:
    tell = bars.counter("other layouts and typed labels")
    found = []
    for done, test in enumerate(tests, 1):
        flat = load_card(test.folder.checkpoint).preprocessing.layout.C == 2
        found.append(as_answered(test, () if flat else OTHER_LAYOUTS, device=device))
        tell(done, len(tests))
    return found


def _left_out(run: Run, *, device: str, bars: ProgressBars) -> list[LeftOut]:
    """How well each source of a union is recognized by a training without it, where these trainings were made."""
    if not (run.folder.path / LEFT_OUT).is_dir():
        return []
    steps = usual_steps(run)
    return [left_out(part, steps, device=device) for part in trained_without(run, watcher=bars)]


def page(config: TrainingConfig, card: Card, measured: Measured, *, calibration: Calibration | None) -> str:
    """The page about a model, in markdown."""
    dataset, evaluation = dataset_named(config.dataset), measured.evaluation
    changed = {
        name: value
        for name, value in config.to_plain().items()
        if value != TrainingConfig().to_plain()[name] and name not in ("store", "device", "threads")
    }
    lines = [
        f"# A model of {len(card.labels)} actions",
        "",
        f"Layout {card.preprocessing.layout.name}, {card.model.method} with {card.model.encoder}, texts by"
        f" {card.text_encoder}; written by skeltext {__version__}.",
        "",
        f"**Data.** {dataset.title}. Licence: {dataset.licence}. From {dataset.source}.",
        "",
        "The weights hold no recording. Whether the terms of the data bind them is not settled, so use them as if they"
        " did.",
        "",
        "Cite:",
        "",
        *(f"- {line}" for line in dataset.citation.splitlines()),
        "",
        "**Settings** that differ from the defaults:",
        "",
        "```yaml",
        yaml.safe_dump(changed, sort_keys=False).rstrip(),
        "```",
        "",
        "## How well it recognises actions that it was not trained on",
        "",
        "This model has learnt every class, so nothing is unseen for it. The figures are those of runs with the same"
        " settings that left classes out, after the last epoch first:",
        "",
        f"{evaluation.protocol}",
        "",
        f"| {len(evaluation.runs)} run{'s' * (len(evaluation.runs) > 1)}, % | {' | '.join(RULES)} | chance |",
        "| --- |" + " ---: |" * (len(RULES) + 1),
    ]
    for step in evaluation.steps:
        cells = [percent(*_spread(evaluation, step, rule)) for rule in RULES]
        lines.append(f"| {step} | {' | '.join(cells)} | {percent(evaluation.chance)} |")
    lines += ["", "By what stands for a class, without alignment, last epoch; standard scores are those that a"]
    lines[-1] += " calibrated recogniser ranks by:"
    lines += ["", "| text | raw scores, % | standard scores, % |", "| --- | ---: | ---: |"]
    for kind in measured.answered[0].labels:
        raw, standard = np.mean([one.labels[kind] for one in measured.answered], axis=0)
        lines.append(f"| {kind} | {percent(raw)} | {percent(standard)} |")
    if len(measured.answered[0].layouts) > 1:
        lines += ["", "The same test clips as if they had come in another layout, plain, last epoch:", ""]
        lines += _layout_table(measured.answered)
    if measured.left_out:
        lines += [
            "",
            "## How well it recognizes a data set that it was not trained on",
            "",
            *_sources(measured.left_out),
        ]
    if calibration is not None:
        lines += ["", "## How far to trust an answer", "", f"Fitted on {calibration.about}.", ""]
        lines += ["| false-accept rate | of clips that show a label, accepted |", "| ---: | ---: |"]
        accepted = calibration.evidence.accepted if calibration.evidence else calibration.accepted
        lines += [f"| {percent(rate)} % | {percent(share)} % |" for rate, share in accepted.items()]
    return "\n".join(lines) + "\n"


def _sources(found: Sequence[LeftOut]) -> list[str]:
    """A row for every source that was left out, and their mean: descriptions and names, plain and by the last step."""
    mean = mean_of(found)
    new = mean["descriptions"]["plain"]["new_among_new"]
    columns = [(wording, step) for wording, steps in mean.items() for step in steps]
    lines = [
        "Each data set by a training with the same settings and without it, among all of its classes, after the last",
        "epoch. Known are classes that another data set shows; new ones are also judged among themselves, by",
        f"descriptions without a test-time step ({percent(new)} % on average).",
        "",
        "| left out | classes | known | chance | "
        + " | ".join(f"{wording}, {step}" for wording, step in columns)
        + " |",
        "| --- |" + " ---: |" * (len(columns) + 3),
    ]
    for one in found:
        cells = [percent(one.accuracies[wording][step]["all"]) for wording, step in columns]
        lines.append(f"| {one.source} | {one.classes} | {one.known} | {percent(one.chance)} | {' | '.join(cells)} |")
    cells = [percent(mean[wording][step]["all"]) for wording, step in columns]
    lines.append(f"| mean | | | | {' | '.join(cells)} |")
    return lines


def _spread(evaluation: Evaluation, step: str, rule: str) -> tuple[float | None, float | None]:
    """Mean over the runs and, if there are several, their standard deviation."""
    deviation = evaluation.micro.std[step][rule] if len(evaluation.runs) > 1 else None
    return evaluation.micro.mean[step][rule], deviation


def _layout_table(found: Sequence[AsAnswered]) -> list[str]:
    """A row for all clips and one for each source, means over the runs that have such clips."""
    forms = list(found[0].layouts)
    lines = [f"| clips | {' | '.join(forms)} |", "| --- |" + " ---: |" * len(forms)]
    sources = sorted({name for one in found for name in one.clips})
    rows = {"all": [one.layouts for one in found]}
    rows |= {name: [one.by_source[name] for one in found if name in one.by_source] for name in sources}
    for name, cells in rows.items():
        lines.append(f"| {name} | " + " | ".join(percent(float(np.mean([c[f] for c in cells]))) for f in forms) + " |")
    return lines
