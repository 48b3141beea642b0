"""The evaluation of a test set, one pass and the alignment, against the published procedure that runs it twice."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from skeltext.adaptation.prototype_alignment import align_prototypes
from skeltext.benchmark.bench.models import clips_of, load_model, published_operations, save_model, texts_of
from skeltext.benchmark.bench.published import evaluate_twice, same_class
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task
from skeltext.machine import keep_freed_memory
from skeltext.recognizer.embedding import Precision, embed_clips
from skeltext.runs.config import TrainingConfig

CLASSES = 5  # unseen ones of the usual split of NTU RGB+D 60


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    reference = variant == "reference"
    precision: Precision = "bf16-mixed" if variant == "bf16" else "32-true"
    method = load_model(settings, folder, reference=reference).eval()
    clips, texts, alpha = clips_of(settings), texts_of(CLASSES), TrainingConfig().alpha
    keep_freed_memory()

    @torch.inference_mode()
    def run() -> Tensor:
        if reference:
            return evaluate_twice(method.embed, clips, texts, alpha=alpha)
        return align_prototypes(embed_clips(method, clips, precision=precision), texts, alpha=alpha).labels

    return Task(
        run=run,
        items=settings.batch,
        published=None if reference else lambda: 2 * published_operations(settings, backward=False),
        result=lambda: run().numpy(),
    )


STAGE = Stage(
    name="evaluation",
    unit="clips",
    rows=(
        Row(name="evaluation", subject="ours", reference="reference", allocators=("shipped", "kept")),
        Row(name="evaluation, bf16", subject="bf16", reference="reference", allocators=("shipped", "kept")),
    ),
    task=_task,
    prepare=save_model,
    roof="arithmetic",
    agreement=same_class,
)
