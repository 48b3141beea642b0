"""From the original files of a data set to a prepared store."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from skeltext import __version__
from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.manifest import Manifest, manifest_of
from skeltext.datasets.originals import Originals
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import VERSION, open_store
from skeltext.datasets.store_writing import refuse_strangers, require_layout, write_store
from skeltext.datasets.unfinished import Parts, Read, keyed, working_folder
from skeltext.errors import SkeltextError
from skeltext.machine import available_cores
from skeltext.skeletons.clip import Clip

_BATCH = 16  # recordings that a worker process reads at a time
_AHEAD = 4  # batches per worker that may wait to be written

Progress = Callable[[int, int], None]


def prepare(
    name: str,
    *,
    raw: Path | str | None = None,
    out: Path | str,
    reading: str | None = None,
    workers: int | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    writing: Progress | None = None,
) -> Manifest:
    """Read the data set `name` from its original files below `raw` and write it as prepared store `out`.

    `raw` is the folder with the files, unpacked or in archives, or one archive; a data set that is computed needs none.
    `reading` names the way to read them where there are several. `workers` processes read at a time, one per core by
    default; `progress` is called with the number of recordings read and the number there are, `writing` with the number
    of them that the store holds. A recording that cannot be used is listed with the reason, in the manifest and in
    the store, and the others go on.

    A call that was killed goes on where it was when it is made again with the same originals, and ends with the same
    store; `fresh` makes it start over (see :mod:`skeltext.datasets.unfinished`).

    Raises :class:`SkeltextError` if no recording is found, if none can be used, or if `out` cannot be written. A
    script that calls this with several workers needs the usual ``if __name__ == "__main__":``.
    """
    started, folder = time.monotonic(), Path(out)
    dataset = dataset_named(name)
    reading = dataset.reading(reading)
    if raw is None and not dataset.made_here:
        raise SkeltextError(f"{name} needs its original files; get them ({dataset.source}) and name their folder")
    refuse_strangers(folder)
    with working_folder(folder, fresh=fresh) as work:
        originals = _originals(raw, work)
        samples = find_samples(dataset, originals, reading=reading)
        parts = Parts(_folder_of_parts(work, dataset, reading, samples, originals), dataset.layout)
        done, count = parts.count(), len(samples)
        found = _found(dataset, samples[done:], workers=workers or available_cores() or 1, shorten=originals.shorten)
        parts.add(done, _reported(found, progress, range(done, count)))
        outcomes = zip(samples, _reported(parts, writing, range(count)), strict=True)
        write_store(folder, dataset, outcomes, reading=reading, aside=work / "store")
    manifest = manifest_of(open_store(folder), expected=dataset.expected)
    return replace(manifest, folder=str(folder), seconds=time.monotonic() - started)


def find_samples(dataset: Dataset, originals: Originals, *, reading: str | None = None) -> list[Sample]:
    """All recordings of `dataset` among the original files; :class:`SkeltextError` if there are none."""
    samples = list(dataset.samples(originals, reading=reading))
    if not samples:
        raise SkeltextError(
            f"{originals.raw} holds no recording of {dataset.name}, though some files look like it; give the folder"
            f" with the originals ({dataset.source})"
        )
    return samples


def _originals(raw: Path | str | None, work: Path) -> Originals:
    """The originals below `raw`; what has to be unpacked goes to `work`, where large data sets have room."""
    fingerprint = "" if raw is None else Originals(Path(raw), work).fingerprint()
    return Originals(Path(raw or "."), keyed(work, "originals", fingerprint))


def _folder_of_parts(
    work: Path, dataset: Dataset, reading: str, samples: Sequence[Sample], originals: Originals
) -> Path:
    """Where the clips wait that were read by this version, in this way, of these samples and originals."""
    facts = [(found.id, found.label, found.subject, found.camera, found.setup, found.source) for found in samples]
    job = [__version__, VERSION, dataset.name, dataset.layout.name, reading, originals.scratch.name]
    return keyed(work, "clips", [job, facts])


def _found(
    dataset: Dataset, samples: Sequence[Sample], *, workers: int, shorten: Callable[[str], str]
) -> Iterator[Read]:
    """The clip of every sample, or the reason why it has none, in the order of the samples."""
    reasons = [_known_reason(dataset, sample) for sample in samples]
    good = [sample for sample, reason in zip(samples, reasons, strict=True) if reason is None]
    batches = [good[start : start + _BATCH] for start in range(0, len(good), _BATCH)]
    workers = min(workers, len(batches))
    results = _in_processes(batches, workers) if workers > 1 else map(_read_batch, batches)
    clips = (clip for batch in results for clip in batch)
    for sample, reason in zip(samples, reasons, strict=True):
        clip = next(clips) if reason is None else reason
        if isinstance(clip, Clip):
            require_layout(dataset, sample, clip)
        yield shorten(clip) if isinstance(clip, str) else clip


def _known_reason(dataset: Dataset, sample: Sample) -> str | None:
    """Why `sample` need not be read at all, None if it must be."""
    if not 0 <= sample.label < len(dataset.classes):
        return f"class {sample.label + 1} of {len(dataset.classes)}, going by its name"
    return dataset.bad_clips.get(sample.id)


def _read_batch(samples: Sequence[Sample]) -> list[Read]:
    return [_read(sample) for sample in samples]


def _read(sample: Sample) -> Read:
    try:
        return sample.read()
    except SkeltextError as error:
        return str(error)


def _in_processes(batches: Iterable[Sequence[Sample]], workers: int) -> Iterator[list[Read]]:
    """Read batches in `workers` processes; results come in order and never pile up."""
    waiting: deque[Future[list[Read]]] = deque()
    spawn = get_context("spawn")  # safe beside threads, unlike a fork
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with_parent) as pool:
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


def _end_with_parent() -> None:
    """Let this worker process end when the process that started it is killed: nobody else would tell it to."""
    Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _reported(found: Iterable[Read], progress: Progress | None, numbers: range) -> Iterator[Read]:
    """`found`, whose entries have these `numbers`, while `progress` is told how many are done of how many."""
    for done, read in zip(numbers, found, strict=True):
        yield read
        if progress is not None:
            progress(done + 1, numbers.stop)
