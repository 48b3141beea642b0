"""The one training loop. It knows neither a method by name nor a clip of an unseen class."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.methods.method import Batch, Method
from skeltext.progress import Report
from skeltext.recognizer.checkpoint import load_weights
from skeltext.recognizer.device import float32_arithmetic
from skeltext.runs.config import SEEDS, TrainingConfig
from skeltext.runs.folder import STATE, Metrics, RunFolder
from skeltext.training.batches import drawn, size_of, steps_of
from skeltext.training.graphed_step import CudaRecorder, GraphedStep, Recorder
from skeltext.training.losses import Losses, LossSums
from skeltext.training.optimizer import buffers_of, optimizer_named, put_buffers, set_rate
from skeltext.training.schedule import learning_rate

Step = Callable[[Tensor], Losses]
"""A step of training: from the numbers of the clips of a batch (N,) to its losses, which stay on the device."""


class TrainingData(Batch):
    """Everything a model may learn from, as one batch of all N clips (or of the features of a frozen encoder).

    All of it stays on the device for the whole run, and a batch is a slice of it: no workers, no copies.
    """

    def to(self, device: torch.device) -> TrainingData:
        """The same data on a device."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        there: dict[str, Any] = {name: x.to(device) for name, x in values.items() if isinstance(x, Tensor)}
        return replace(self, **there)

    def batch(self, chosen: Tensor, *, ways: int = 0, shots: int = 1) -> Batch:
        """The clips with these numbers (n,), and the texts of all classes; an episode where there are `ways`."""
        return Batch(
            ways=ways,
            shots=shots,
            labels=self.labels[chosen],
            texts=self.texts,
            clips=None if self.clips is None else self.clips[chosen],
            features=None if self.features is None else self.features[chosen],
            groups=None if self.groups is None else self.groups[chosen],
        )

    @property
    def nbytes(self) -> int:
        """How much memory the clips or their features take."""
        return sum(x.nbytes for x in (self.clips, self.features) if x is not None)


def train(
    method: Method, data: TrainingData, config: TrainingConfig, folder: RunFolder, *, fabric: Fabric, report: Report
) -> None:
    """Train `method` until `config.epochs` epochs are in `folder`, going on where an interrupted run ended.

    Every epoch seeds all generators from (seed, epoch), so a resumed run repeats what an uninterrupted one does,
    bit by bit on a CPU, without any state of generators on disk. A method with a closed form is solved in one.
    """
    optimizer = None if method.closed_form else _optimizer(method, config)
    state = folder.load_state()
    done = 0
    if state:
        done, weights, buffers = state
        load_weights(method, weights, origin=folder.path / STATE)
    if optimizer:
        _, running = fabric.setup(method, optimizer)  # wrappers: the parameters stay those of `method`
    if optimizer and state:
        put_buffers(buffers, optimizer, method)
    metrics = folder.metrics()[:done]
    try:
        data = data.to(fabric.device)
        learn = partial(_solve, method, data, report=report)
        if optimizer:
            step = _step(method, running, data, config, fabric=fabric)
            learn = partial(_train_epoch, step, optimizer, data, config, report=report)
        for epoch in range(done, config.epochs):
            fabric.seed_everything((config.seed * 1_000_003 + epoch + 1) % SEEDS, verbose=False)
            method.train()
            with float32_arithmetic(fabric.device, tf32=config.precision == "tf32"):
                line = learn(epoch)
            metrics.append(line)
            folder.save_epoch(
                epoch,
                weights=method.state_dict(),
                learnt=method.learnt(),
                buffers=buffers_of(optimizer, method) if optimizer else {},
                metrics=metrics,
            )
    except torch.OutOfMemoryError as error:
        raise SkeltextError(
            f"{fabric.device} has too little memory for {data.nbytes / 1e9:.1f} GB of clips and batches of"
            f" {_batch_size(config, data)}; choose a smaller --batch-size or --device cpu for a new run"
        ) from error


def _optimizer(method: Method, config: TrainingConfig) -> torch.optim.Optimizer:
    return optimizer_named(config.optimizer, method, momentum=config.momentum, weight_decay=config.weight_decay)


def _batch_size(config: TrainingConfig, data: TrainingData) -> int:
    return size_of(config, len(data.labels))


def _step(
    method: Method, optimizer: torch.optim.Optimizer, data: TrainingData, config: TrainingConfig, *, fabric: Fabric
) -> Step:
    """What happens to a batch, the same on every device; where there is a recorder, it is recorded and replayed."""

    def gradients(chosen: Tensor) -> Losses:
        method.zero_grad(set_to_none=True)
        with fabric.autocast():
            losses = method.training_loss(data.batch(chosen, ways=config.ways, shots=config.shots))
        fabric.backward(losses["loss"])
        return {name: value.detach() for name, value in losses.items()}

    compute: Step = gradients
    recorder = _recorder(fabric.device, config)
    if recorder:
        compute = GraphedStep(gradients, recorder, batch_size=_batch_size(config, data), device=fabric.device)

    def step(chosen: Tensor) -> Losses:
        losses = compute(chosen)
        optimizer.step()
        return losses

    return step


def _recorder(device: torch.device, config: TrainingConfig) -> Recorder | None:
    return CudaRecorder(device) if device.type == "cuda" and config.cuda_graphs else None


def _steps_per_reading(device: torch.device) -> int:
    """Whoever reads a loss waits for the device, and a GPU then waits for its next step: so it is done rarely there."""
    return 32 if device.type == "cuda" else 1


@torch.no_grad()
def _solve(method: Method, data: TrainingData, epoch: int, *, report: Report) -> Metrics:
    """The one epoch of a method with a closed form."""
    began, clips = time.perf_counter(), len(data.labels)
    figures = {name: value.item() for name, value in method.solve(data).items()}
    if not all(map(math.isfinite, figures.values())):
        raise SkeltextError(f"the closed form has no finite solution here, but {figures}; change --method-options")
    seconds = time.perf_counter() - began
    report(clips, {"epoch": epoch, "loss": figures["loss"], "clips_per_second": clips / seconds})
    return {"epoch": epoch, **figures, "learning_rate": 0.0, "seconds": round(seconds, 3)}


def _train_epoch(
    step: Step,
    optimizer: torch.optim.Optimizer,
    data: TrainingData,
    config: TrainingConfig,
    epoch: int,
    *,
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
    set_rate(optimizer, rate)
    device, size, steps = data.labels.device, _batch_size(config, data), steps_of(config, len(data.labels))
    batches = drawn(data.labels.cpu(), config, steps=steps)
    losses = LossSums()
    began = time.perf_counter()
    for done, chosen in enumerate(batches, start=1):
        losses.add(step(chosen.to(device)))
        if done % _steps_per_reading(device) and done < steps:
            continue
        sums = losses.read()
        if not math.isfinite(sums["loss"]):
            raise SkeltextError(
                f"the loss is {sums['loss']} in epoch {epoch}, so nothing can be learnt any more; choose a lower"
                f" --learning-rate than {config.learning_rate} for a new run"
            )
        speed = done * size / (time.perf_counter() - began)
        report((epoch * steps + done) * size, {"epoch": epoch, "loss": sums["loss"] / done, "clips_per_second": speed})
    means = {name: total / steps for name, total in losses.read().items()}
    return {"epoch": epoch, **means, "learning_rate": rate, "seconds": round(time.perf_counter() - began, 3)}
