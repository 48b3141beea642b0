"""What the answers of a recogniser are worth: on test clips that come in another layout, by labels that are typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.splitting import Indices, first_of_each
from skeltext.datasets.store import Store
from skeltext.errors import require
from skeltext.evaluation.metrics import accuracy
from skeltext.recognizer.calibration import standard_scores
from skeltext.recognizer.card import Card
from skeltext.recognizer.loading import sentence_encoder
from skeltext.recognizer.model import Floats, Model
from skeltext.recognizer.torch_model import TorchModel
from skeltext.runs.config import TrainingConfig
from skeltext.runs.run import Run
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.variants import Variant, variants
from skeltext.texts.descriptions import class_texts
from skeltext.texts.phrase_bank import describe_label

AS_RECORDED = "as recorded"
DESCRIBED, NAMED, PROPOSED, MAPPED = "description", "name", "proposed text", "typed label, mapped"
MOST_REFERENCE = 512


@dataclass(frozen=True, kw_only=True)
class AsAnswered:
    """Accuracy on the clips of unseen classes after the last epoch, without alignment: shares between 0 and 1.

    ``layouts`` is by the layout that the clips came through, ``by_source`` the same for the clips of every data set
    that a union is made of, with ``clips`` how many those are. ``labels`` is by what stands for a class (its
    description, its name as it is, what the phrase bank proposes for its name, and where the model maps labels, what it
    makes of its name): with raw and with standard scores.
    """

    layouts: dict[str, float]
    by_source: dict[str, dict[str, float]]
    clips: dict[str, int]
    labels: dict[str, tuple[float, float]]


def as_answered(run: Run, layouts: Sequence[str] = (), *, device: str = "cpu") -> AsAnswered:
    """Recognise the test clips of a finished run, as they are and through `layouts`, by texts of several kinds."""
    store, indices, unseen = run.store, run.test_clips, run.split.unseen
    require(
        len(indices),
        f"split {run.split.name} of {run.config.dataset} leaves no clip to test on; give a run of another",
    )
    model = TorchModel(run.folder.checkpoint, device=device)
    truth = np.array([unseen.index(store.classes[store.labels[index]]) for index in indices])
    texts = _texts(run.config, model.card, unseen)
    kinds = [name for name in dict.fromkeys(layouts) if layout_named(name) != store.layout]
    embedded = {
        kind: _embedded(model, store, indices, form)
        for kind, form in zip((AS_RECORDED, *kinds), variants(layouts=tuple(kinds)), strict=True)
    }
    predicted = {kind: model.scores(clips, texts[DESCRIBED]).argmax(axis=1) for kind, clips in embedded.items()}
    sources = np.array([store.source_names[store.sources[index]] for index in indices])
    reference = _embedded(model, store, reference_clips(store, run.training_clips), None)
    return AsAnswered(
        layouts={kind: accuracy(truth, found) for kind, found in predicted.items()},
        by_source={str(name): _of(sources == name, truth, predicted) for name in np.unique(sources)},
        clips={str(name): int((sources == name).sum()) for name in np.unique(sources)},
        labels={
            kind: _raw_and_standard(model, embedded[AS_RECORDED], reference, rows, truth)
            for kind, rows in texts.items()
        },
    )


def reference_clips(store: Store, indices: Indices) -> Indices:
    """Clips that scores are compared with: some 512 of `indices`, the first of every class alike."""
    candidates = np.isin(np.arange(len(store)), indices)
    each = max(1, MOST_REFERENCE // len(np.unique(store.labels[indices])))
    return np.flatnonzero(first_of_each(store.labels, candidates, count=each))[:MOST_REFERENCE]


def _texts(config: TrainingConfig, card: Card, classes: Sequence[str]) -> dict[str, Floats]:
    """(K, D) embeddings of what stands for the classes, by kind, each as if somebody had typed it."""
    names = class_texts(config.dataset, classes, kind="name")
    sentences = {
        DESCRIBED: class_texts(config.dataset, classes, kind=config.texts, source=config.descriptions),
        NAMED: names,
        PROPOSED: [describe_label(name).text for name in names],
    }
    encoder = sentence_encoder(card)
    found = {kind: encoder.encode(texts) for kind, texts in sentences.items()}
    return found | ({MAPPED: encoder.label_map.encode(names)} if encoder.label_map else {})


def _embedded(model: Model, store: Store, indices: Indices, form: Variant | None) -> Floats:
    return model.embed(preprocessed_clips(store, indices.tolist(), model.card.preprocessing, variant=form))


def _of(
    own: npt.NDArray[np.bool_], truth: npt.NDArray[np.int64], predicted: Mapping[str, npt.NDArray[np.int64]]
) -> dict[str, float]:
    return {kind: accuracy(truth[own], found[own]) for kind, found in predicted.items()}


def _raw_and_standard(
    model: Model, clips: Floats, reference: Floats, texts: Floats, truth: npt.NDArray[np.int64]
) -> tuple[float, float]:
    raw = model.scores(clips, texts)
    standard = standard_scores(raw, model.scores(reference, texts))
    return accuracy(truth, raw.argmax(axis=1)), accuracy(truth, standard.argmax(axis=1))
