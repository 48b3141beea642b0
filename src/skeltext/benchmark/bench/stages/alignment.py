"""Prototype alignment of cached features, against the published procedure batch by batch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from skeltext.adaptation.prototype_alignment import align_prototypes
from skeltext.benchmark.bench.inputs import unit_rows
from skeltext.benchmark.bench.published import evaluate_twice, operations, same_class
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task
from skeltext.runs.config import TrainingConfig

CLASSES = 24  # unseen ones of the largest published split of NTU RGB+D 120
WIDTHS = (384, 768)  # of the embedded and of the published text encoder


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    which, _, width = variant.partition("-")
    anchors = torch.from_numpy(unit_rows(CLASSES, width=int(width)))
    generator = torch.Generator().manual_seed(0)
    shown = torch.randint(CLASSES, (settings.test_clips,), generator=generator)
    features = anchors[shown] + 0.1 * torch.randn(settings.test_clips, int(width), generator=generator)
    alpha = TrainingConfig().alpha

    @torch.inference_mode()
    def published() -> Tensor:
        return evaluate_twice(lambda part: part, features, anchors, alpha=alpha)

    @torch.inference_mode()
    def run() -> Tensor:
        return align_prototypes(features, anchors, alpha=alpha).labels

    if which == "ours":
        count = partial(operations, published)
        return Task(run=run, items=settings.test_clips, published=count, result=lambda: run().numpy())
    return Task(run=published, items=settings.test_clips, result=lambda: published().numpy())


STAGE = Stage(
    name="alignment",
    unit="clips",
    rows=tuple(
        Row(name=f"alignment, {width}-d", subject=f"ours-{width}", reference=f"batches-{width}") for width in WIDTHS
    ),
    task=_task,
    roof="arithmetic",
    agreement=same_class,
)
