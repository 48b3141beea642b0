"""Zero-shot evaluation of a run: unseen classes only, before and after alignment, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from skeltext.datasets.dataset import ClassSplit
from skeltext.datasets.splitting import hold_out, split_clips
from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.predictions import Ints, Predictions, Progress, TestSet, load_test_set, predict_epochs
from skeltext.evaluation.results import KINDS, Curves, RunResult, Sample, Table
from skeltext.evaluation.selection import choose_epochs
from skeltext.machine import keep_freed_memory
from skeltext.recognizer.embedding import Precision
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import UNITS_IN_METRES
from skeltext.skeletons.preprocessing import Preprocessing
from skeltext.texts.descriptions import class_texts
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import CONFIG, RunFolder
from skeltext.training.seen_data import open_dataset

Scores = dict[str, list[float]]  # kind -> one accuracy per epoch


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
    keep_freed_memory()
    config = TrainingConfig.from_yaml(folder.path / CONFIG)
    config = replace(config, alpha=config.alpha if alpha is None else alpha)
    for part in (folder, folder.held_out) if config.pseudo_unseen else (folder,):
        _require_finished(part, config)
    _, split, store, preprocessing = open_dataset(config)
    test = load_test_set(store, split_clips(store, split).test, split.unseen, config, preprocessing)
    predicted = partial(predict_epochs, config=config, device=device, precision=precision, progress=progress)
    runs = predicted(folder, test)
    scores = _scores(test, runs, accuracy)
    held: Scores = {kind: [] for kind in KINDS}
    if config.pseudo_unseen:
        pseudo = _held_out(store, split, config, preprocessing)
        held = _scores(pseudo, predicted(folder.held_out, pseudo), accuracy)
    chosen = {kind: choose_epochs(scores[kind], held[kind]) for kind in KINDS}
    last = runs[-1]
    return RunResult(
        name=folder.path.name,
        dataset=config.dataset,
        method=config.method,
        split=config.split,
        seed=config.seed,
        classes=list(test.classes),
        descriptions=_descriptions(config, test.classes),
        chance=1 / len(test.classes),
        table=_table(scores, chosen),
        class_table=_table(_scores(test, runs, class_mean_accuracy), chosen),
        chosen=chosen,
        curves=_curves(folder, scores, held),
        ids=[store.ids[index] for index in test.indices],
        labels=test.labels,
        plain=last.plain,
        aligned=last.aligned,
        sources=[store.source_names[store.sources[index]] for index in test.indices],
        features=last.features.numpy(),
        texts=last.texts.numpy(),
        prototypes=last.alignment.anchors.numpy(),
        samples=_samples(store, test, last, count=samples),
    )


def _require_finished(folder: RunFolder, config: TrainingConfig) -> None:
    done = len(folder.metrics())
    if done < config.epochs:
        raise SkeltextError(
            f"{folder.path} has {done} of {config.epochs} epochs; give the same `skeltext train` command again"
        )


def _held_out(store: Store, split: ClassSplit, config: TrainingConfig, preprocessing: Preprocessing) -> TestSet:
    """The clips that test the second run: training clips of the seen classes that it was not shown."""
    held = hold_out(split, fraction=config.pseudo_unseen)
    trains = split_clips(store, split).train
    names = np.array(store.classes)[store.labels[trains]]
    return load_test_set(store, trains[np.isin(names, held.unseen)], held.unseen, config, preprocessing)


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


def _descriptions(config: TrainingConfig, classes: tuple[str, ...]) -> list[str]:
    return class_texts(config.dataset, classes, kind="complete" if config.texts == "name" else config.texts)


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
