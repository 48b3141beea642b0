"""What the stages are fed: a prepared store of built-in motions, and made-up clips and texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Values
from skeltext.datasets.originals import Originals
from skeltext.datasets.prepare import find_samples
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import Store, open_store
from skeltext.datasets.store_writing import write_store


def builtin_store(settings: BenchSettings, folder: Path) -> Store:
    """The store of `settings.recordings` clips of the built-in set in `folder`, made by the first who asks."""
    path = folder / "builtin"
    if not path.exists():
        dataset = dataset_named("builtin")
        samples = find_samples(dataset, Originals(folder, folder))
        count = min(settings.recordings, len(samples))
        chosen = (samples[position * len(samples) // count] for position in range(count))
        write_store(path, dataset, ((sample, sample.read()) for sample in chosen))
    return open_store(path)


def made_up_clips(settings: BenchSettings, *, coordinates: int, joints: int) -> Values:
    """(N, C, T, V, M) float32 noise; all bodies but the first are zero except in the share with two people."""
    rng = np.random.default_rng(0)
    shape = (settings.batch, coordinates, settings.frames, joints, settings.bodies)
    clips = rng.normal(size=shape).astype(np.float32)
    alone = rng.permutation(settings.batch)[round(settings.two_person * settings.batch) :]
    clips[alone, ..., 1:] = 0
    return clips


def unit_rows(count: int, *, width: int, seed: int = 0) -> Values:
    """(count, width) float32 directions at random, as embeddings of texts are."""
    rows = np.random.default_rng(seed).normal(size=(count, width))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
