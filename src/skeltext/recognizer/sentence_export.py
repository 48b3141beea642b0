"""A sentence-transformers model as one ONNX file, and the proof that it embeds as the model does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from skeltext.errors import require
from skeltext.recognizer.onnx_recording import recorded_aside
from skeltext.texts.encoder import SentenceTransformer
from skeltext.texts.onnx_sentences import INPUTS, OUTPUTS, ExportedEncoder

TOLERANCE = 1e-5
"""How far a coordinate of an embedded sentence may be from that of the model."""
SENTENCES = (
    "jump",
    "A person raises the right hand above the head and moves it from side to side.",
    "Un café, s'il vous plaît: 手を振る!",
    "both arms swing forward and back while the knees bend " * 40,
)


class RecordedEncoder(nn.Module):
    """All parts of a sentence-transformers model in their order: the network, how tokens are pooled, the rest."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Tokens (K, S) and which of them are words (K, S) to embedded sentences (K, D)."""
        embedded: Tensor = self.model({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]
        return embedded


def export_sentences(name: str, path: Path) -> float:
    """Write the text encoder of that name to `path` and return how far its sentences are from the model's at most.

    The graph takes ``input_ids`` and ``attention_mask`` (K, S) to ``embedded`` (K, D) for any number of sentences of
    any length; the tokenizer lies in the metadata. Raises :class:`SkeltextError`, without a file, where the tokenizer
    cannot be written down or where the file would embed otherwise than the model.
    """
    model = SentenceTransformer(name)._model.eval()
    tokenizer: Any = getattr(model.tokenizer, "backend_tokenizer", None)
    require(
        tokenizer is not None,
        f"the text encoder {name!r} has a tokenizer in Python, which no file can hold; choose one of which the package"
        " tokenizers knows the tokenizer",
    )
    tokens = model.preprocess(list(SENTENCES[:3])) if hasattr(model, "preprocess") else model.tokenize(SENTENCES[:3])
    with recorded_aside(
        RecordedEncoder(model),
        path,
        inputs={part: tokens[part] for part in INPUTS},
        dynamic=dict.fromkeys(INPUTS, (0, 1)),
        outputs=OUTPUTS,
        metadata={
            "name": name,
            "tokenizer": tokenizer.to_str(),
            "longest": model.max_seq_length,
            "padding": model.tokenizer.pad_token_id,
        },
    ) as aside:
        exported = ExportedEncoder(aside, name=name)
        known = model.encode(list(SENTENCES), show_progress_bar=False)
        apart = float(np.abs(exported.encode(SENTENCES) - known).max())
        alone = float(np.abs(exported.encode(SENTENCES[:1]) - known[:1]).max())
        require(
            max(apart, alone) <= TOLERANCE,
            f"{path} would embed up to {max(apart, alone):.1e} away from {name!r}, expected at most {TOLERANCE:.0e}, so"
            " it was not written; tell us of the encoder and the version of onnxruntime",
        )
    return max(apart, alone)
