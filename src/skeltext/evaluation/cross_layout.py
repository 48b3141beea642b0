"""How much a model loses on the same clips when they come in another skeleton layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.splitting import split_clips
from skeltext.errors import require
from skeltext.evaluation.metrics import accuracy
from skeltext.recognizer.torch_model import TorchModel
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.variants import variants
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import CONFIG, RunFolder
from skeltext.training.seen_data import embedded_classes, open_dataset

OWN = "as recorded"


@dataclass(frozen=True, kw_only=True)
class CrossLayout:
    """Accuracy on the test clips of a run, without alignment, as recorded and through other layouts.

    ``accuracy`` is by layout; ``by_source`` the same for the clips of every data set that a union is made of, with
    ``clips`` how many those are.
    """

    accuracy: dict[str, float]
    by_source: dict[str, dict[str, float]]
    clips: dict[str, int]


def cross_layout(folder: RunFolder, layouts: Sequence[str], *, device: str = "cpu") -> CrossLayout:
    """Recognise the test clips of a finished run after its last epoch, as they are and through each of `layouts`."""
    config = TrainingConfig.from_yaml(folder.path / CONFIG)
    _, split, store, _ = open_dataset(config)
    indices = split_clips(store, split).test
    require(len(indices), f"split {split.name} of {config.dataset} leaves no clip to test on; give a run of another")
    model = TorchModel(folder.checkpoint, device=device)
    texts = embedded_classes(config, config.dataset, split.unseen, all_classes=store.classes)
    labels = np.array([split.unseen.index(store.classes[store.labels[index]]) for index in indices])
    sources = np.array([store.source_names[store.sources[index]] for index in indices])
    kinds = [name for name in dict.fromkeys(layouts) if layout_named(name) != store.layout]
    found = CrossLayout(
        accuracy={}, by_source={}, clips={str(name): int((sources == name).sum()) for name in np.unique(sources)}
    )
    for kind, form in zip((OWN, *kinds), variants(layouts=tuple(kinds)), strict=True):
        arrays = preprocessed_clips(store, indices.tolist(), model.card.preprocessing, variant=form)
        predicted = model.scores(model.embed(arrays), texts).argmax(axis=1)
        found.accuracy[kind] = accuracy(labels, predicted)
        for name in found.clips:
            own = sources == name
            found.by_source.setdefault(name, {})[kind] = accuracy(labels[own], predicted[own])
    return found
