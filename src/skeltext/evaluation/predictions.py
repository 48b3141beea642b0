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
from skeltext.recognizer.checkpoint import Card, load_card, load_method
from skeltext.recognizer.embedding import Precision, embed_clips, encode_clips
from skeltext.recognizer.feature_cache import clip_features
from skeltext.skeletons.preprocessing import Preprocessing
from skeltext.texts.embedding import embed_classes
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import RunFolder

Ints = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]  # (epochs done, epochs in all)


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Clips of classes not trained on: ``clips`` (N, C, T, V, M), their truth ``labels`` (N,) into ``texts`` (K, D).

    ``indices`` are their numbers in the ``store`` that they were read from, if there is one.
    """

    clips: Tensor
    labels: Ints
    texts: Tensor
    classes: tuple[str, ...]
    indices: list[int]
    store: Store | None = None


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one epoch's weights say about a test set: ``features`` (N, D), and among them the class ``texts`` (K, D)."""

    plain: Ints
    aligned: Ints
    features: Tensor
    texts: Tensor
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
        store=store,
    )


def embedded_clips(
    method: Method, card: Card, test: TestSet, *, frozen: bool, precision: Precision = "32-true"
) -> Tensor:
    """The clips embedded, (N, D); with a `frozen` encoder the head alone works, on features that are computed once.

    Those features are exact whatever the precision is, which is that of the head then.
    """
    if not frozen or test.store is None:
        return embed_clips(method, test.clips, precision=precision)
    features = clip_features(method, card, test.store, test.indices)
    return encode_clips(method, features, encode=method.embed_features, chunk=len(features), precision=precision)


def predict(method: Method, test: TestSet, *, alpha: float, features: Tensor | None = None) -> Predictions:
    """Embed the clips once, unless they are given embedded, and classify them by texts and by aligned prototypes."""
    features = embed_clips(method, test.clips) if features is None else features
    texts = test.texts.to(next(method.parameters()).device)
    method.prepare(texts)
    with torch.inference_mode():
        scores = method.scores(features.to(texts.device), texts).cpu()
        anchors = method.anchors(texts).cpu()
    alignment = align_prototypes(features, anchors, alpha=alpha, first=scores)
    return Predictions(
        plain=alignment.pseudo_labels.numpy(),
        aligned=alignment.labels.numpy(),
        features=features,
        texts=anchors,
        alignment=alignment,
    )


def predict_epochs(
    folder: RunFolder,
    test: TestSet,
    config: TrainingConfig,
    *,
    device: str,
    precision: Precision = "32-true",
    progress: Progress | None,
) -> list[Predictions]:
    """The predictions of every epoch's weights in turn; only the last ones keep their features."""
    card = load_card(folder.checkpoint)
    found = []
    for epoch in range(config.epochs):
        method = load_method(card, folder.epoch_weights(epoch), device=device)
        features = embedded_clips(method, card, test, frozen=config.pretrained is not None, precision=precision)
        predictions = predict(method, test, alpha=config.alpha, features=features)
        found.append(predictions if epoch == config.epochs - 1 else replace(predictions, features=torch.empty(0)))
        if progress:
            progress(epoch + 1, config.epochs)
    return found
