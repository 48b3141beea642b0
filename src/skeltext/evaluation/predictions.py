"""What the weights of an epoch say about clips of classes that they were not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.adaptation.prototype_alignment import Alignment, align_prototypes, cosine_scores
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.splitting import Indices
from skeltext.datasets.store import Store
from skeltext.errors import require
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
class Scoring:
    """How embedded clips become predictions: what stands for a class, and how that is aligned.

    ``anchors`` are the class texts, or the exemplars of a one-shot protocol (the mean direction of a class's exemplars;
    a class without support then takes its text, as published). ``alpha`` and ``pseudo_labels`` are those of
    :func:`~skeltext.adaptation.prototype_alignment.align_prototypes`, ``temperature`` that of its softmax.
    """

    anchors: Literal["texts", "exemplars"] = "texts"
    alpha: float = 0.9
    pseudo_labels: Literal["argmax", "weighted"] = "argmax"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        require(0 <= self.alpha <= 1, f"alpha is {self.alpha}, expected a share between 0 and 1")
        require(self.temperature > 0, f"temperature is {self.temperature}, expected a positive number")


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """Clips of classes not trained on: ``clips`` (N, C, T, V, M), their truth ``labels`` (N,) into ``texts`` (K, D).

    ``indices`` are their numbers in the ``store`` that they were read from. ``exemplars`` are clips of the same classes
    that a one-shot protocol shows, with the classes ``exemplar_labels``; there may be none.
    """

    clips: Tensor
    labels: Ints
    texts: Tensor
    classes: tuple[str, ...]
    indices: list[int]
    store: Store
    exemplars: Tensor
    exemplar_labels: Ints
    exemplar_indices: list[int]


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A test set under the weights of one epoch.

    ``features`` (N, D) are the clips, ``scores`` (N, K) theirs against the texts, ``anchors`` (K, D) these texts among
    the features, ``exemplars`` (K, D) the mean directions of the exemplars of every class, if there are any.
    """

    features: Tensor
    scores: Tensor
    anchors: Tensor
    exemplars: Tensor | None


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one epoch's weights say about a test set: ``features`` (N, D), and among them the class ``anchors``."""

    plain: Ints
    aligned: Ints
    features: Tensor
    anchors: Tensor
    alignment: Alignment


def load_test_set(
    store: Store,
    indices: Indices,
    classes: tuple[str, ...],
    config: TrainingConfig,
    preprocessing: Preprocessing,
    *,
    exemplars: Indices,
) -> TestSet:
    """Prepare the clips at `indices` and `exemplars`, which show `classes`, and embed the texts of these classes."""
    texts = embed_classes(
        store.name,
        classes,
        kind=config.texts,
        encoder=config.text_encoder,
        all_classes=store.classes,
        source=config.descriptions,
    )
    number = {name: k for k, name in enumerate(classes)}
    labels, shown = (np.array([number[store.classes[store.labels[i]]] for i in part]) for part in (indices, exemplars))
    return TestSet(
        clips=torch.from_numpy(preprocessed_clips(store, indices.tolist(), preprocessing)),
        labels=labels,
        texts=torch.from_numpy(texts),
        classes=classes,
        indices=indices.tolist(),
        store=store,
        exemplars=torch.from_numpy(preprocessed_clips(store, exemplars.tolist(), preprocessing))
        if len(exemplars)
        else torch.empty(0),
        exemplar_labels=shown,
        exemplar_indices=exemplars.tolist(),
    )


def embed_test_set(
    method: Method, card: Card, test: TestSet, *, frozen: bool, precision: Precision = "32-true"
) -> Embedded:
    """The clips of a test set embedded once and scored against its texts.

    With a `frozen` encoder the head alone works, on features that are computed once for all epochs; those are exact
    whatever the precision is, which is that of the head then.
    """

    def embedded(clips: Tensor, indices: list[int]) -> Tensor:
        if not frozen:
            return embed_clips(method, clips, precision=precision)
        features = clip_features(method, card, test.store, indices)
        return encode_clips(method, features, encode=method.embed_features, chunk=len(features), precision=precision)

    features = embedded(test.clips, test.indices)
    shown = embedded(test.exemplars, test.exemplar_indices) if test.exemplar_indices else None
    texts = test.texts.to(next(method.parameters()).device)
    method.prepare(texts)
    with torch.inference_mode():
        scores = method.scores(features.to(texts.device), texts).cpu()
        anchors = method.anchors(texts).cpu()
    exemplars = None if shown is None else mean_directions(shown, test.exemplar_labels, classes=len(test.classes))
    return Embedded(features=features, scores=scores, anchors=anchors, exemplars=exemplars)


def mean_directions(features: Tensor, labels: Ints, *, classes: int) -> Tensor:
    """(K, D) mean of the unit features (N, D) of every class; one exemplar per class stands for itself.

    >>> mean_directions(torch.tensor([[3.0, 0.0], [0.0, 2.0]]), np.array([1, 0]), classes=2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    member = F.one_hot(torch.from_numpy(labels), classes).T.to(features.dtype)  # K N
    return (member @ F.normalize(features, dim=1)) / member.sum(dim=1, keepdim=True)


def predict(embedded: Embedded, scoring: Scoring) -> Predictions:
    """Classify embedded clips by their anchors, and by these anchors once they are aligned with the clips."""
    features, anchors, scores = embedded.features, embedded.anchors, embedded.scores
    if scoring.anchors == "exemplars":
        require(embedded.exemplars is not None, "this split names no exemplars, so nothing can stand for its classes")
        assert embedded.exemplars is not None
        anchors = embedded.exemplars
        scores = cosine_scores(features, anchors)
    alignment = align_prototypes(
        features,
        anchors,
        alpha=scoring.alpha,
        pseudo_labels=scoring.pseudo_labels,
        temperature=scoring.temperature,
        fallback=embedded.anchors,
        first=scores,
    )
    return Predictions(
        plain=alignment.pseudo_labels.numpy(),
        aligned=alignment.labels.numpy(),
        features=features,
        anchors=anchors,
        alignment=alignment,
    )


def predict_epochs(
    folder: RunFolder,
    test: TestSet,
    config: TrainingConfig,
    scorings: Sequence[Scoring],
    *,
    device: str,
    precision: Precision = "32-true",
    progress: Progress | None,
) -> list[list[Predictions]]:
    """For each scoring the predictions of every epoch's weights in turn; clips are embedded once for all scorings.

    Only the predictions of the last epoch keep their features.
    """
    card = load_card(folder.checkpoint)
    found: list[list[Predictions]] = [[] for _ in scorings]
    for epoch in range(config.epochs):
        method = load_method(card, folder.epoch_weights(epoch), device=device)
        embedded = embed_test_set(method, card, test, frozen=config.frozen, precision=precision)
        for scoring, epochs in zip(scorings, found, strict=True):
            predictions = predict(embedded, scoring)
            last = epoch == config.epochs - 1
            epochs.append(predictions if last else replace(predictions, features=torch.empty(0)))
        if progress:
            progress(epoch + 1, config.epochs)
    return found
