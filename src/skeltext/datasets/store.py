"""The prepared store: all clips of a data set in one ragged file that is read slice by slice.

A store is a folder of two files, and a third that sums them up.

``clips.safetensors`` holds ``positions`` (rows, V, C) float32, where a row is one body in one frame and a joint that
was not tracked is NaN. Clip i with M bodies and T frames is rows ``offsets[i]:offsets[i+1]``, which are (M, T, V, C).
Beside it lie ``offsets`` (N+1) int64, ``bodies``, ``labels``, ``subjects``, ``cameras``, ``setups`` and ``sources`` (N)
int32, and ``rates`` (N) float64, the frames per second.

``index.json`` says what they mean: data set, reading, layout, class names, views, protocols, names of the sources,
ids of the clips, the recordings that could not be used with the reason, and the hash (see
:func:`content_hash`).

``manifest.json`` counts the clips (:class:`skeltext.datasets.manifest.Manifest`); nobody needs it to read them.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from skeltext.datasets.dataset import Divider, Protocol, View
from skeltext.errors import SkeltextError
from skeltext.formats.format import read_text
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import layout_named

FORMAT, VERSION = "skeltext-store", 2
CLIPS, INDEX = "clips.safetensors", "index.json"
KINDS = {  # the tensors in the order of the file, with their kinds as safetensors and as numpy call them
    "positions": ("F32", "<f4"),
    "offsets": ("I64", "<i8"),
    "rates": ("F64", "<f8"),
    "bodies": ("I32", "<i4"),
    "labels": ("I32", "<i4"),
    "subjects": ("I32", "<i4"),
    "cameras": ("I32", "<i4"),
    "setups": ("I32", "<i4"),
    "sources": ("I32", "<i4"),
}
_CHUNK = 1 << 16  # rows that are hashed at a time

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Store:
    """A prepared data set of N clips, opened by :func:`open_store`.

    ``labels``, ``subjects``, ``cameras``, ``setups`` and ``sources`` are (N); ``sources`` are indices into
    ``source_names``. ``reading`` is the way in which the originals were read.
    ``classes`` and ``labels`` are those of the chosen view. ``frames`` (N) is T and ``bodies`` (N) is M of every clip.
    ``fps`` is the nominal rate of the data set; a clip carries its own. A store can be pickled.
    """

    folder: Path
    name: str
    reading: str
    layout: Layout
    fps: float
    classes: tuple[str, ...]
    labels: Ints
    subjects: Ints
    cameras: Ints
    setups: Ints
    sources: Ints
    source_names: tuple[str, ...]
    ids: tuple[str, ...]
    bodies: Ints
    frames: npt.NDArray[np.int64]
    rates: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.int64]
    views: Mapping[str, View]
    view_name: str
    finest_labels: Ints
    protocols: Mapping[str, Protocol]
    bad: tuple[Mapping[str, str], ...]
    hash: str

    def __len__(self) -> int:
        return len(self.ids)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_positions"}

    @cached_property
    def _positions(self) -> Any:
        """The ragged positions on disk; indexing reads just the rows asked for."""
        file: Any = safe_open(self.folder / CLIPS, framework="numpy")
        return file.get_slice("positions")

    def clip(self, index: int) -> Clip:
        """Read clip `index`, counted from the end if negative."""
        index = range(len(self))[index]
        rows = self._positions[int(self.offsets[index]) : int(self.offsets[index + 1])]
        return Clip(
            positions=rows.reshape(int(self.bodies[index]), -1, self.layout.V, self.layout.C),
            layout=self.layout,
            fps=float(self.rates[index]),
            source=self.ids[index],
        )

    def view(self, name: str) -> Store:
        """The same clips with the classes of another view; :class:`SkeltextError` lists the views there are."""
        if name not in self.views:
            raise SkeltextError(f"{self.folder} has no view {name!r}; it has {', '.join(self.views)}")
        view = self.views[name]
        labels = np.asarray(view.from_class, np.int32)[self.finest_labels]
        return replace(self, classes=view.classes, labels=labels, view_name=name)

    @property
    def counts(self) -> dict[str, int]:
        """Clips per class of the view."""
        found = Counter(self.labels.tolist())
        return {name: found[number] for number, name in enumerate(self.classes)}

    def verify(self) -> None:
        """Read everything and raise :class:`SkeltextError` if it is not what the hash was taken of."""
        with safe_open(self.folder / CLIPS, framework="numpy") as file:
            tensors = {name: _hash_of(file.get_slice(name)) for name in KINDS}
        found = content_hash(json.loads(read_text(self.folder / INDEX)), tensors)
        if found != self.hash:
            raise SkeltextError(
                f"{self.folder} has hash {found[:12]} where its index says {self.hash[:12]}: it was changed or"
                " damaged; prepare it again"
            )


def content_hash(index: Mapping[str, Any], tensors: Mapping[str, str]) -> str:
    """SHA-256 over what the clips are: two stores with one hash hold the same clips.

    It is taken of the JSON text (sorted keys, no blanks, ASCII) of an object with the entries ``dataset``, ``layout``,
    ``fps``, ``classes``, ``sources`` and ``ids`` of `index` and, under ``tensors``, the SHA-256 of the bytes of every
    tensor.
    """
    content = {key: index[key] for key in ("dataset", "layout", "fps", "classes", "sources", "ids")}
    text = json.dumps({**content, "tensors": tensors}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def open_store(path: Path | str) -> Store:
    """Open the prepared store in folder `path`; its clips stay on disk until they are asked for.

    Raises :class:`SkeltextError` if the folder is no store, of another version, or its files do not fit each other.
    """
    folder = Path(path)
    index = _index(folder)
    tensors, shape = _tensors(folder / CLIPS)
    try:
        store = _store(folder, index, tensors)
        problem = next(_problems(store, shape), None)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _damaged(folder, f"an entry of its index is missing or of the wrong kind ({error!r})") from error
    if problem:
        raise _damaged(folder, problem)
    return store


def _store(folder: Path, index: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> Store:
    views = {name: View(tuple(view["classes"]), tuple(view["from_class"])) for name, view in index["views"].items()}
    bodies, rows = tensors["bodies"], np.diff(tensors["offsets"])
    return Store(
        folder=folder,
        name=str(index["dataset"]),
        reading=str(index["reading"]),
        layout=layout_named(index["layout"]),
        fps=float(index["fps"]),
        classes=tuple(index["classes"]),
        labels=tensors["labels"],
        subjects=tensors["subjects"],
        cameras=tensors["cameras"],
        setups=tensors["setups"],
        sources=tensors["sources"],
        source_names=tuple(index["sources"]),
        ids=tuple(index["ids"]),
        bodies=bodies,
        frames=rows[: len(bodies)] // np.maximum(bodies[: len(rows)], 1),
        rates=tensors["rates"],
        offsets=tensors["offsets"],
        views=views,
        view_name=next(iter(views), ""),
        finest_labels=tensors["labels"],
        protocols={name: _protocol(entry) for name, entry in index["protocols"].items()},
        bad=tuple({"id": str(entry["id"]), "reason": str(entry["reason"])} for entry in index["bad"]),
        hash=str(index["hash"]),
    )


def _protocol(entry: Mapping[str, Any]) -> Protocol:
    by = str(entry["by"])
    if by not in get_args(Divider):
        raise ValueError(f"a protocol by {by!r}")
    return Protocol(cast(Divider, by), frozenset(int(number) for number in entry["train"]), str(entry["source"]))


def _index(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise SkeltextError(
            f"{folder} is no folder; give the folder of a prepared store, which `skeltext prepare` makes"
        )
    if not (folder / INDEX).exists():
        raise SkeltextError(f"{folder} has no {INDEX}, so it is no prepared store; make one with `skeltext prepare`")
    try:
        index = json.loads(read_text(folder / INDEX))
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, f"{INDEX} is no JSON ({error})") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise SkeltextError(f"{folder / INDEX} is not the index of a prepared store; give another folder")
    if index.get("version") != VERSION:
        raise SkeltextError(
            f"{folder} is a store of version {index.get('version')!r} where this skeltext reads version {VERSION};"
            " prepare it again"
        )
    return index


def _tensors(path: Path) -> tuple[dict[str, npt.NDArray[Any]], tuple[int, ...]]:
    """All tensors but the positions, and the shape of those; safetensors checks every claim against the file size."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _damaged(path.parent, f"{path.name} is not a regular file")
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            if names != set(KINDS):
                raise _damaged(path.parent, f"{path.name} holds {', '.join(sorted(names)) or 'nothing'}")
            for name, (kind, _) in KINDS.items():
                if file.get_slice(name).get_dtype() != kind:
                    raise _damaged(path.parent, f"{name} is {file.get_slice(name).get_dtype()}, expected {kind}")
            tensors = {name: file.get_tensor(name) for name in KINDS if name != "positions"}
            shape = tuple(file.get_slice("positions").get_shape())
    except (OSError, SafetensorError) as error:
        raise _damaged(path.parent, f"{path.name} cannot be read ({error})") from error
    return tensors, shape


def _problems(store: Store, shape: tuple[int, ...]) -> Iterator[str]:
    """What does not fit between the two files; each test relies on those before it."""
    count = len(store.ids)
    for name in ("rates", "bodies", "labels", "subjects", "cameras", "setups", "sources"):
        if getattr(store, name).shape != (count,):
            yield f"{name} has shape {getattr(store, name).shape} for {count} clips"
    if store.offsets.shape != (count + 1,) or count == 0:
        yield f"offsets has shape {store.offsets.shape} for {count} clips"
    if shape[1:] != (store.layout.V, store.layout.C):
        yield f"positions has shape {shape}, layout {store.layout.name} has {store.layout.V} joints"
    lengths = np.diff(store.offsets)
    if store.offsets[0] != 0 or store.offsets[-1] != shape[0] or (lengths <= 0).any():
        yield f"offsets do not cut the {shape[0]} rows of positions into {count} clips"
    if (store.bodies <= 0).any() or (lengths % store.bodies).any():
        yield "a clip does not have one row per body and frame"
    if not ((store.rates > 0) & (store.rates < 10_000)).all():
        yield "a clip has no positive frame rate"
    if not _within(store.labels, store.classes) or not _within(store.sources, store.source_names):
        yield "a clip has a class or a source that the index does not name"
    if not store.views:
        yield "its index names no view"
    for name, view in store.views.items():
        targets = np.asarray(view.from_class)
        if targets.shape != (len(store.classes),) or targets.dtype.kind != "i" or not _within(targets, view.classes):
            yield f"view {name} does not map the {len(store.classes)} classes"
    if len(set(store.ids)) != count:
        yield "two clips have the same id"


def _within(numbers: npt.NDArray[Any], names: tuple[str, ...]) -> bool:
    return bool((numbers >= 0).all() and (numbers < len(names)).all())


def _hash_of(tensor: Any) -> str:
    digest = hashlib.sha256()
    length = tensor.get_shape()[0]
    for start in range(0, length, _CHUNK):
        digest.update(np.ascontiguousarray(tensor[start : min(start + _CHUNK, length)]).tobytes())
    return digest.hexdigest()


def _damaged(folder: Path, problem: str) -> SkeltextError:
    return SkeltextError(f"{folder} is a damaged store: {problem}; prepare the data set again")
