"""Zero-shot evaluation of a run: unseen classes only, before and after alignment, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from skeltext.datasets.splitting import first_of_each, hold_out, split_clips
from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError, require
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.predictions import (
    Ints,
    Predictions,
    Progress,
    Scoring,
    TestSet,
    load_test_set,
    predict_epochs,
)
from skeltext.evaluation.results import KINDS, Curves, RunResult, Sample, Table
from skeltext.evaluation.selection import choose_epochs
from skeltext.machine import keep_freed_memory
from skeltext.recognizer.embedding import Precision
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import UNITS_IN_METRES
from skeltext.texts.descriptions import class_texts
from skeltext.training.seen_data import open_dataset, training_clips

Scores = dict[str, list[float]]  # kind -> one accuracy per epoch


@dataclass(frozen=True, kw_only=True)
class OtherData:
    """Another data set to test on: its name, a class split of it whose unseen classes are recognised, and its store."""

    dataset: str
    split: str
    store: Path | None = None


def evaluate_run(
    folder: RunFolder,
    *,
    alpha: float | None = None,
    device: str = "cpu",
    precision: Precision = "32-true",
    samples: int = 6,
    progress: Progress | None = None,
) -> RunResult:
    """Everything about one run; :class:`SkeltextError` if its training is not finished.

    `alpha` replaces the configured tolerance margin; `precision` is that of embedding the clips; `samples` test clips
    are kept to be looked at.
    """
    config = TrainingConfig.from_yaml(folder.path / CONFIG)
    scoring = Scoring(alpha=config.alpha if alpha is None else alpha)
    (result,) = evaluate_scorings(
        folder, [scoring], device=device, precision=precision, samples=samples, progress=progress
    )
    return result


def evaluate_scorings(
    folder: RunFolder,
    scorings: Sequence[Scoring],
    *,
    on: OtherData | None = None,
    device: str = "cpu",
    precision: Precision = "32-true",
    samples: int = 0,
    progress: Progress | None = None,
) -> list[RunResult]:
    """Everything about one run under each of several scorings, for which its clips are embedded once.

    With `on` the test clips are those of another data set; the epoch that the rule pseudo-unseen takes is still chosen
    on the held-out classes of the run's own. Raises :class:`SkeltextError` if its training is not finished.
    """
    keep_freed_memory()
    config = TrainingConfig.from_yaml(folder.path / CONFIG)
    for part in (folder, folder.held_out) if config.pseudo_unseen else (folder,):
        _require_finished(part, config)
    predicted = partial(
        predict_epochs, config=config, scorings=scorings, device=device, precision=precision, progress=progress
    )
    test = _unseen(config, on)
    runs = predicted(folder, test)
    pseudo: TestSet | None = None
    held_runs: list[list[Predictions]] = [[] for _ in scorings]
    if config.pseudo_unseen:
        pseudo = _held_out(config)
        held_runs = predicted(folder.held_out, pseudo)
    return [
        _result(folder, config, test, epochs, pseudo, held, samples=samples)
        for epochs, held in zip(runs, held_runs, strict=True)
    ]


def _result(
    folder: RunFolder,
    config: TrainingConfig,
    test: TestSet,
    runs: list[Predictions],
    pseudo: TestSet | None,
    pseudo_runs: list[Predictions],
    *,
    samples: int,
) -> RunResult:
    """One run under one scoring, from the predictions of all its epochs."""
    scores, by_class = (_scores(test, runs, measure) for measure in (accuracy, class_mean_accuracy))
    held: Scores = {kind: [] for kind in KINDS} if pseudo is None else _scores(pseudo, pseudo_runs, accuracy)
    store, last = test.store, runs[-1]
    if last.alignment is None:
        scores["aligned"] = held["aligned"] = []
    chosen = {kind: choose_epochs(scores[kind], held[kind]) for kind in KINDS}
    d = last.features[0].numel()
    return RunResult(
        name=folder.path.name,
        dataset=store.name,
        method=config.method,
        split=config.split,
        seed=config.seed,
        classes=list(test.classes),
        descriptions=_descriptions(store, config, test.classes),
        chance=1 / len(test.classes),
        table=_table(scores, chosen),
        class_table=_table(by_class, chosen),
        chosen=chosen,
        curves=_curves(folder, scores, held),
        ids=[store.ids[index] for index in test.indices],
        labels=test.labels,
        plain=last.plain,
        aligned=last.aligned,
        sources=[store.source_names[store.sources[index]] for index in test.indices],
        features=last.features.reshape(-1, d).numpy(),  # N ... -> N D
        texts=np.empty((0, d), np.float32) if last.anchors is None else last.anchors.numpy(),
        prototypes=np.empty((0, d), np.float32)
        if last.alignment is None or last.anchors is None
        else last.alignment.anchors.numpy(),
        samples=_samples(store, test, last, count=samples),
    )


def _require_finished(folder: RunFolder, config: TrainingConfig) -> None:
    done = len(folder.metrics())
    if done < config.epochs:
        raise SkeltextError(
            f"{folder.path} has {done} of {config.epochs} epochs; give the same `skeltext train` command again"
        )


def _unseen(config: TrainingConfig, on: OtherData | None) -> TestSet:
    """The clips of the unseen classes, of the run's own data set or of another, prepared as the run's own are."""
    _, split, store, preprocessing = open_dataset(config)
    if on is not None:
        there = replace(config, dataset=on.dataset, split=on.split, store=on.store, without=(), protocol=None)
        _, split, store, _ = open_dataset(there)
    require(
        bool(split.unseen), f"split {split.name} leaves no class of {config.dataset} unseen; evaluate a run of another"
    )
    clips = split_clips(store, split)
    return load_test_set(store, clips.test, split.unseen, config, preprocessing, exemplars=clips.exemplars)


def _held_out(config: TrainingConfig) -> TestSet:
    """The clips that test the second run: training clips of the seen classes that it was not shown.

    Where the split has exemplars, the first clips of every class are such here and no test clips.
    """
    _, split, store, preprocessing = open_dataset(config)
    held = hold_out(split, fraction=config.pseudo_unseen)
    trains = training_clips(store, split, config)
    clips = trains[np.isin(np.array(store.classes)[store.labels[trains]], held.unseen)]
    shots = max(split.shots, bool(split.exemplars))
    shown = first_of_each(store.labels, np.isin(np.arange(len(store)), clips), count=shots)
    return load_test_set(
        store, clips[~shown[clips]], held.unseen, config, preprocessing, exemplars=np.flatnonzero(shown)
    )


def _scores(test: TestSet, runs: list[Predictions], measure: Callable[[Ints, Ints], float]) -> Scores:
    return {kind: [measure(test.labels, getattr(run, kind)) for run in runs] for kind in KINDS}


def _curves(folder: RunFolder, scores: Scores, held: Scores) -> Curves:
    metrics = folder.metrics()
    return Curves(
        epochs=[int(line["epoch"]) for line in metrics],
        loss=[float(line["loss"]) for line in metrics],
        plain=scores["plain"],
        aligned=scores["aligned"],
        pseudo_plain=held["plain"],
        pseudo_aligned=held["aligned"],
    )


def _table(scores: Scores, chosen: dict[str, dict[str, int | None]]) -> Table:
    return {
        kind: {rule: None if epoch is None else scores[kind][epoch] for rule, epoch in chosen[kind].items()}
        for kind in KINDS
    }


def _descriptions(store: Store, config: TrainingConfig, classes: tuple[str, ...]) -> list[str]:
    """What the classes look like, in words; a name alone would not tell, so our full description stands for it."""
    if config.texts == "name":
        return class_texts(store.name, classes, kind="complete")
    return class_texts(store.name, classes, kind=config.texts, source=config.descriptions)


def _samples(store: Store, test: TestSet, predictions: Predictions, *, count: int) -> list[Sample]:
    """Clips to look at, one of each class in turn, in metres with y up."""
    turn = np.zeros(len(test.labels), np.int64)  # how many clips of its class come before a clip
    for k in range(len(test.classes)):
        turn[test.labels == k] = np.arange((test.labels == k).sum())
    shown = []
    for position in np.lexsort((test.labels, turn))[:count]:
        clip = store.clip(test.indices[position])
        layout = replace(
            clip.layout, up="+y", unit=clip.layout.unit if UNITS_IN_METRES[clip.layout.unit] is None else "m"
        )
        shown.append(
            Sample(
                id=store.ids[test.indices[position]],
                label=int(test.labels[position]),
                plain=int(predictions.plain[position]),
                aligned=int(predictions.aligned[position]),
                fps=clip.fps or store.fps,
                positions=convert(clip, layout).positions,
                bones=clip.layout.bones,
            )
        )
    return shown
