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
from skeltext.formats.writing import made_folder
from skeltext.methods.building import ModelConfig, build_method
from skeltext.progress import Report
from skeltext.recognizer.checkpoint import Card, save_card
from skeltext.recognizer.device import device_named
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
    arrays = preprocessed_clips(store, indices, preprocessing, progress=lambda count: report(count, {}))
    names = [store.classes[store.labels[index]] for index in indices]
    return SeenData(arrays=arrays, class_names=names), preprocessing


def train_run(config: TrainingConfig, folder: RunFolder, *, watcher: Watcher) -> None:
    """Train the run in `folder` to its end, and beside it the run that holds seen classes out.

    Called again with the same settings it goes on where it was interrupted, or returns at once if it is complete;
    with other settings it raises :class:`SkeltextError`, so that no folder mixes two runs. Settings that cannot be
    trained with leave nothing behind.
    """
    keep_freed_memory()
    claimed = _is_claimed(folder, config)
    split = dataset_named(config.dataset).split(config.split)
    trainings = {folder: split}
    if config.pseudo_unseen:
        trainings[folder.held_out] = hold_out(split, fraction=config.pseudo_unseen)
    if claimed and all(run.epochs_done() == config.epochs for run in trainings):
        return
    folder.clear_leftovers()
    fabric = _fabric(config)
    seen, preprocessing = seen_data(config, watcher=watcher)
    with _threads(config.threads):
        for run, part in trainings.items():
            card, data = _card_and_data(part.seen, seen, preprocessing, config)
            fabric.seed_everything(config.seed, verbose=False)
            method = build_method(card.model)
            made_folder(folder.path)
            config.to_yaml(folder.path / CONFIG)
            save_card(run.checkpoint, card)
            title = folder.path.name + (f", {len(part.unseen)} classes held out" if run != folder else "")
            report = watcher.training(title, config.epochs * _clips_per_epoch(config, len(data.labels)))
            train(method, data, config, run, fabric=fabric, report=report)


def _is_claimed(folder: RunFolder, config: TrainingConfig) -> bool:
    """Whether the folder holds this run; :class:`SkeltextError` if it holds another."""
    path = folder.path / CONFIG
    if not path.exists():
        return False
    if TrainingConfig.from_yaml(path) != config:
        raise SkeltextError(f"{folder.path} holds a run with other settings; choose another --out or remove it")
    return True


def _fabric(config: TrainingConfig) -> Fabric:
    device_named(config.device)
    try:
        return Fabric(accelerator=config.device, devices=1, precision=config.precision)
    except (ValueError, RuntimeError) as error:
        raise SkeltextError(
            f"device {config.device} with precision {config.precision} cannot train here ({error}); use --device auto"
        ) from error


def _card_and_data(
    classes: tuple[str, ...], seen: SeenData, preprocessing: Preprocessing, config: TrainingConfig
) -> tuple[Card, TrainingData]:
    """The seen clips of `classes` alone with their texts, and what a model that learns from them says about itself."""
    dataset = dataset_named(config.dataset)
    rows = dataset.views[dataset.split(config.split).view].classes
    texts = embed_classes(dataset.name, classes, kind=config.texts, encoder=config.text_encoder, all_classes=rows)
    card = Card(
        model=ModelConfig(
            method=config.method,
            encoder=config.encoder,
            layout=preprocessing.layout.name,
            text_width=texts.shape[1],
            method_options=config.method_options,
            encoder_options=config.encoder_options,
        ),
        preprocessing=preprocessing,
        text_encoder=config.text_encoder,
        texts=config.texts,
        dataset=dataset.name,
        labels=dict(zip(classes, _label_texts(config, classes), strict=True)),
    )
    member = np.isin(seen.class_names, classes)
    numbers = [classes.index(name) for name in np.asarray(seen.class_names)[member]]
    data = TrainingData(
        clips=torch.from_numpy(seen.arrays if member.all() else seen.arrays[member]),
        labels=torch.tensor(numbers),
        texts=torch.from_numpy(texts),
    )
    return card, data


def _clips_per_epoch(config: TrainingConfig, clips: int) -> int:
    """How many of the clips fill whole batches."""
    size = min(config.batch_size, clips)
    return clips // size * size


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
