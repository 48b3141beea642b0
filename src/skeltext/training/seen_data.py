"""What a training may learn from: clips of seen classes with the texts of these classes, and no other clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.splitting import Indices
from skeltext.datasets.store import Ints
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import method_named
from skeltext.progress import Report
from skeltext.recognizer.card import Card
from skeltext.recognizer.feature_cache import clip_features
from skeltext.recognizer.text_space import packed_state
from skeltext.runs.run import Run
from skeltext.skeletons.clip import Floats
from skeltext.skeletons.variants import Variant, variants
from skeltext.texts.encoder import Embeddings
from skeltext.training.loop import TrainingData

Preparing = Callable[[int], Report]
"""Called before so many clips are prepared; the function it returns hears how many are."""


@dataclass(frozen=True, kw_only=True)
class SeenData:
    """The clips that the parts of a run learn from: ``indices`` (N,) in its store, prepared once for all parts.

    A clip that is shown in several forms is in it once for each. ``arrays`` (N, C, T, V, M) are the prepared clips;
    there are none where features of a frozen encoder take their place.
    """

    indices: Indices
    arrays: Floats | None


def seen_data(run: Run, *, preparing: Preparing) -> SeenData:
    """The training clips of the seen classes, prepared if an encoder is to learn from them; no other clip is read."""
    store, preprocessing, indices = run.store, run.preprocessing, run.training_clips
    forms = variants(layouts=run.config.through, views=run.config.views)
    if run.frozen:
        return SeenData(indices=np.tile(indices, len(forms)), arrays=None)

    def prepared(form: Variant) -> Floats:
        progress = _counted(preparing(len(indices)))
        return preprocessed_clips(store, indices.tolist(), preprocessing, variant=form, progress=progress)

    arrays = [prepared(form) for form in forms]
    return SeenData(
        indices=np.tile(indices, len(forms)), arrays=np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    )


def card_and_texts(part: Run) -> tuple[Card, Embeddings]:
    """What the model of a part says about itself, and the embeddings (K, D) of the classes that it learns."""
    config, preprocessing, classes = part.config, part.preprocessing, part.split.seen
    space = part.fitted_text_space()
    texts, names = part.embedded_classes(classes, space=space), part.fitted_label_map(space)
    card = Card(
        model=ModelConfig(
            method=config.method,
            encoder=config.encoder,
            layout=preprocessing.layout.name,
            text_width=texts.shape[-1],
            classes=len(classes),
            method_options=config.method_options,
            encoder_options=config.encoder_options,
        ),
        preprocessing=preprocessing,
        text_encoder=config.text_encoder,
        texts=config.texts,
        dataset=part.dataset.name,
        labels=dict(zip(classes, part.class_texts(classes), strict=True)),
        text_space=config.text_space,
        text_space_options=config.text_space_options,
        text_kinds=method_named(config.method).text_kinds,
        authors=config.authors,
        text_space_state=packed_state(space),
        label_map=packed_state(names) if names else b"",
    )
    return card, texts


def training_data(
    method: Method, card: Card, texts: Embeddings, part: Run, seen: SeenData, *, preparing: Preparing
) -> TrainingData:
    """The clips that a part of a run learns from, or what the frozen encoder of `method` makes of them."""
    member = np.isin(seen.indices, part.training_clips)
    indices = seen.indices[member]
    names = np.array(part.store.classes)[part.store.labels[indices]]
    numbers = [part.split.seen.index(name) for name in names]
    clips = features = None
    if seen.arrays is None:
        config, progress = part.config, _counted(preparing(len(indices)))
        forms = len(variants(layouts=config.through, views=config.views))
        features = clip_features(
            method,
            card,
            part.store,
            indices[: len(indices) // forms].tolist(),  # all forms are of the same clips
            training=True,
            through=config.through,
            views=config.views,
            progress=progress,
        )
    else:
        clips = torch.from_numpy(seen.arrays if member.all() else seen.arrays[member])
    groups = None
    if part.config.balance == "class-and-source":
        groups = torch.from_numpy(pairs_of(part.store.labels[indices], part.store.sources[indices]))
    return TrainingData(
        labels=torch.tensor(numbers), texts=torch.from_numpy(texts), clips=clips, features=features, groups=groups
    )


def pairs_of(labels: Ints, sources: Ints) -> Indices:
    """(N,) a number for every pair of a label (N,) and a source (N,) that occurs, from 0.

    >>> pairs_of(np.array([5, 5, 2, 5]), np.array([1, 0, 0, 1])).tolist()
    [2, 1, 0, 2]
    """
    _, numbers = np.unique(np.stack([labels, sources]), axis=1, return_inverse=True)
    return np.asarray(numbers, np.int64).reshape(-1)


def _counted(report: Report) -> Callable[[int], None]:
    """A report without figures."""
    return lambda count: report(count, {})
