"""A run: the data of one class split, a fresh model, the loop, and the second run that holds seen classes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import torch
from lightning_fabric import Fabric

from skeltext.datasets.splitting import hold_out
from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import made_folder
from skeltext.machine import keep_freed_memory
from skeltext.methods.building import build_method
from skeltext.progress import Report
from skeltext.recognizer.card import save_card
from skeltext.recognizer.device import device_named
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder
from skeltext.runs.pretrained import pretrained_encoders, with_encoder_of
from skeltext.training.batches import able_classes, clips_per_epoch
from skeltext.training.loop import train
from skeltext.training.seen_data import card_and_texts, class_split, seen_data, training_data


class Watcher(Protocol):
    """Whoever wants to see a run progress; :mod:`skeltext.progress` draws bars."""

    def preparing(self, total: int) -> Report:
        """Called before `total` clips are prepared; the function it returns hears how many are."""
        ...

    def training(self, title: str, total: int) -> Report:
        """Called before a training that will see `total` clips in all."""
        ...


def train_run(config: TrainingConfig, folder: RunFolder, *, watcher: Watcher) -> None:
    """Train the run in `folder` to its end, and beside it the run that holds seen classes out.

    Called again with the same settings it goes on where it was interrupted, or returns at once if it is complete;
    with other settings it raises :class:`SkeltextError`, so that no folder mixes two runs. Settings that cannot be
    trained with leave nothing behind.
    """
    keep_freed_memory()
    claimed = _is_claimed(folder, config)
    split = class_split(config)
    trainings = {folder: split}
    if config.pseudo_unseen:
        trainings[folder.held_out] = hold_out(split, fraction=config.pseudo_unseen)
    if claimed and all(run.epochs_done() == config.epochs for run in trainings):
        return
    folder.clear_leftovers()
    encoders = pretrained_encoders(config, trainings)
    if encoders:
        config = with_encoder_of(config, encoders[folder].card)
    fabric = _fabric(config)
    seen, preprocessing = seen_data(config, preparing=watcher.preparing)
    with _threads(config.threads):
        for run, part in trainings.items():
            card, texts = card_and_texts(part.seen, preprocessing, config)
            fabric.seed_everything(config.seed, verbose=False)
            method = build_method(card.model)
            if run in encoders:
                encoders[run].put_into(method, frozen=config.frozen)
            data = training_data(method.to(fabric.device), card, texts, seen, preparing=watcher.preparing)
            able_classes(data.labels.cpu(), ways=config.ways, clips=config.shots + config.queries)
            made_folder(folder.path)
            config.to_yaml(folder.path / CONFIG)
            save_card(run.checkpoint, card)
            title = folder.path.name + (f", {len(part.unseen)} classes held out" if run != folder else "")
            report = watcher.training(title, config.epochs * clips_per_epoch(config, len(data.labels)))
            train(method, data, config, run, fabric=fabric, report=report)


def _is_claimed(folder: RunFolder, config: TrainingConfig) -> bool:
    """Whether the folder holds this run; :class:`SkeltextError` if it holds another."""
    path = folder.path / CONFIG
    if not path.exists():
        return False
    held = TrainingConfig.from_yaml(path)
    if held.pretrained:  # what the first stage decided is no matter of choice
        config = replace(
            config,
            encoder=held.encoder,
            encoder_options=held.encoder_options,
            preprocessing=held.preprocessing,
        )
    if held != config:
        raise SkeltextError(f"{folder.path} holds a run with other settings; choose another --out or remove it")
    return True


def _fabric(config: TrainingConfig) -> Fabric:
    device, precision = device_named(config.device), config.precision
    if precision == "tf32":
        require(device.type == "cuda", f"precision tf32 needs a CUDA device, this is {device}; use --precision 32-true")
        precision = "32-true"  # of the tensors; how they are multiplied is told to the device
    try:
        return Fabric(
            accelerator=device.type,
            devices=[device.index or 0] if device.type == "cuda" else 1,
            precision=precision,
        )
    except (ValueError, RuntimeError) as error:
        raise SkeltextError(
            f"device {config.device} with precision {config.precision} cannot train here ({error}); use --device auto"
        ) from error


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
