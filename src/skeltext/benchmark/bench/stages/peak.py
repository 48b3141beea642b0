"""What the machine can do at best: products of square matrices, and copies of a large array."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task

SIZES = (512, 768, 1024, 1536, 2048)  # rows and columns of a product
COPIED = 1 << 28  # bytes, far more than any cache holds


def _product(size: int) -> Task:
    """A product of two square matrices, which takes 2 n^3 operations."""
    a, b, c = (torch.rand(size, size) for _ in range(3))
    return Task(run=lambda: torch.mm(a, b, out=c), items=1, published=lambda: 2 * size**3)


def _rate(size: int) -> float:
    """Operations per second of a product, without the first one."""
    task = _product(size)
    task.run()
    began = time.process_time()
    task.run()
    return 2 * size**3 / (time.process_time() - began)


def _copy() -> Task:
    source = torch.ones(COPIED // 4)
    target = torch.empty_like(source)
    return Task(run=lambda: target.copy_(source), items=1, moved=2 * COPIED)


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    return _product(max(SIZES, key=_rate)) if variant == "arithmetic" else _copy()


STAGE = Stage(
    name="peak",
    unit="calls",
    rows=(Row(name="products", subject="arithmetic"), Row(name="copies", subject="memory")),
    task=_task,
)
