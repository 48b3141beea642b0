"""Embedded windows of motion files on disk, beside the motions, so that a folder is embedded once and searched often.

An entry is one safetensors file for a motion file. Its name is a hash of all that decides its content, so that nothing
in it can be out of date: another motion, model or kind of window has another name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from skeltext.errors import SkeltextError
from skeltext.formats.format import read_bytes
from skeltext.formats.writing import made_folder, written_aside
from skeltext.recognizer.model import Floats
from skeltext.texts.cache import EmbeddingCache

FOLDER = ".skeltext"


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddedWindows:
    """W windows of a clip: ``embedded`` (W, D), ``frames`` (W, 2) the first of each and the one after its last.

    ``fps`` is None where the clip does not say.
    """

    embedded: Floats
    frames: npt.NDArray[np.int64]
    fps: float | None


class WindowCache:
    """The folder ``.skeltext`` in a folder of motions or, where that cannot be written, one in the user's cache.

    An entry that is damaged counts as missing. Two processes may write the same one: the last rename wins, both are
    equal.
    """

    def __init__(self, folder: Path) -> None:
        self.places = (folder / FOLDER, EmbeddingCache().folder.with_name("windows"))

    def get(self, key: str) -> EmbeddedWindows | None:
        """What was put under a key, None if it is not there or is not what was put there."""
        for place in self.places:
            try:
                entry = load(read_bytes(place / _name(key)))
            except (SkeltextError, SafetensorError):
                continue
            if (
                entry.keys() == {"embedded", "frames", "fps", "digest"}
                and (entry.pop("digest") == _digest(key, entry)).all()
            ):
                fps = float(entry["fps"][0])
                return EmbeddedWindows(embedded=entry["embedded"], frames=entry["frames"], fps=fps or None)
        return None

    def put(self, key: str, windows: EmbeddedWindows) -> None:
        """Keep windows; written aside and renamed, so that they are whole or absent."""
        entry: dict[str, npt.NDArray[np.generic]] = {
            "embedded": np.ascontiguousarray(windows.embedded),
            "frames": np.ascontiguousarray(windows.frames),
            "fps": np.array([windows.fps or 0.0]),
        }
        content = save(entry | {"digest": _digest(key, entry)})
        beside, own = self.places
        try:
            _write(beside / _name(key), content)
        except SkeltextError:  # a medium or a folder of somebody else that may only be read
            _write(own / _name(key), content)


def _name(key: str) -> str:
    return f"{key}.safetensors"


def _write(path: Path, content: bytes) -> None:
    made_folder(path.parent)
    with written_aside(path) as aside:
        aside.write_bytes(content)


def _digest(key: str, entry: dict[str, npt.NDArray[np.generic]]) -> npt.NDArray[np.uint8]:
    """(32,) bytes of the SHA-256 over a key and its tensors, which tells a damaged or misplaced entry."""
    found = hashlib.sha256(key.encode())
    for name in sorted(entry):
        found.update(f"{name} {entry[name].dtype} {entry[name].shape}\n".encode() + entry[name].tobytes())
    return np.frombuffer(found.digest(), np.uint8)
