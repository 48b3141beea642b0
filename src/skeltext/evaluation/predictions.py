"""What the weights of an epoch say about clips of classes that they were not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skeltext.adaptation.step import TestTimeStep, Unlabeled
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.splitting import Indices
from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError
from skeltext.evaluation.within_source import within_sources
from skeltext.methods.method import Method, mean_directions
from skeltext.recognizer.card import Card, load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import Precision, embed_clips, encode_clips
from skeltext.recognizer.feature_cache import clip_features
from skeltext.runs.run import Run
from skeltext.skeletons.preprocessing import Preprocessing

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Anchors = Literal["texts", "exemplars"]
Progress = Callable[[int, int], None]  # (epochs done, epochs in all)


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

    @property
    def sources(self) -> Ints:
        """(N,) the number of the data set that each clip stems from."""
        return np.asarray(self.store.sources[self.indices], np.int64)


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A test set under the weights of one epoch.

    ``features`` (N, D) are the clips, ``scores`` (N, K) theirs against the texts, ``anchors`` (K, D) these texts among
    the features. ``exemplar_scores`` (N, K) and ``exemplars`` (K, D), the mean directions of the exemplars of every
    class, are the same for exemplars. What a method or a split does not have is None.
    """

    features: Tensor
    scores: Tensor | None
    anchors: Tensor | None
    exemplars: Tensor | None
    exemplar_scores: Tensor | None


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What one epoch's weights say about a test set, by the label of the test-time step.

    ``labels`` (N,) are the predicted classes and ``moved`` (K, D) the anchors of the steps that moved them; a step that
    does not apply is in neither. ``features`` (N, D) are the clips and ``anchors`` (K, D) those before any step; there
    are none where texts are not points among the features. ``within`` (N,) are the predictions among the classes of the
    source of a clip alone (:func:`.within_source.within_sources`).
    """

    labels: dict[str, Ints]
    moved: dict[str, Floats]
    features: Floats
    anchors: Floats | None
    within: dict[str, Ints]


def load_test_set(
    data: Run,
    *,
    prepare: Preprocessing,
    clips: Indices | None = None,
    classes: Sequence[str] | None = None,
) -> TestSet:
    """The test clips of `data` and its exemplars, prepared, with the texts of its unseen classes embedded.

    With `clips` these are the ones instead, without exemplars, and `classes` are those that they show.
    """
    store, exemplars = data.store, data.exemplar_clips
    if clips is None:
        clips, classes = data.test_clips, data.split.unseen
    else:
        assert classes is not None
        exemplars = clips[:0]
    number = {name: k for k, name in enumerate(classes)}
    labels, shown = (np.array([number[store.classes[store.labels[i]]] for i in part]) for part in (clips, exemplars))
    return TestSet(
        clips=torch.from_numpy(preprocessed_clips(store, clips.tolist(), prepare)),
        labels=labels,
        texts=torch.from_numpy(data.embedded_classes(classes)),
        classes=tuple(classes),
        indices=clips.tolist(),
        store=store,
        exemplars=torch.from_numpy(preprocessed_clips(store, exemplars.tolist(), prepare))
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
    texts = test.texts.to(method.device)
    scores = anchors = exemplars = exemplar_scores = None
    here = features.to(texts.device)
    if method.route == "zero-shot":
        method.prepare(texts)
        with torch.inference_mode():
            scores, anchors = method.scores(here, texts).cpu(), method.anchors(texts)
    if shown is not None:
        labels, k = torch.from_numpy(test.exemplar_labels), len(test.classes)
        with torch.inference_mode():
            exemplar_scores = method.support_scores(here, shown.to(texts.device), labels.to(texts.device), classes=k)
        if features.ndim == 2:
            exemplars = mean_directions(shown, labels, classes=k)
    return Embedded(
        features=features,
        scores=scores,
        anchors=None if anchors is None else anchors.cpu(),
        exemplars=exemplars,
        exemplar_scores=None if exemplar_scores is None else exemplar_scores.cpu(),
    )


def predict(
    embedded: Embedded, steps: Mapping[str, TestTimeStep], *, by: Anchors, test: TestSet | None = None
) -> Predictions:
    """Classify embedded clips by every step, against texts or exemplars; with their `test` set also within sources.

    Raises :class:`SkeltextError` for a split without exemplars where they are needed.
    """
    clips = unlabeled(embedded, by=by)
    adapted = {label: step.fit(clips) for label, step in steps.items() if step.applies(clips)}
    return Predictions(
        labels={label: found.labels for label, found in adapted.items()},
        moved={label: found.anchors for label, found in adapted.items() if found.anchors is not None},
        features=clips.features,
        anchors=clips.anchors if clips.features.ndim == 2 else None,
        within={} if test is None else within_sources(clips, labels=test.labels, sources=test.sources, steps=steps),
    )


def unlabeled(embedded: Embedded, *, by: Anchors) -> Unlabeled:
    """Embedded clips as a test-time step sees them, with the texts or the exemplars of the candidate classes.

    One-shot methods know exemplars alone; a class without one then takes its text where it has one, as published.
    """
    anchors, scores = embedded.anchors, embedded.scores
    if by == "exemplars" or scores is None:
        anchors, scores = embedded.exemplars, embedded.exemplar_scores
    if scores is None:
        raise SkeltextError(
            "this split names no exemplars, so nothing can stand for its classes; choose a one-shot split"
        )
    return Unlabeled(
        features=embedded.features.numpy(),
        scores=scores.numpy(),
        anchors=_array(anchors),
        fallback=_array(anchors if embedded.anchors is None else embedded.anchors),
    )


def predict_epochs(
    run: Run,
    test: TestSet,
    *,
    steps: Mapping[str, TestTimeStep],
    by: Anchors,
    device: str,
    precision: Precision = "32-true",
    progress: Progress | None,
) -> list[Predictions]:
    """The predictions of every epoch's weights in turn; only those of the last epoch keep features and anchors."""
    card, epochs = load_card(run.folder.checkpoint), run.config.epochs
    found: list[Predictions] = []
    for epoch in range(epochs):
        method = load_method(card, *run.folder.weights_after(epoch), device=device)
        embedded = embed_test_set(method, card, test, frozen=run.frozen, precision=precision)
        last = epoch == epochs - 1
        predictions = predict(embedded, steps, by=by, test=test if last else None)
        found.append(predictions if last else replace(predictions, features=np.empty((0, 0), np.float32), moved={}))
        if progress:
            progress(epoch + 1, epochs)
    return found


def _array(rows: Tensor | None) -> Floats | None:
    return None if rows is None else rows.numpy()
