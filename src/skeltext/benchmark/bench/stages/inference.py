"""Clips to features with trained weights, against the encoder written down plainly in batches of 64."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from skeltext.benchmark.bench.inputs import unit_rows
from skeltext.benchmark.bench.models import TEXT_WIDTH, clips_of, load_model, published_operations, save_model
from skeltext.benchmark.bench.published import BATCH
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task, Values
from skeltext.machine import keep_freed_memory
from skeltext.recognizer.embedding import Precision, embed_clips

ANCHORS = 5


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    reference = variant == "reference"
    precision: Precision = "bf16-mixed" if variant == "bf16" else "32-true"
    method = load_model(settings, folder, reference=reference).eval()
    clips = clips_of(settings)
    keep_freed_memory()

    @torch.inference_mode()
    def run() -> Tensor:
        if reference:
            return torch.cat([method.embed(part) for part in torch.split(clips, BATCH)])
        return embed_clips(method, clips, precision=precision)

    count = partial(published_operations, settings, backward=False)
    return Task(
        run=run,
        items=settings.batch,
        published=None if reference else count,
        result=lambda: run().numpy(),
    )


def _agreement(subject: Values, reference: Values) -> Mapping[str, float]:
    """Of features (N, D): the largest difference, and how often the nearest of a few directions is the same."""
    anchors = unit_rows(ANCHORS, width=TEXT_WIDTH, seed=1)
    same = (subject @ anchors.T).argmax(axis=1) == (reference @ anchors.T).argmax(axis=1)
    return {
        "largest_difference": float(np.abs(subject - reference).max()),
        "largest_value": float(np.abs(reference).max()),
        "same_choice": float(same.mean()),
    }


STAGE = Stage(
    name="inference",
    unit="clips",
    rows=(
        Row(name="inference", subject="ours", reference="reference", allocators=("shipped", "kept")),
        Row(name="inference, bf16", subject="bf16", reference="reference", allocators=("shipped", "kept")),
    ),
    task=_task,
    prepare=save_model,
    roof="arithmetic",
    agreement=_agreement,
)
