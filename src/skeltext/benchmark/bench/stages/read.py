"""Clips of a prepared store, read one by one in random order, against one uncompressed ``.npz`` file for each clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from skeltext.benchmark.bench.inputs import builtin_store
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task


def _npz(folder: Path, index: int) -> Path:
    return folder / "npz" / f"{index}.npz"


def _prepare(settings: BenchSettings, folder: Path) -> None:
    store = builtin_store(settings, folder)
    (folder / "npz").mkdir()
    for index in range(len(store)):
        np.savez(_npz(folder, index), positions=store.clip(index).positions)


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    store = builtin_store(settings, folder)
    order = np.random.default_rng(0).permutation(len(store)).tolist()

    def from_npz(index: int) -> Any:
        with np.load(_npz(folder, index)) as arrays:
            return arrays["positions"]

    read: Callable[[int], Any] = store.clip if variant == "store" else from_npz
    bytes_of_clips = int(store.offsets[-1]) * store.layout.V * store.layout.C * 4

    def read_all() -> None:
        for index in order:
            read(index)

    return Task(run=read_all, items=len(order), moved=2 * bytes_of_clips)


STAGE = Stage(
    name="read",
    unit="clips",
    rows=(Row(name="read", subject="store", reference="npz"),),
    task=_task,
    prepare=_prepare,
    roof="memory",
)
