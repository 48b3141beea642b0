"""From the original files of a data set to a prepared store."""

from __future__ import annotations

import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import open_store
from skeltext.datasets.store_writing import Outcome, refuse_strangers, write_store
from skeltext.errors import SkeltextError
from skeltext.machine import available_cores
from skeltext.skeletons.clip import Clip

_BATCH = 16  # recordings that a worker process reads at a time
_AHEAD = 4  # batches per worker that may wait to be written

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What :func:`prepare` made: counts by class, subject and source, and the recordings that could not be used."""

    dataset: str
    folder: str
    clips: int
    frames: int
    classes: dict[str, int]
    subjects: dict[int, int]
    sources: dict[str, int]
    bad: list[dict[str, str]]
    hash: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain values that JSON can hold."""
        return asdict(self)


def prepare(
    name: str,
    *,
    raw: Path | str | None = None,
    out: Path | str,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Read the data set `name` from its original files below `raw` and write it as prepared store `out`.

    `raw` is the folder with the files, unpacked or in archives, or one archive; a data set that is computed needs none.
    `workers` processes read at a time, one per core by default; `progress` is called with the number of recordings
    done and the number there are. A recording that cannot be used is listed with the reason, in the manifest and in
    the store, and the others go on.

    Raises :class:`SkeltextError` if no recording is found, if none can be used, or if `out` cannot be written. A
    script that calls this with several workers needs the usual ``if __name__ == "__main__":``.
    """
    started, folder = time.monotonic(), Path(out)
    dataset = dataset_named(name)
    if raw is None and not dataset.made_here:
        raise SkeltextError(f"{name} needs its original files; get them ({dataset.source}) and name their folder")
    refuse_strangers(folder)
    with _scratch_beside(folder) as scratch:
        originals = Originals(Path(raw or "."), Path(scratch, "originals"))
        samples = find_samples(dataset, originals)
        outcomes = _outcomes(dataset, samples, workers=workers or available_cores() or 1, shorten=originals.shorten)
        write_store(folder, dataset, _reported(outcomes, len(samples), progress))
    return _manifest(folder, seconds=time.monotonic() - started)


def find_samples(dataset: Dataset, originals: Originals) -> list[Sample]:
    """All recordings of `dataset` among the original files; :class:`SkeltextError` if there are none."""
    if dataset.samples is None:
        raise SkeltextError(f"{dataset.name} is registered for its classes and splits, but cannot be prepared yet")
    samples = list(dataset.samples(originals))
    if not samples:
        raise SkeltextError(
            f"{originals.raw} holds no recording of {dataset.name}, though some files look like it; give the folder"
            f" with the originals ({dataset.source})"
        )
    return samples


def _scratch_beside(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder for what has to be unpacked: on the disk of the store, where large data sets have room."""
    try:
        there = next(parent for parent in folder.resolve().parents if parent.exists())
        return tempfile.TemporaryDirectory(dir=there, prefix=".unpacked-")
    except OSError as error:
        raise SkeltextError(
            f"{folder} cannot be written: {error.strerror or error}; choose another place to write to"
        ) from error


def _outcomes(
    dataset: Dataset, samples: Sequence[Sample], *, workers: int, shorten: Callable[[str], str]
) -> Iterator[Outcome]:
    """Every sample with its clip, or with the reason why it has none, in the order of the samples."""
    reasons = [_known_reason(dataset, sample) for sample in samples]
    good = [sample for sample, reason in zip(samples, reasons, strict=True) if reason is None]
    batches = [good[start : start + _BATCH] for start in range(0, len(good), _BATCH)]
    workers = min(workers, len(batches))
    results = _in_processes(batches, workers) if workers > 1 else map(_read_batch, batches)
    clips = (clip for batch in results for clip in batch)
    for sample, reason in zip(samples, reasons, strict=True):
        clip = next(clips) if reason is None else reason
        yield sample, shorten(clip) if isinstance(clip, str) else clip


def _known_reason(dataset: Dataset, sample: Sample) -> str | None:
    """Why `sample` need not be read at all, None if it must be."""
    if not 0 <= sample.label < len(dataset.classes):
        return f"class {sample.label + 1} of {len(dataset.classes)}, going by its name"
    return dataset.bad_clips.get(sample.id)


def _read_batch(samples: Sequence[Sample]) -> list[Clip | str]:
    return [_read(sample) for sample in samples]


def _read(sample: Sample) -> Clip | str:
    try:
        return sample.read()
    except SkeltextError as error:
        return str(error)


def _in_processes(batches: Iterable[Sequence[Sample]], workers: int) -> Iterator[list[Clip | str]]:
    """Read batches in `workers` processes; results come in order and never pile up."""
    waiting: deque[Future[list[Clip | str]]] = deque()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # safe beside threads, unlike a fork
        try:
            for batch in batches:
                waiting.append(pool.submit(_read_batch, batch))
                if len(waiting) > workers * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise SkeltextError(
                "a process that reads recordings died, for lack of memory or because a script calls prepare without"
                ' `if __name__ == "__main__":`; use one worker'
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _reported(outcomes: Iterator[Outcome], count: int, progress: Progress | None) -> Iterator[Outcome]:
    for done, outcome in enumerate(outcomes, 1):
        yield outcome
        if progress is not None:
            progress(done, count)


def _manifest(folder: Path, *, seconds: float) -> Manifest:
    store = open_store(folder)
    sources = Counter(store.source_names[source] for source in store.sources.tolist())
    return Manifest(
        dataset=store.name,
        folder=str(folder),
        clips=len(store),
        frames=int(store.frames.sum()),
        classes=store.counts,
        subjects=dict(sorted(Counter(store.subjects.tolist()).items())),
        sources=dict(sources),
        bad=[dict(entry) for entry in store.bad],
        hash=store.hash,
        seconds=seconds,
    )
