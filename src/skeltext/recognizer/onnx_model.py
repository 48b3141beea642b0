"""A trained model as ONNX Runtime computes it, from one exported file and without torch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.recognizer.card import UNREADABLE, card_from_texts
from skeltext.recognizer.model import Floats, unit

METADATA = "skeltext"


class OnnxModel:
    """The model of a file that `skeltext export` wrote; see :class:`~skeltext.recognizer.model.Model`.

    Its graph takes clips and texts to embedded clips and their cosines. Its card, in the metadata of the file, has the
    steps of the preparation that are not in the graph. One thread computes it: a clip is too little work for more.
    """

    def __init__(self, path: Path) -> None:
        if importlib.util.find_spec("onnxruntime") is None:
            raise SkeltextError("an exported model needs the package onnxruntime: pip install 'skeltext[onnx]'")
        require(path.is_file(), f"{path} is not there; `skeltext export RUN FILE.onnx` writes an exported model")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            entry = json.loads(self._session.get_modelmeta().custom_metadata_map[METADATA])
            self.card = card_from_texts(entry["card"])
            self.score_scale = float(entry["score_scale"])
        except (*UNREADABLE, RuntimeError, SkeltextError) as error:
            raise SkeltextError(
                f"{path} is no model that skeltext exported ({str(error)[:100]}); write it with `skeltext export`"
            ) from error
        self._no_text = np.zeros((1, self.card.model.text_width), np.float32)

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) prepared clips to (N, D)."""
        (embedded,) = self._session.run(["embedded"], {"clips": clips, "texts": self._no_text})
        return np.asarray(embedded, np.float32)

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """(N, D) and embedded texts (K, D) to cosines (N, K)."""
        return np.asarray(unit(embedded) @ unit(texts).T)
