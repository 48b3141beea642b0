"""What the weights of an epoch say about clips of classes that they were not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skeltext.adaptation.prototype_alignment import Alignment, align_prototypes
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.store import Store
from skeltext.methods.method import Method
from skeltext.recognizer.checkpoint import load_card, load_method
from skeltext.recognizer.embedding import embed_clips
from skeltext.skeletons.preprocessing import Preprocessing
from skeltext.texts.embedding import embed_classes
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import RunFolder

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
    arrays = preprocessed_clips(store, indices.tolist(), preprocessing)
    texts = embed_classes(
        config.dataset, classes, kind=config.texts, encoder=config.text_encoder, all_classes=store.classes
    )
    names = [store.classes[store.labels[index]] for index in indices]
    return TestSet(
        clips=torch.from_numpy(arrays),
        labels=np.array([classes.index(name) for name in names]),
        texts=torch.from_numpy(texts),
        classes=classes,
        indices=indices.tolist(),
    )


def predict(method: Method, test: TestSet, *, alpha: float) -> Predictions:
    """Embed the clips once and classify them by the texts and by the aligned prototypes."""
    features = embed_clips(method, test.clips)
    method.prepare(test.texts)
    plain = method.scores(features, test.texts).argmax(dim=1)
    alignment = align_prototypes(features, test.texts, alpha=alpha)
    return Predictions(plain=plain.numpy(), aligned=alignment.labels.numpy(), features=features, alignment=alignment)


def predict_epochs(
    folder: RunFolder, test: TestSet, config: TrainingConfig, *, device: str, progress: Progress | None
) -> list[Predictions]:
    """The predictions of every epoch's weights in turn; only the last ones keep their features."""
    card = load_card(folder.checkpoint)
    found = []
    for epoch in range(config.epochs):
        method = load_method(card, folder.epoch_weights(epoch), device=device)
        predictions = predict(method, test, alpha=config.alpha)
        found.append(predictions if epoch == config.epochs - 1 else replace(predictions, features=torch.empty(0)))
        if progress:
            progress(epoch + 1, config.epochs)
    return found
