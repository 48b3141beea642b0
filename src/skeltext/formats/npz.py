"""The plain container of skeltext: a NumPy `.npz` with positions, layout and frame rate, and nothing to execute."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.formats.arrays import read_array
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import MAX_BYTES, Format, read_bytes
from skeltext.formats.writing import written_aside
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import LAYOUTS

_MEMBERS = ("positions", "layout", "fps", "confidence", "tracks")
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
Arrays = dict[str, npt.NDArray[Any]]


def read_members(path: Path, names: Sequence[str]) -> Arrays:
    """The arrays of these names in the file; one that would unpack to more than any clip needs is refused unread."""
    try:
        with zipfile.ZipFile(BytesIO(read_bytes(path))) as archive:
            members = [member for member in archive.infolist() if member.filename.removesuffix(".npy") in names]
            total = sum(member.file_size for member in members)
            require(total <= MAX_BYTES, f"{path} unpacks to {total / 1e9:.1f} GB, more than any clip needs; cut it")
            arrays = {}
            for member in members:
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as stream:
                    content = stream.read(member.file_size)
                arrays[name] = read_array(BytesIO(content), size=len(content), name=f"{name} in {path}")
    except _DAMAGED as error:
        raise SkeltextError(f"{path} is no undamaged npz file ({str(error)[:80]}); save it again") from error
    return arrays


def _typed(arrays: Arrays, name: str, kinds: str, path: Path) -> npt.NDArray[Any] | None:
    """The array of that name, None if the file has none; its dtype must be of one of `kinds`."""
    values = arrays.get(name)
    if values is not None and values.dtype.kind not in kinds:
        expected = "text" if kinds == "U" else "numbers"
        raise SkeltextError(f"{path} has {name} of type {values.dtype}, expected {expected}; save it again")
    return values


def _layout(arrays: Arrays, given: Layout | None, path: Path) -> Layout:
    """The layout that the file names, or the given one where it names none."""
    name = _typed(arrays, "layout", "U", path)
    if name is None:
        if given is None:
            raise SkeltextError(f"{path} does not say its layout: name it, or save a text `layout` in the file")
        return given
    known = LAYOUTS.get(str(name)) if given is None else given
    if known is None:
        raise SkeltextError(
            f"{path} is in layout {str(name)[:40]!r}, which is not known; known are {', '.join(LAYOUTS)}"
        )
    require(str(name) == known.name, f"{path} is in layout {str(name)[:40]}, not {known.name}; leave the layout away")
    return known


def read_npz(path: Path, *, layout: Layout | None = None) -> Clip:
    """The clip of a file with ``positions`` (M, T, V, C), or (T, V, C) for one body.

    The file may also hold ``layout`` (a name), ``fps``, ``confidence`` (positions without C) and ``tracks`` (M,).
    `layout` is for a file that names none, or one that is not registered. Nothing is ever unpickled.
    Raises :class:`SkeltextError` if the layout is not known or the arrays do not fit it.
    """
    arrays = read_members(path, _MEMBERS)
    positions = _typed(arrays, "positions", "fiu", path)
    if positions is None or positions.ndim not in (3, 4):
        raise SkeltextError(f"{path} has no `positions` of shape (bodies, frames, joints, 3); save them in the file")
    confidence, fps = _typed(arrays, "confidence", "fiu", path), _typed(arrays, "fps", "fiu", path)
    tracks = _typed(arrays, "tracks", "U", path)
    bodies = positions.shape[0] if positions.ndim == 4 else 1
    require(fps is None or fps.ndim == 0, f"{path} has more than one fps, expected a single number; save it again")
    require(
        tracks is None or tracks.shape == (bodies,),
        f"{path} names other tracks than its {bodies} bodies; save one name for each",
    )
    return checked_clip(
        positions.reshape(bodies, *positions.shape[-3:]),
        layout=_layout(arrays, layout, path),
        fps=None if fps is None else float(fps),
        confidence=confidence[None] if confidence is not None and confidence.ndim == 2 else confidence,
        tracks=() if tracks is None else tuple(tracks.tolist()),
        path=path,
    )


def write_npz(clip: Clip, path: Path) -> None:
    """Write `clip` so that :func:`read_npz` gives it back; a layout that is not registered it must be told.

    >>> from tempfile import TemporaryDirectory
    >>> from skeltext.skeletons.layouts import KINECT20
    >>> clip = Clip(positions=np.ones((1, 9, 20, 3), np.float32), layout=KINECT20, fps=30.0)
    >>> with TemporaryDirectory() as folder:
    ...     write_npz(clip, Path(folder, "clip.npz"))
    ...     read_npz(Path(folder, "clip.npz")).positions.shape
    (1, 9, 20, 3)
    """
    arrays: dict[str, Any] = {"positions": clip.positions, "layout": clip.layout.name, "tracks": np.array(clip.tracks)}
    if clip.fps is not None:
        arrays["fps"] = clip.fps
    if clip.confidence is not None:
        arrays["confidence"] = clip.confidence
    with written_aside(path) as aside, aside.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


FORMAT = Format(
    name="npz",
    about="NumPy npz with positions, layout and fps",
    suffixes=(".npz",),
    recognises=lambda path, head: head.startswith(b"PK\x03\x04"),
    read=read_npz,
)
