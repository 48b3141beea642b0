"""What a file or folder was understood to be, and what is wrong with it, in words."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from skeltext.errors import SkeltextError, require
from skeltext.formats.clip_check import ClipCheck, check_clip, is_mirrored
from skeltext.formats.format import Format, read_bytes, read_text
from skeltext.formats.npy_folder import read_npy_folder
from skeltext.formats.reading import FORMATS, read_clip, recognise

MANY_MIRRORED = 0.05  # of the files of a folder; single ones may be mistaken
SHOWN = 20  # failures that are told one by one
STORE_INDEX, STORE_FORMAT = "index.json", "skeltext-store"  # how a prepared store is known; see datasets/store.py
_NPY_DATA = "_data.npy"
# Endings that many other files have: such a file is a motion file only if its content is.
_GENERIC = {".txt", ".json", ".csv", ".npz", ".mat"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A file that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FolderCheck:
    """The motion files below a folder: how many there are of each format and layout, and which cannot be read.

    ``others`` counts files that are no motion files, ``failures`` are the first 20 of ``unreadable``. ``mirrored``
    counts those in which the left shoulder is on the body's right.
    """

    path: str
    files: int
    others: int
    readable: int
    unreadable: int
    frames: int
    seconds: float
    formats: dict[str, int]
    layouts: dict[str, int]
    failures: list[Failure]
    mirrored: int = 0
    kind: str = "folder"
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a folder of `.npy` arrays; ``classes`` is None where it has no labels."""

    clips: int
    frames: int
    bodies: int
    classes: int | None


@dataclass(frozen=True, kw_only=True)
class NpyFolderCheck:
    """A folder of `.npy` arrays as zero-shot methods publish them."""

    path: str
    parts: dict[str, Part] = field(default_factory=dict)
    kind: str = "npy_folder"
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class StoreCheck:
    """A prepared store as its index describes it; ``unusable`` recordings were left out when it was prepared."""

    path: str
    name: str | None = None
    layout: str | None = None
    fps: float | None = None
    clips: int | None = None
    classes: int | None = None
    unusable: int | None = None
    kind: str = "store"
    problems: list[str] = field(default_factory=list)


Check = ClipCheck | FolderCheck | NpyFolderCheck | StoreCheck


def check(path: str | Path, *, progress: Progress | None = None) -> Check:
    """Say what a motion file, a folder of them, a folder of `.npy` arrays or a prepared store is.

    ``progress(done, total)`` is called while a folder is read. Whatever is wrong with a file is among the problems of
    the result; only a path that does not exist raises :class:`SkeltextError`.
    """
    path = Path(path)
    require(os.path.exists(path), f"{path} does not exist; give the path of a motion file or of a folder of them")
    if not path.is_dir():
        return _check_file(path)
    if _is_store(path):
        return _check_store(path)
    if any(name.endswith(_NPY_DATA) for name in _names(path)):
        return _check_npy_folder(path)
    return _check_folder(path, progress)


def _check_file(path: Path) -> ClipCheck:
    """Read and measure one file; if it cannot be read, that is the problem."""
    format: Format | None = None
    try:
        format = recognise(path)
        return check_clip(read_clip(path, format=format.name), format=format.name)
    except SkeltextError as error:
        return ClipCheck(path=str(path), format=format.name if format else None, problems=[str(error)])


def _names(folder: Path) -> list[str]:
    """What is directly in a folder, nothing if it may not be looked into."""
    return sorted(next(((*folders, *files) for _, folders, files in os.walk(folder)), ()))


def _check_folder(path: Path, progress: Progress | None) -> FolderCheck:
    """Read every motion file below a folder and count."""
    failures: list[Failure] = []
    files = list(files_below(path, failures))
    others, read = 0, list[_Read]()
    for done, file in enumerate(files, start=1):
        outcome = _read(file)
        if isinstance(outcome, str):
            failures.append(Failure(path=str(file), reason=outcome))
        elif outcome is not None:
            read.append(outcome)
        else:
            others += 1
        if progress is not None:
            progress(done, len(files))
    mirrored = [each.path for each in read if each.mirrored]
    return FolderCheck(
        path=str(path),
        files=len(files),
        others=others,
        readable=len(read),
        unreadable=len(failures),
        frames=sum(each.frames for each in read),
        seconds=sum(each.seconds for each in read),
        formats=dict(Counter(each.format for each in read)),
        layouts=dict(Counter(each.layout for each in read)),
        failures=failures[:SHOWN],
        mirrored=len(mirrored),
        problems=list(_of_folder(path, len(files), len(read), failures, mirrored)),
    )


def _of_folder(path: Path, files: int, readable: int, failures: list[Failure], mirrored: list[Path]) -> Iterator[str]:
    """What is wrong with a folder as a whole."""
    if failures:
        tried = readable + len(failures)
        yield f"{len(failures)} of {tried} motion files cannot be read. The first: {failures[0].reason}"
    if not readable:
        yield f"None of the {files} files in {path} is a readable motion file: give another folder."
    if len(mirrored) > MANY_MIRRORED * readable:
        yield (
            f"In {len(mirrored)} of {readable} files, first in {mirrored[0]}, the left shoulder is on the right of the"
            " body: left and right are swapped or one axis is mirrored, so swap the names or negate a horizontal axis."
        )


def files_below(folder: Path, failures: list[Failure]) -> Iterator[Path]:
    """All files below a folder in order of their names, without hidden ones; links to folders are not followed."""

    def note(error: OSError) -> None:
        failures.append(
            Failure(path=str(error.filename), reason=f"{error.filename} cannot be looked into: {error.strerror}")
        )

    for where, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where, name) for name in sorted(files) if not name.startswith("."))


class _Read(NamedTuple):
    """What is counted of a file that could be read."""

    path: Path
    format: str
    layout: str
    frames: int
    seconds: float
    mirrored: bool


def motion_format(path: Path) -> Format | None:
    """The format of a file, None if it is no motion file; :class:`SkeltextError` for one that cannot be looked into."""
    try:
        head = read_bytes(path)[:4096]
        fits = any(format.recognises(path, head) for format in FORMATS.values())
        if not fits and path.suffix.lower() not in _endings() - _GENERIC:
            return None
        return recognise(path)
    except SkeltextError:
        if path.suffix.lower() not in _endings():
            return None
        raise


def _endings() -> set[str]:
    """The endings of the names of motion files."""
    return {ending for format in FORMATS.values() for ending in format.suffixes}


def _read(path: Path) -> _Read | str | None:
    """What is counted of a file, why it cannot be read, or None if it is no motion file."""
    try:
        format = motion_format(path)
        if format is None:
            return None
        clip = read_clip(path, format=format.name)
    except SkeltextError as error:
        return str(error) if path.suffix.lower() in _endings() else None
    return _Read(path, format.name, clip.layout.name, clip.T, float(clip.seconds or 0.0), bool(is_mirrored(clip)))


def _check_npy_folder(path: Path) -> NpyFolderCheck:
    """Count the clips and classes of every part."""
    try:
        parts = read_npy_folder(path)
    except SkeltextError as error:
        return NpyFolderCheck(path=str(path), problems=[str(error)])
    found = {}
    for name, part in parts.items():
        clips, _, frames, _, bodies = part.data.shape
        classes = None if part.labels is None else len(set(part.labels.tolist()))
        found[name] = Part(clips=clips, frames=frames, bodies=bodies, classes=classes)
    return NpyFolderCheck(path=str(path), parts=found)


def _index(path: Path) -> Any:
    """What the index of a folder says, None if there is no readable one."""
    try:
        return json.loads(read_text(path / STORE_INDEX))
    except (SkeltextError, ValueError, RecursionError):
        return None


def _is_store(path: Path) -> bool:
    index = _index(path)
    return isinstance(index, dict) and index.get("format") == STORE_FORMAT


def _check_store(path: Path) -> StoreCheck:
    """What the index of a prepared store says; the clips were checked when they were prepared."""
    index = _index(path)
    try:
        return StoreCheck(
            path=str(path),
            name=str(index["dataset"]),
            layout=str(index["layout"]),
            fps=float(index["fps"]),
            clips=len(index["ids"]),
            classes=len(index["classes"]),
            unusable=len(index["bad"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        problem = f"{path} is a damaged store, an entry of its index is missing or wrong ({error!r}): prepare it again."
        return StoreCheck(path=str(path), problems=[problem])
