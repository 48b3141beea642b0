"""A text encoder as ONNX Runtime computes it, from one exported file and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from skeltext.errors import require
from skeltext.formats.onnx_file import not_ours, open_graph
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.encoder import EMBEDDED, Embeddings, SentenceTransformer

SENTENCES = "sentences.onnx"
"""The name of an exported text encoder, which lies beside an exported model."""
HOLDS, WRITTEN_BY = "text encoder", "skeltext export RUN FILE.onnx --sentences"
INPUTS, OUTPUTS = ("input_ids", "attention_mask"), ("embedded",)
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


class OnnxSentences(SentenceTransformer):
    """The text encoder of a file that `skeltext export --sentences` wrote, opened for the first new sentence.

    `name` is that of the encoder it was made of. Both share what they keep on disk, so that the file need not be there
    for sentences that either has embedded before.
    """

    def __init__(self, path: Path, *, name: str = EMBEDDED, cache: EmbeddingCache | None = None) -> None:
        super().__init__(name, cache=cache)
        self._path = path

    @cached_property
    def _model(self) -> Any:
        require(
            self._path.is_file(),
            f"a sentence was not embedded before, and {self._path} is not there to do it; write it with `{WRITTEN_BY}`"
            " where torch is installed, or pip install 'skeltext[text]' here",
        )
        return ExportedEncoder(self._path, name=self.name)


class ExportedEncoder:
    """The graph of an exported text encoder behind its tokenizer."""

    def __init__(self, path: Path, *, name: str) -> None:
        require(
            find_spec("tokenizers"),
            "an exported text encoder needs the package tokenizers: pip install 'skeltext[onnx]'",
        )
        self._session, entry = open_graph(path, holds=HOLDS, written_by=WRITTEN_BY)
        from tokenizers import Tokenizer

        try:
            made_of = str(entry["name"])
            self._tokenizer = Tokenizer.from_str(entry["tokenizer"])
            self._tokenizer.enable_truncation(int(entry["longest"]))
            self._tokenizer.enable_padding(pad_id=int(entry["padding"]))
            require(
                tuple(put.name for put in self._session.get_inputs()) == INPUTS
                and tuple(put.name for put in self._session.get_outputs()) == OUTPUTS,
                "its graph is none for sentences",
            )
        except Exception as error:  # tokenizers raises nothing more special
            raise not_ours(path, error, holds=HOLDS, written_by=WRITTEN_BY) from error
        require(
            made_of == name,
            f"{path} holds the text encoder {made_of!r}, but the model was trained with {name!r}; write its own with"
            f" `{WRITTEN_BY}`",
        )

    def encode(self, texts: Sequence[str], **_: object) -> Embeddings:
        """K sentences to (K, D) float32."""
        tokens = self._tokenizer.encode_batch(list(texts))
        ids, mask = (np.array([getattr(row, part) for row in tokens], np.int64) for part in ("ids", "attention_mask"))
        (rows,) = self._session.run(list(OUTPUTS), dict(zip(INPUTS, (ids, mask), strict=True)))
        return np.asarray(rows, np.float32)
