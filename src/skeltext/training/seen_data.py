"""What a training may learn from: clips of seen classes with the texts of these classes, and no other clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.dataset import ClassSplit, Dataset
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import Indices, chosen, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.errors import SkeltextError
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import method_named
from skeltext.progress import Report
from skeltext.recognizer.card import Card
from skeltext.recognizer.feature_cache import clip_features
from skeltext.runs.config import TrainingConfig
from skeltext.skeletons.clip import Floats
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.preprocessing import Preprocessing, preprocessing_named
from skeltext.skeletons.variants import Variant, variants
from skeltext.texts.descriptions import class_texts
from skeltext.texts.embedding import embed_classes
from skeltext.texts.encoder import Embeddings
from skeltext.training.loop import TrainingData

RELEASED = "released"  # how arrays were read that their authors had prepared, and the recipe that leaves them alone
Preparing = Callable[[int], Report]
"""Called before so many clips are prepared; the function it returns hears how many are."""


@dataclass(frozen=True, kw_only=True)
class SeenData:
    """The view of a data set that training is given: clips of seen classes only, and which class each one shows.

    ``indices`` (N,) number them in ``store``, where a clip that is shown in several forms stands once for each.
    ``arrays`` (N, C, T, V, M) are the prepared clips; there are none where the features of a frozen encoder stand for
    them. ``calibration`` are the numbers of those clips that only a training of all these classes is shown, see
    :func:`calibration_clips`.
    """

    store: Store
    indices: Indices
    class_names: list[str]
    arrays: Floats | None
    calibration: Indices


def default_store(config: TrainingConfig) -> Path:
    """The folder of the prepared data set: the configured one, else ``prepared/<data set>``."""
    return config.store or Path("prepared") / config.dataset


def class_split(config: TrainingConfig) -> ClassSplit:
    """The class split that a configuration names, with its protocol, without the seen classes that it leaves out."""
    split = dataset_named(config.dataset).split(config.split)
    unknown = sorted(set(config.without) - set(split.seen))
    if unknown:
        raise SkeltextError(
            f"{unknown[0]!r} is to be left out, but is no seen class of split {split.name}; those are"
            f" {', '.join(split.seen)}"
        )
    seen = tuple(name for name in split.seen if name not in config.without)
    return replace(split, seen=seen, protocol=config.protocol or split.protocol)


def open_dataset(config: TrainingConfig) -> tuple[Dataset, ClassSplit, Store, Preprocessing]:
    """The data set, class split, store (in the split's view) and preprocessing that a configuration names."""
    dataset, split = dataset_named(config.dataset), class_split(config)
    folder = default_store(config)
    if not folder.exists():
        raw = "" if dataset.name == "builtin" else " --raw FOLDER"
        raise SkeltextError(f"{folder} does not exist; `skeltext prepare {dataset.name}{raw} --out {folder}` makes it")
    store = open_store(folder)
    if store.name != dataset.name:
        raise SkeltextError(
            f"{folder} holds {store.name}, not {dataset.name}; give the store of the data set with --store"
        )
    if store.reading == RELEASED and config.preprocessing != RELEASED:
        raise SkeltextError(
            f"{folder} holds released arrays, which are prepared already; use --preprocessing {RELEASED}"
        )
    layout = layout_named(config.layout) if config.layout else dataset.layout
    if bool(config.views) != (layout.C < dataset.layout.C) or (config.views and config.through):
        raise SkeltextError(
            f"clips of {dataset.layout.C} coordinates are to become {layout.name} with {layout.C} by {config.views}"
            f" views and through {len(config.through)} layouts; a flat layout needs --views of at least one and no"
            " --through, others no --views"
        )
    preprocessing = preprocessing_named(config.preprocessing, layout=layout.name, bodies=dataset.bodies)
    return dataset, split, store.view(split.view), preprocessing


def seen_data(config: TrainingConfig, *, preparing: Preparing) -> tuple[SeenData, Preprocessing]:
    """The training clips of the seen classes, prepared if an encoder is to learn from them; no other clip is read."""
    _, split, store, preprocessing = open_dataset(config)
    indices, arrays = training_clips(store, split, config), None
    if not config.frozen:
        forms = variants(layouts=config.through, views=config.views)
        prepared = [_prepared(store, indices, preprocessing, form, preparing) for form in forms]
        arrays = np.concatenate(prepared) if len(prepared) > 1 else prepared[0]
        indices = np.tile(indices, len(forms))
    names = [store.classes[store.labels[index]] for index in indices]
    kept = calibration_clips(store, indices, share=config.calibration)
    return SeenData(store=store, indices=indices, class_names=names, arrays=arrays, calibration=kept), preprocessing


def _prepared(
    store: Store, indices: Indices, preprocessing: Preprocessing, form: Variant, preparing: Preparing
) -> Floats:
    progress = _counted(preparing(len(indices)))
    return preprocessed_clips(store, indices.tolist(), preprocessing, variant=form, progress=progress)


def training_clips(store: Store, split: ClassSplit, config: TrainingConfig) -> Indices:
    """The numbers of the clips that a training may see, the first ``clips_per_class`` of every class if it says so."""
    indices = split_clips(store, split).train
    if config.clips_per_class is None:
        return indices
    labels = store.labels[indices]
    first = [indices[labels == label][: config.clips_per_class] for label in np.unique(labels)]
    return np.sort(np.concatenate(first))


def calibration_clips(store: Store, indices: Indices, *, share: float) -> Indices:
    """Those of the training clips `indices` that the second run is not shown, in ascending order.

    They are a `share` of the clips of every class, at least one of a class that has two and never all; which ones
    follows from their ids alone, so that a first stage and what is built on it leave out the same. With a share of 0
    there are none.
    """
    if not share:
        return indices[:0]
    labels, kept = store.labels[indices], []
    for label in np.unique(labels):
        number_of = {store.ids[index]: index for index in indices[labels == label]}
        count = min(max(1, round(share * len(number_of))), len(number_of) - 1)
        kept += [number_of[name] for name in chosen(number_of, count=count, seed=0)]
    return np.sort(np.array(kept, np.int64))


def card_and_texts(
    classes: tuple[str, ...], preprocessing: Preprocessing, config: TrainingConfig
) -> tuple[Card, Embeddings]:
    """What a model that learns `classes` says about itself, and the embeddings (K, D) of these classes."""
    dataset = dataset_named(config.dataset)
    rows = dataset.views[dataset.split(config.split).view].classes
    texts = embedded_classes(config, dataset.name, classes, all_classes=rows)
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
        dataset=dataset.name,
        labels=dict(zip(classes, _label_texts(config, classes), strict=True)),
    )
    return card, texts


def embedded_classes(
    config: TrainingConfig, dataset: str, classes: Sequence[str], *, all_classes: Sequence[str]
) -> Embeddings:
    """The texts of classes as the method of a run reads them: (K, D), or (K, P, D) where it reads P kinds.

    `all_classes` are what the rows of a table of embeddings stand for.
    """
    return embed_classes(
        dataset,
        classes,
        kind=method_named(config.method).text_kinds or config.texts,
        encoder=config.text_encoder,
        all_classes=all_classes,
        source=config.descriptions,
    )


def training_data(
    method: Method, card: Card, texts: Embeddings, seen: SeenData, *, preparing: Preparing
) -> TrainingData:
    """The seen clips of the classes of a card alone, or what the frozen encoder of `method` makes of them.

    A card with fewer classes is that of the second run, from which the clips for calibration are kept.
    """
    classes = list(card.labels)
    member = np.isin(seen.class_names, classes)
    if not member.all():
        member &= ~np.isin(seen.indices, seen.calibration)
    numbers = [classes.index(name) for name in np.asarray(seen.class_names)[member]]
    clips = features = None
    if seen.arrays is None:
        indices = seen.indices[member].tolist()
        progress = _counted(preparing(len(indices)))
        features = clip_features(method, card, seen.store, indices, training=True, progress=progress)
    else:
        clips = torch.from_numpy(seen.arrays if member.all() else seen.arrays[member])
    return TrainingData(labels=torch.tensor(numbers), texts=torch.from_numpy(texts), clips=clips, features=features)


def _counted(report: Report) -> Callable[[int], None]:
    """A report without figures."""
    return lambda count: report(count, {})


def _label_texts(config: TrainingConfig, classes: tuple[str, ...]) -> list[str]:
    """The sentences behind the embeddings; a table of embeddings has none but the names."""
    if config.text_encoder.endswith(".npy"):
        return list(classes)
    return class_texts(config.dataset, classes, kind=config.texts, source=config.descriptions)
