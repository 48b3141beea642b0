"""The one training loop. It knows neither a method by name nor a clip of an unseen class."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.methods.method import Batch, Method
from skeltext.progress import Report
from skeltext.recognizer.checkpoint import load_weights
from skeltext.training.config import SEEDS, TrainingConfig
from skeltext.training.folder import STATE, Metrics, RunFolder
from skeltext.training.schedule import learning_rate


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Everything a model may learn from: ``clips`` (N, C, T, V, M), ``labels`` (N,) into ``texts`` (K, D).

    All three stay on the device for the whole run, and a batch is a slice of them: no workers, no copies.
    """

    clips: Tensor
    labels: Tensor
    texts: Tensor

    def to(self, device: torch.device) -> TrainingData:
        """The same data on a device."""
        return TrainingData(clips=self.clips.to(device), labels=self.labels.to(device), texts=self.texts.to(device))


def train(
    method: Method, data: TrainingData, config: TrainingConfig, folder: RunFolder, *, fabric: Fabric, report: Report
) -> None:
    """Train `method` until `config.epochs` epochs are in `folder`, going on where an interrupted run ended.

    Every epoch seeds all generators from (seed, epoch), so a resumed run repeats what an uninterrupted one does,
    bit by bit on a CPU, without any state of generators on disk.
    """
    optimizer = torch.optim.SGD(method.parameters(), lr=0.0, momentum=config.momentum, weight_decay=config.weight_decay)
    state = folder.load_state()
    done = 0
    if state:
        done, weights, buffers = state
        load_weights(method, weights, origin=folder.path / STATE)
    model, running = fabric.setup(method, optimizer)  # wrappers: the parameters stay those of `method`
    model.mark_forward_method("training_loss")
    if state:
        _load_momentum(method, optimizer, buffers)
    data = data.to(fabric.device)
    metrics = folder.metrics()[:done]
    for epoch in range(done, config.epochs):
        fabric.seed_everything((config.seed * 1_000_003 + epoch + 1) % SEEDS, verbose=False)
        line = _train_epoch(model, running, data, config, epoch, fabric=fabric, report=report)
        metrics.append(line)
        folder.save_epoch(epoch, weights=method.state_dict(), buffers=_momentum(method, optimizer), metrics=metrics)


def _train_epoch(
    method: Any,
    optimizer: Any,
    data: TrainingData,
    config: TrainingConfig,
    epoch: int,
    *,
    fabric: Fabric,
    report: Report,
) -> Metrics:
    rate = learning_rate(
        epoch,
        base=config.learning_rate,
        warmup=config.warmup,
        schedule=config.schedule,
        milestones=config.milestones,
        epochs=config.epochs,
    )
    for group in optimizer.param_groups:
        group["lr"] = rate
    method.train()
    n = len(data.labels)
    size = min(config.batch_size, n)
    order = torch.randperm(n).to(data.labels.device)
    sums: dict[str, float] = defaultdict(float)
    steps, began = n // size, time.perf_counter()
    for step in range(steps):
        chosen = order[step * size : (step + 1) * size]
        losses = method.training_loss(Batch(clips=data.clips[chosen], labels=data.labels[chosen], texts=data.texts))
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(losses["loss"])
        optimizer.step()
        for name, value in losses.items():
            sums[name] += value.item()
        if not math.isfinite(sums["loss"]):
            raise SkeltextError(
                f"the loss is {sums['loss']} in epoch {epoch}, so nothing can be learnt any more; choose a lower"
                f" --learning-rate than {config.learning_rate} for a new run"
            )
        speed = (step + 1) * size / (time.perf_counter() - began)
        report(
            (epoch * steps + step + 1) * size,
            {"epoch": epoch, "loss": sums["loss"] / (step + 1), "clips_per_second": speed},
        )
    means = {name: total / steps for name, total in sums.items()}
    return {"epoch": epoch, **means, "learning_rate": rate, "seconds": round(time.perf_counter() - began, 3)}


def _momentum(method: Method, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The buffers of SGD by the name of their parameter."""
    buffers = {}
    for name, parameter in method.named_parameters():
        buffer = optimizer.state[parameter].get("momentum_buffer")
        if buffer is not None:
            buffers[name] = buffer
    return buffers


def _load_momentum(method: Method, optimizer: torch.optim.Optimizer, buffers: dict[str, Tensor]) -> None:
    for name, parameter in method.named_parameters():
        if name in buffers:
            optimizer.state[parameter]["momentum_buffer"] = buffers[name].to(parameter.device)
