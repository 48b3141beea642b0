"""A run: the data of one class split, a fresh model, the loop, and the second run that holds seen classes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from lightning_fabric import Fabric

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.dataset import ClassSplit, Dataset
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import hold_out, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.errors import SkeltextError
from skeltext.methods.building import ModelConfig, build_method
from skeltext.progress import Report
from skeltext.recognizer.checkpoint import Card, save_card
from skeltext.skeletons.clip import Floats
from skeltext.skeletons.preprocessing import Preprocessing, preprocessing_named
from skeltext.texts.descriptions import class_texts
from skeltext.texts.embedding import embed_classes
from skeltext.training.config import TrainingConfig
from skeltext.training.folder import CONFIG, RunFolder
from skeltext.training.loop import TrainingData, train
from skeltext.training.memory import keep_freed_memory


class Watcher(Protocol):
    """Whoever wants to see a run progress; :mod:`skeltext.progress` draws bars."""

    def preparing(self, total: int) -> Report:
        """Called before `total` clips are prepared; the function it returns hears how many are."""
        ...

    def training(self, title: str, total: int) -> Report:
        """Called before a training that will see `total` clips in all."""
        ...


@dataclass(frozen=True, kw_only=True)
class SeenData:
    """The view of a data set that training is given: clips of seen classes only, and which class each one shows."""

    arrays: Floats
    class_names: list[str]
    refused: dict[str, str]


def default_store(config: TrainingConfig) -> Path:
    """The folder of the prepared data set: the configured one, else ``prepared/<data set>``."""
    return config.store or Path("prepared") / config.dataset


def open_dataset(config: TrainingConfig) -> tuple[Dataset, ClassSplit, Store, Preprocessing]:
    """The data set, class split, store (in the split's view) and preprocessing that a configuration names."""
    dataset = dataset_named(config.dataset)
    split = dataset.split(config.split)
    folder = default_store(config)
    if not folder.exists():
        raw = "" if dataset.name == "builtin" else " --raw FOLDER"
        raise SkeltextError(f"{folder} does not exist; `skeltext prepare {dataset.name}{raw} --out {folder}` makes it")
    store = open_store(folder)
    if store.name != dataset.name:
        raise SkeltextError(
            f"{folder} holds {store.name}, not {dataset.name}; give the store of the data set with --store"
        )
    preprocessing = preprocessing_named(config.preprocessing, layout=dataset.layout.name, bodies=dataset.bodies)
    return dataset, split, store.view(split.view), preprocessing


def seen_data(config: TrainingConfig, *, watcher: Watcher) -> tuple[SeenData, Preprocessing]:
    """Prepare the training clips of the seen classes; no other clip is read."""
    _, split, store, preprocessing = open_dataset(config)
    indices = split_clips(store, split).train.tolist()
    report = watcher.preparing(len(indices))
    arrays, kept, refused = preprocessed_clips(store, indices, preprocessing, progress=lambda count: report(count, {}))
    names = [store.classes[store.labels[index]] for index in kept]
    return SeenData(arrays=arrays, class_names=names, refused=refused), preprocessing


def train_run(config: TrainingConfig, folder: RunFolder, *, watcher: Watcher) -> None:
    """Train the run in `folder` to its end, and beside it the run that holds seen classes out.

    Called again with the same settings it goes on where it was interrupted, or returns at once if it is complete;
    with other settings it raises :class:`SkeltextError`, so that no folder mixes two runs.
    """
    keep_freed_memory()
    _claim(folder, config)
    split = dataset_named(config.dataset).split(config.split)
    seen, preprocessing = seen_data(config, watcher=watcher)
    with _threads(config.threads):
        _train_on(split.seen, seen, preprocessing, config, folder, watcher=watcher, title=folder.path.name)
        if config.pseudo_unseen:
            held = hold_out(split, fraction=config.pseudo_unseen)
            title = f"{folder.path.name}, {len(held.unseen)} classes held out"
            _train_on(held.seen, seen, preprocessing, config, folder.held_out, watcher=watcher, title=title)


def _claim(folder: RunFolder, config: TrainingConfig) -> None:
    path = folder.path / CONFIG
    if path.exists():
        if TrainingConfig.from_yaml(path) != config:
            raise SkeltextError(f"{folder.path} holds a run with other settings; choose another --out or remove it")
        return
    folder.path.mkdir(parents=True, exist_ok=True)
    config.to_yaml(path)


def _train_on(
    classes: tuple[str, ...],
    seen: SeenData,
    preprocessing: Preprocessing,
    config: TrainingConfig,
    folder: RunFolder,
    *,
    watcher: Watcher,
    title: str,
) -> None:
    """Train on the seen clips of `classes` alone."""
    dataset = dataset_named(config.dataset)
    rows = dataset.views[dataset.split(config.split).view].classes
    texts = embed_classes(dataset.name, classes, kind=config.texts, encoder=config.text_encoder, all_classes=rows)
    model = ModelConfig(
        method=config.method,
        encoder=config.encoder,
        layout=preprocessing.layout.name,
        text_width=texts.shape[1],
        method_options=config.method_options,
        encoder_options=config.encoder_options,
    )
    labels = dict(zip(classes, _label_texts(config, classes), strict=True))
    card = Card(
        model=model,
        preprocessing=preprocessing,
        text_encoder=config.text_encoder,
        texts=config.texts,
        dataset=dataset.name,
        labels=labels,
    )
    save_card(folder.checkpoint, card)
    fabric = Fabric(accelerator=config.device, devices=1, precision=config.precision)
    fabric.seed_everything(config.seed, verbose=False)
    method = build_method(model)
    member = np.isin(seen.class_names, classes)
    numbers = [classes.index(name) for name in np.asarray(seen.class_names)[member]]
    data = TrainingData(
        clips=torch.from_numpy(seen.arrays if member.all() else seen.arrays[member]),
        labels=torch.tensor(numbers),
        texts=torch.from_numpy(texts),
    )
    per_epoch = len(numbers) // min(config.batch_size, len(numbers)) * min(config.batch_size, len(numbers))
    train(method, data, config, folder, fabric=fabric, report=watcher.training(title, config.epochs * per_epoch))


def _label_texts(config: TrainingConfig, classes: tuple[str, ...]) -> list[str]:
    """The sentences behind the embeddings; a table of embeddings has none but the names."""
    if config.text_encoder.endswith(".npy"):
        return list(classes)
    return class_texts(config.dataset, classes, kind=config.texts)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Use `count` threads inside the block."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
