"""What a preparation keeps while it works, so that a killed one goes on where it was.

It lies in the hidden folder ``.NAME.unfinished`` beside the store NAME::

    originals-KEY/              what had to be unpacked, one folder per archive
    clips-KEY/00000128.safetensors   a part: the recordings from number 128 on, as they were read
    lock                        held by the process that works here

A key is the hash of all that decides what lies there; what has another key is of no use and is removed. Every part
and every unpacked archive is renamed into place, so what has its name is whole.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import BaseFileLock, FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from skeltext.datasets.originals import UNFINISHED
from skeltext.errors import SkeltextError
from skeltext.formats.writing import written_aside
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout

_LOCK = "lock"
PART_CLIPS, PART_BYTES = 128, 1 << 25  # a part is written when either is reached; a killed run loses no more

Read = Clip | str  # what became of a recording: its clip, or the reason why it has none


@contextmanager
def working_folder(store: Path, *, fresh: bool) -> Iterator[Path]:
    """The folder in which the store is made, locked; what an earlier run left in it goes if `fresh`.

    It vanishes when the block ends, unless it ends with an error and clips were read by then. Raises
    :class:`SkeltextError` if another process prepares the same store, or nothing can be written there.
    """
    store = store.resolve()
    work = store.with_name(f".{store.name}{UNFINISHED}")
    absent = [parent for parent in work.parents if not parent.exists()]
    lock, keep = _locked(store, work), False
    try:
        if fresh:
            _remove(path for path in work.iterdir() if path.name != _LOCK)
        yield work
    except BaseException:
        keep = any(_has_clips(path) for path in work.glob("clips-*/*"))
        raise
    finally:
        if not keep:
            _remove([work])
            for parent in absent:  # those that hold the store by now stay
                with suppress(OSError):
                    parent.rmdir()
        lock.release()


def _locked(store: Path, work: Path) -> BaseFileLock:
    """Make the folder `work` and take its lock."""
    lock = FileLock(work / _LOCK)
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SkeltextError(
            f"{store} is being prepared by another process; wait until it is done or choose another place to write to"
        ) from error
    except OSError as error:
        raise SkeltextError(
            f"{store} cannot be written: {error.strerror or error}; choose another place to write to"
        ) from error
    return lock


def keyed(work: Path, kind: str, facts: Any) -> Path:
    """The folder in `work` for `kind` under the key of `facts`; one with another key is removed."""
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    _remove(path for path in work.glob(f"{kind}-*") if path.name != f"{kind}-{key}")
    return work / f"{kind}-{key}"


@dataclass(frozen=True)
class Parts:
    """The recordings of a data set in `layout` that were read so far, in order, as files in `folder`."""

    folder: Path
    layout: Layout

    def count(self) -> int:
        """How many recordings the parts hold that follow one another; behind a damaged part all count as unread."""
        count = 0
        while size := _size(self._path(count)):
            count += size
        return count

    def add(self, start: int, found: Iterable[Read]) -> None:
        """Write what became of the recordings from number `start` on, part by part."""
        self.folder.mkdir(exist_ok=True)
        part: list[Read] = []
        for read in found:
            part.append(read)
            if len(part) == PART_CLIPS or sum(map(_bytes, part)) >= PART_BYTES:
                self._write(start, part)
                start, part = start + len(part), []
        if part:
            self._write(start, part)

    def __iter__(self) -> Iterator[Read]:
        """All that was read, one part in memory at a time."""
        start = 0
        while size := _size(self._path(start)):
            yield from _read(self._path(start), self.layout)
            start += size

    def _path(self, start: int) -> Path:
        return self.folder / f"{start:08}.safetensors"

    def _write(self, start: int, part: list[Read]) -> None:
        clips = [read for read in part if isinstance(read, Clip)]
        none = np.empty((0, self.layout.V, self.layout.C), np.float32)
        rows = [clip.positions.reshape(-1, *none.shape[1:]) for clip in clips]  # (M, T, V, C) as M * T rows
        tensors = {
            "positions": np.concatenate([none, *rows]),
            "bodies": np.array([read.M if isinstance(read, Clip) else 0 for read in part], np.int64),
            "frames": np.array([read.T if isinstance(read, Clip) else 0 for read in part], np.int64),
            "rates": np.array([math.nan if clip.fps is None else clip.fps for clip in clips], np.float64),
        }
        reasons = json.dumps([read for read in part if isinstance(read, str)])
        with written_aside(self._path(start)) as aside:
            aside.write_bytes(save(tensors, {"reasons": reasons}))


def _bytes(read: Read) -> int:
    return read.positions.nbytes if isinstance(read, Clip) else 0


def _size(path: Path) -> int:
    """How many recordings the part at `path` holds, 0 if there is no whole part; safetensors checks its length."""
    try:
        with safe_open(path, framework="numpy") as file:
            return len(file.get_tensor("bodies"))
    except (OSError, SafetensorError):
        return 0


def _has_clips(path: Path) -> bool:
    try:
        with safe_open(path, framework="numpy") as file:
            return bool(file.get_tensor("bodies").any())
    except (OSError, SafetensorError):
        return False


def _read(path: Path, layout: Layout) -> Iterator[Read]:
    with safe_open(path, framework="numpy") as file:
        positions, bodies, frames, rates = map(file.get_tensor, ("positions", "bodies", "frames", "rates"))
        reasons, fps, row = iter(json.loads(file.metadata()["reasons"])), iter(rates.tolist()), 0
    for M, T in zip(bodies.tolist(), frames.tolist(), strict=True):  # noqa: N806 - shape letters
        if not M:
            yield next(reasons)
            continue
        rate, last = next(fps), row + M * T
        clip = positions[row:last].reshape(M, T, layout.V, layout.C)
        yield Clip(positions=clip, layout=layout, fps=None if math.isnan(rate) else rate)
        row = last


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
