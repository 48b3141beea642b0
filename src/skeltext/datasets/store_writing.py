"""Writing a prepared store: clips stream to disk one by one, and the store appears when it is complete."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.manifest import MANIFEST, manifest_of
from skeltext.datasets.store import CLIPS, FORMAT, INDEX, KINDS, VERSION, content_hash, open_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip

HEADER_BYTES = 2048  # room for the header, which is known last and stands first

Outcome = tuple[Sample, Clip | str]  # a recording and its clip, or the reason why it has none


def write_store(
    folder: Path, dataset: Dataset, outcomes: Iterable[Outcome], *, reading: str = "", aside: Path | None = None
) -> None:
    """Write the prepared store `folder` of `dataset`, one clip in memory at a time.

    The same outcomes in the same order give the same hash. `reading` tells how the originals were read, `aside` is the
    name under which the store is written, on the same disk. A store that is in the way is replaced once the new one is
    complete; anything else that is in the way raises :class:`SkeltextError`, as do a clip in another layout, two clips
    of one id, and outcomes without any clip.
    """
    refuse_strangers(folder)
    folder = folder.resolve()  # a link stays, what it leads to is replaced
    aside = aside or folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        index = _write_clips(aside / CLIPS, dataset, reading, outcomes)
        (aside / INDEX).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        manifest_of(open_store(aside), expected=dataset.expected).write(aside / MANIFEST)
        _put(aside, folder)
    except OSError as error:
        raise SkeltextError(
            f"{folder} cannot be written: {error.strerror or error}; choose another folder or make room"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def refuse_strangers(folder: Path) -> None:
    """Raise :class:`SkeltextError` if `folder` is there and is neither empty nor a prepared store."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / CLIPS).exists()):
        raise SkeltextError(f"{folder} is there already and is no prepared store; choose another place to write to")


def require_layout(dataset: Dataset, sample: Sample, clip: Clip) -> None:
    """Raise :class:`SkeltextError` if `clip` has another skeleton than its data set."""
    if clip.layout != dataset.layout:
        raise SkeltextError(
            f"{sample.id} has layout {clip.layout.name} where {dataset.name} has {dataset.layout.name}; convert it when"
            " it is read"
        )


def _write_clips(path: Path, dataset: Dataset, reading: str, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Write the clips and return the index."""
    rows, digest = 0, hashlib.sha256()
    samples: list[Sample] = []
    columns: dict[str, list[float]] = {"offsets": [0], "rates": [], "bodies": []}
    bad: list[dict[str, str]] = []
    with path.open("wb") as file:
        file.seek(8 + HEADER_BYTES)
        for sample, clip in outcomes:
            if isinstance(clip, str):
                bad.append({"id": sample.id, "reason": clip})
                continue
            require_layout(dataset, sample, clip)
            data = clip.positions.astype(KINDS["positions"][1]).tobytes()  # (M, T, V, C) as M * T rows
            file.write(data)
            digest.update(data)
            rows += clip.M * clip.T
            samples.append(sample)
            columns["offsets"].append(rows)
            columns["rates"].append(dataset.fps if clip.fps is None else clip.fps)
            columns["bodies"].append(clip.M)
        _check(dataset, samples, bad)
        index, tensors = _described(dataset, reading, samples, columns)
        for tensor in tensors.values():
            file.write(tensor.tobytes())
        _write_header(file, {"positions": (rows, dataset.layout.V, dataset.layout.C)}, tensors)
    hashes = {name: hashlib.sha256(tensor.tobytes()).hexdigest() for name, tensor in tensors.items()}
    return {**index, "bad": bad, "hash": content_hash(index, {"positions": digest.hexdigest(), **hashes})}


def _check(dataset: Dataset, samples: list[Sample], bad: list[dict[str, str]]) -> None:
    if not samples:
        first = f"; the first, {bad[0]['id']}: {bad[0]['reason']}" if bad else ""
        raise SkeltextError(f"none of the {len(bad)} recordings of {dataset.name} could be used{first}")
    twice = [name for name, count in Counter(sample.id for sample in samples).items() if count > 1]
    if twice:
        raise SkeltextError(
            f"{len(twice)} recordings of {dataset.name} were found twice, for example {twice[0]}; leave one copy of the"
            " original files in the folder"
        )


def _described(
    dataset: Dataset, reading: str, samples: list[Sample], columns: dict[str, list[float]]
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """The index without hash and bad recordings, and all tensors but the positions, in the order of the file."""
    origins = [sample.source or dataset.name for sample in samples]
    sources = list(dict.fromkeys(origins))
    values: dict[str, list[Any]] = {
        **columns,
        "labels": [sample.label for sample in samples],
        "subjects": [sample.subject for sample in samples],
        "cameras": [sample.camera for sample in samples],
        "setups": [sample.setup for sample in samples],
        "sources": [sources.index(origin) for origin in origins],
    }
    tensors = {name: np.asarray(values[name], kind) for name, (_, kind) in KINDS.items() if name != "positions"}
    index = {
        "format": FORMAT,
        "version": VERSION,
        "dataset": dataset.name,
        "reading": reading,
        "layout": dataset.layout.name,
        "fps": dataset.fps,
        "classes": list(dataset.classes),
        "views": {name: view._asdict() for name, view in dataset.views.items()},
        "protocols": {
            name: {"by": by, "train": sorted(train), "source": source}
            for name, (by, train, source) in dataset.protocols.items()
        },
        "sources": sources,
        "ids": [sample.id for sample in samples],
    }
    return index, tensors


def _write_header(file: BinaryIO, big: dict[str, tuple[int, ...]], tensors: dict[str, npt.NDArray[Any]]) -> None:
    """Write the safetensors header into the room left for it: its length, then JSON filled up with blanks."""
    shapes = {**big, **{name: tensor.shape for name, tensor in tensors.items()}}
    header, start = {}, 0
    for name, shape in shapes.items():
        kind, number = KINDS[name]
        end = start + int(np.prod(shape)) * np.dtype(number).itemsize
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
        start = end
    file.seek(0)
    file.write(HEADER_BYTES.to_bytes(8, "little") + json.dumps(header).encode().ljust(HEADER_BYTES))


def _put(aside: Path, folder: Path) -> None:
    """Rename the complete store into place; an older one steps aside first and is removed last."""
    old = aside.with_suffix(".old")
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(aside, folder)
    except OSError:
        if old.exists():
            os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
