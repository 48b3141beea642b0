"""Zero-shot evaluation of a run: unseen classes only, before and after alignment, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skeltext.adaptation.prototype_alignment import Alignment, align_prototypes
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.dataset import ClassSplit
from skeltext.datasets.splitting import hold_out, split_clips
from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.results import KINDS, Curves, RunResult, Sample, Table
from skeltext.evaluation.selection import choose_epochs
from skeltext.methods.method import Method
from skeltext.recognizer.checkpoint import Card, load_card, load_method
from skeltext.recognizer.embedding import embed_clips
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import UNITS_IN_METRES
from skeltext.skeletons.preprocessing import Preprocessing
from skeltext.texts.descriptions import class_texts
from skeltext.texts.embedding import embed_classes
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import CONFIG, RunFolder
from skeltext.training.run import open_dataset

Ints = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]  # (epochs done, epochs in all)


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Clips of classes not trained on: ``clips`` (N, C, T, V, M), their truth ``labels`` (N,) into ``texts`` (K, D)."""

    clips: Tensor
    labels: Ints
    texts: Tensor
    classes: tuple[str, ...]
    indices: list[int]


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one epoch's weights say about a test set."""

    plain: Ints
    aligned: Ints
    features: Tensor
    alignment: Alignment


def load_test_set(
    store: Store, indices: Ints, classes: tuple[str, ...], config: TrainingConfig, preprocessing: Preprocessing
) -> TestSet:
    """Prepare the clips at `indices`, which show `classes`, and embed the texts of these classes."""
    arrays, kept, _ = preprocessed_clips(store, indices.tolist(), preprocessing)
    texts = embed_classes(
        config.dataset, classes, kind=config.texts, encoder=config.text_encoder, all_classes=store.classes
    )
    names = [store.classes[store.labels[index]] for index in kept]
    return TestSet(
        clips=torch.from_numpy(arrays),
        labels=np.array([classes.index(name) for name in names]),
        texts=torch.from_numpy(texts),
        classes=classes,
        indices=kept,
    )


def predict(method: Method, test: TestSet, *, alpha: float) -> Predictions:
    """Embed the clips once and classify them by the texts and by the aligned prototypes."""
    features = embed_clips(method, test.clips)
    method.prepare(test.texts)
    plain = method.scores(features, test.texts).argmax(dim=1)
    alignment = align_prototypes(features, test.texts, alpha=alpha)
    return Predictions(plain=plain.numpy(), aligned=alignment.labels.numpy(), features=features, alignment=alignment)


def evaluate_run(
    folder: RunFolder,
    *,
    alpha: float | None = None,
    device: str = "cpu",
    samples: int = 6,
    progress: Progress | None = None,
) -> RunResult:
    """Everything about one run; :class:`SkeltextError` if its training is not finished.

    `alpha` replaces the configured tolerance margin; `samples` test clips are kept to be looked at.
    """
    config = TrainingConfig.from_yaml(folder.path / CONFIG)
    metrics = folder.metrics()
    if len(metrics) < config.epochs:
        raise SkeltextError(
            f"{folder.path} has {len(metrics)} of {config.epochs} epochs; give the same `skeltext train` command again"
        )
    config = replace(config, alpha=config.alpha if alpha is None else alpha)
    _, split, store, preprocessing = open_dataset(config)
    test = _unseen(store, split, config, preprocessing)
    card = load_card(folder.checkpoint)
    runs = _epochs(folder, card, test, config, device, progress)
    held = _held_out_accuracies(folder, split, store, preprocessing, config, device, progress)
    last = runs[-1]
    scores = {kind: [accuracy(test.labels, getattr(run, kind)) for run in runs] for kind in KINDS}
    class_scores = {kind: [class_mean_accuracy(test.labels, getattr(run, kind)) for run in runs] for kind in KINDS}
    chosen = {kind: choose_epochs(scores[kind], held[kind]) for kind in KINDS}
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
        class_table=_table(class_scores, chosen),
        chosen=chosen,
        curves=Curves(
            epochs=[int(line["epoch"]) for line in metrics],
            loss=[float(line["loss"]) for line in metrics],
            plain=scores["plain"],
            aligned=scores["aligned"],
            pseudo_plain=held["plain"],
            pseudo_aligned=held["aligned"],
        ),
        ids=[store.ids[index] for index in test.indices],
        labels=test.labels,
        plain=last.plain,
        aligned=last.aligned,
        sources=[store.source_names[store.sources[index]] for index in test.indices],
        features=last.features.numpy(),
        texts=test.texts.numpy(),
        prototypes=last.alignment.anchors.numpy(),
        samples=_samples(store, test, last, count=samples),
    )


def _unseen(store: Store, split: ClassSplit, config: TrainingConfig, preprocessing: Preprocessing) -> TestSet:
    return load_test_set(store, split_clips(store, split).test, split.unseen, config, preprocessing)


def _epochs(
    folder: RunFolder,
    card: Card,
    test: TestSet,
    config: TrainingConfig,
    device: str,
    progress: Progress | None,
) -> list[Predictions]:
    """The predictions of every epoch's weights; only the last one keeps its features."""
    found = []
    for epoch in range(config.epochs):
        method = load_method(card, folder.epoch_weights(epoch), device=device)
        predictions = predict(method, test, alpha=config.alpha)
        found.append(predictions if epoch == config.epochs - 1 else replace(predictions, features=torch.empty(0)))
        if progress:
            progress(epoch + 1, config.epochs)
    return found


def _held_out_accuracies(
    folder: RunFolder,
    split: ClassSplit,
    store: Store,
    preprocessing: Preprocessing,
    config: TrainingConfig,
    device: str,
    progress: Progress | None,
) -> dict[str, list[float]]:
    """Per epoch the accuracies of the second run on the seen classes that it was not shown; empty without such a run.

    Its test clips are training clips of the split, so no clip of an unseen class is touched.
    """
    if not config.pseudo_unseen or len(folder.held_out.metrics()) < config.epochs:
        return {kind: [] for kind in KINDS}
    held = hold_out(split, fraction=config.pseudo_unseen)
    trains = split_clips(store, split).train
    names = np.array(store.classes)[store.labels[trains]]
    test = load_test_set(store, trains[np.isin(names, held.unseen)], held.unseen, config, preprocessing)
    card = load_card(folder.held_out.checkpoint)
    runs = _epochs(folder.held_out, card, test, config, device, progress)
    return {kind: [accuracy(test.labels, getattr(run, kind)) for run in runs] for kind in KINDS}


def _table(scores: dict[str, list[float]], chosen: dict[str, dict[str, int | None]]) -> Table:
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
