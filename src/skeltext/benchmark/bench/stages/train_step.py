"""A training step of PGFA: loss, backward pass and SGD, against the same step with the encoder written down plainly."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from skeltext.benchmark.bench.models import clips_of, load_model, published_operations, save_model, texts_of
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task
from skeltext.machine import keep_freed_memory
from skeltext.methods.method import Batch
from skeltext.runs.config import TrainingConfig

CLASSES = 55  # seen ones of the usual split of NTU RGB+D 60


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    keep_freed_memory()
    torch.manual_seed(0)
    reference = variant == "reference"
    method = load_model(settings, folder, reference=reference).train()
    usual = TrainingConfig()
    optimizer = torch.optim.SGD(
        method.parameters(), lr=usual.learning_rate, momentum=usual.momentum, weight_decay=usual.weight_decay
    )
    labels = torch.randint(CLASSES, (settings.batch,))
    batch = Batch(clips=clips_of(settings), labels=labels, texts=texts_of(CLASSES))

    def step() -> float:
        loss = method.training_loss(batch)["loss"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    count = partial(published_operations, settings, backward=True)
    return Task(run=step, items=settings.batch, published=None if reference else count)


STAGE = Stage(
    name="train-step",
    unit="clips",
    rows=(Row(name="train-step", subject="ours", reference="reference", allocators=("shipped", "kept")),),
    task=_task,
    prepare=save_model,
    roof="arithmetic",
)
