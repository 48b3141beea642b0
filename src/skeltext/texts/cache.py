"""Embeddings on disk, one small file per sentence, keyed by encoder, revision and text."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.formats.arrays import read_array
from skeltext.formats.format import read_bytes
from skeltext.formats.writing import made_folder, written_aside


class EmbeddingCache:
    """A folder of ``.npy`` rows; ``SKELTEXT_CACHE`` moves it from ``~/.cache/skeltext``.

    A row that is damaged counts as missing. Two processes may write the same row: the last rename wins, both are equal.
    """

    def __init__(self, folder: Path | None = None) -> None:
        home = os.environ.get("SKELTEXT_CACHE") or Path.home() / ".cache" / "skeltext"
        self.folder = folder or Path(home) / "embeddings"

    @staticmethod
    def digest(content: bytes) -> str:
        """Hexadecimal SHA-256."""
        return hashlib.sha256(content).hexdigest()

    @classmethod
    def key(cls, encoder: str, revision: str, text: str) -> str:
        """The file name stem of a sentence."""
        return cls.digest("\0".join((encoder, revision, text)).encode())

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.npy"

    def get(self, key: str) -> npt.NDArray[np.float32] | None:
        """The (D,) row of a key, None if it is not there."""
        path = self._path(key)
        try:
            content = read_bytes(path)
            row = read_array(BytesIO(content), size=len(content), name=str(path))
        except SkeltextError:
            return None
        return row if row.ndim == 1 and row.dtype == np.float32 and np.isfinite(row).all() else None

    def put(self, key: str, row: npt.NDArray[np.float32]) -> None:
        """Keep a row; written aside and renamed, so that it is whole or absent."""
        path = self._path(key)
        made_folder(path.parent)
        with written_aside(path) as aside, aside.open("wb") as file:
            np.save(file, row)
