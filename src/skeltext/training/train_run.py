"""A run: the data of one class split, a fresh model, the loop, and the second run that holds seen classes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import torch
from lightning_fabric import Fabric

from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import made_folder
from skeltext.machine import keep_freed_memory
from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.methods.registry import method_named
from skeltext.progress import Report
from skeltext.recognizer.card import save_card
from skeltext.recognizer.device import device_named
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder
from skeltext.runs.pretrained import pretrained_encoders, with_encoder_of
from skeltext.runs.run import Run
from skeltext.training.batches import able_classes, clips_per_epoch
from skeltext.training.loop import train
from skeltext.training.seen_data import card_and_texts, seen_data, training_data


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
    trained with leave nothing behind. A method with a closed form has one epoch, whatever the settings say.
    """
    keep_freed_memory()
    if method_named(config.method).closed_form:
        config = replace(config, epochs=1, warmup=0)
    run = Run.of(config, folder)
    claimed = _is_claimed(run)
    if claimed and all(part.folder.epochs_done() == config.epochs for part in run.parts):
        return
    folder.clear_leftovers()
    encoders = pretrained_encoders(run)
    if encoders:
        run = Run.of(with_encoder_of(config, encoders[folder].card), folder)
    _require_trainable(run)
    fabric = _fabric(run.config)
    seen = seen_data(run, preparing=watcher.preparing)
    with _threads(config.threads):
        for part in run.parts:
            card, texts = card_and_texts(part)
            fabric.seed_everything(config.seed, verbose=False)
            method = build_method(card.model)
            if part.folder in encoders:
                encoders[part.folder].put_into(method, frozen=config.frozen)
            _require_learnable(method, run.config)
            data = training_data(method.to(fabric.device), card, texts, part, seen, preparing=watcher.preparing)
            able_classes(data.labels.cpu(), ways=config.ways, clips=config.shots + config.queries)
            made_folder(folder.path)
            run.config.to_yaml(folder.path / CONFIG)
            save_card(part.folder.checkpoint, card)
            title = run.name + (f", {len(part.split.unseen)} classes held out" if part is not run else "")
            report = watcher.training(title, _clips_in_all(run.config, method, len(data.labels)))
            train(method, data, run.config, part.folder, fabric=fabric, report=report)


def _is_claimed(run: Run) -> bool:
    """Whether the folder holds this run; :class:`SkeltextError` if it holds another."""
    path, config = run.folder.path, run.config
    if not (path / CONFIG).exists():
        return False
    held = TrainingConfig.from_yaml(path / CONFIG)
    if held.pretrained:  # what the first stage decided is no matter of choice
        config = replace(
            config,
            encoder=held.encoder,
            encoder_options=held.encoder_options,
            preprocessing=held.preprocessing,
        )
    if held != config:
        raise SkeltextError(f"{path} holds a run with other settings; choose another --out or remove it")
    return True


def _require_trainable(run: Run) -> None:
    """What the settings alone do not tell, because it depends on the method and the encoder."""
    config = run.config
    require(
        run.frozen or not method_named(config.method).closed_form,
        f"the method {config.method} is solved at once from features, but the encoder {config.encoder} is to be"
        " trained; name a first stage with --pretrained or a fixed encoder with --encoder",
    )
    require(
        config.balance == "class" or method_named(config.method).closed_form,
        f"the method {config.method} draws its batches without weights, so balance {config.balance} means nothing to"
        " it; leave --balance out",
    )


def _require_learnable(method: Method, config: TrainingConfig) -> None:
    require(
        method.closed_form or any(parameter.requires_grad for parameter in method.parameters()),
        f"the method {config.method} trains nothing but the encoder, and {config.encoder} does not learn here; choose"
        " an encoder that does, or a method with a head",
    )


def _clips_in_all(config: TrainingConfig, method: Method, clips: int) -> int:
    """How many clips the steps of a training see together; a closed form sees each once."""
    return clips if method.closed_form else config.epochs * clips_per_epoch(config, clips)


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
