"""A trained model as ONNX Runtime computes it, from one exported file and without torch."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from skeltext.encoders.fixed import FixedEncoder
from skeltext.encoders.registry import ENCODERS
from skeltext.errors import SkeltextError, require
from skeltext.formats.onnx_file import not_ours, open_graph
from skeltext.recognizer.calibration import FIGURES, REFERENCE, Calibration, calibration_from, load_calibration
from skeltext.recognizer.card import LABEL_MAP, SPACE_STATE, UNREADABLE, card_from_texts, content_of
from skeltext.recognizer.model import Floats, unit

HOLDS, WRITTEN_BY = "model", "skeltext export RUN FILE.onnx"
INPUTS, OUTPUTS = ("clips", "texts"), ("embedded", "scores")
AFTER_ENCODER = ("features", "texts")  # the inputs where the encoder is a fixed function, which is not in the graph
FITTED = {"state": ("text_space", SPACE_STATE), "label_map": ("label_map", LABEL_MAP)}
"""What a card is given, by its name in the metadata and the file that lies beside a graph which does not hold it."""


class OnnxModel:
    """The model of a file that `skeltext export` wrote; see :class:`~skeltext.recognizer.model.Model`.

    Its graph takes clips, or the features that a fixed encoder makes of them, and texts to embedded clips and their
    cosines. The metadata of the file hold its card, with the steps of the preparation that are not in the graph, and
    its ``calibration`` if it has one. What was fitted for texts is there, too, or in files beside it.
    """

    cosines = True  # of no other model a file is written

    def __init__(self, path: Path) -> None:
        self._path = path
        self._session, entry = open_graph(path, holds=HOLDS, written_by=WRITTEN_BY)
        try:
            fitted = {
                argument: base64.b64decode(entry[name]) if name in entry else content_of(path.with_name(file))
                for argument, (name, file) in FITTED.items()
            }
            self.card = card_from_texts(entry["card"], **fitted)
            self.score_scale = float(entry["score_scale"])
            self.calibration = unpacked_calibration(entry["calibration"])
            self._encoder = self._fixed_encoder()
            self._require_fitting_graph()
        except (*UNREADABLE, SafetensorError, SkeltextError) as error:
            raise not_ours(path, error, holds=HOLDS, written_by=WRITTEN_BY) from error
        self._no_text = np.zeros((1, self.card.model.text_width), np.float32)

    def _fixed_encoder(self) -> FixedEncoder | None:
        """The function that makes features of clips, where the graph begins with features."""
        if self._session.get_inputs()[0].name != AFTER_ENCODER[0]:
            return None
        model = self.card.model
        encoder = ENCODERS.build(model.encoder, model.encoder_options, layout=self.card.preprocessing.layout)
        if not isinstance(encoder, FixedEncoder):
            raise SkeltextError(f"its graph takes features, and the encoder {model.encoder} is no fixed function")
        return encoder

    def _require_fitting_graph(self) -> None:
        """That the graph is one for the encoder, the layout and the text encoder of the card."""
        layout, width = self.card.preprocessing.layout, self.card.model.text_width
        shapes = {put.name: put.shape for put in self._session.get_inputs()}
        inputs = INPUTS if self._encoder is None else AFTER_ENCODER
        fits = tuple(shapes) == inputs and tuple(put.name for put in self._session.get_outputs()) == OUTPUTS
        if fits and self._encoder is None:
            fits = (shapes["clips"][1], shapes["clips"][3]) == (layout.C, layout.V)
        elif fits and self._encoder is not None:
            fits = shapes["features"][1] == self._encoder.width
        require(fits and shapes["texts"][1] == width, "its graph is none for its card")

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) clips to (N, D); :class:`SkeltextError` if the rest of their preparation left nothing."""
        embedded = self._embedded(clips)
        require(
            np.isfinite(embedded).all(),
            "nothing is left of a clip after its preparation: nobody is in it, or nobody whose shoulders and hips are"
            " tracked together; take another piece of the recording",
        )
        return np.asarray(embedded, np.float32)

    def _embedded(self, clips: Floats) -> Floats:
        """(N, D), NaN where nothing is left of a clip."""
        if self._encoder is None:
            (embedded,) = self._session.run(["embedded"], {"clips": clips, "texts": self._no_text})
            return np.asarray(embedded)
        features = np.asarray(self._encoder.encode(clips), np.float32)
        (embedded,) = self._session.run(["embedded"], {"features": features, "texts": self._no_text})
        left = np.asarray(clips.any(axis=(1, 2, 3, 4)), np.bool_)
        return np.where(left[:, None], embedded, np.nan)

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """(N, D) and embedded texts (K, D) to cosines (N, K)."""
        return np.asarray(unit(embedded) @ unit(texts).T)


def packed_calibration(folder: Path) -> dict[str, str] | None:
    """The two files of a calibration in base64, by their names; None where nothing was fitted."""
    if load_calibration(folder) is None:
        return None
    return {name: base64.b64encode((folder / name).read_bytes()).decode() for name in (FIGURES, REFERENCE)}


def unpacked_calibration(packed: Mapping[str, Any] | None) -> Calibration | None:
    """The calibration of which :func:`packed_calibration` made a packet."""
    if packed is None:
        return None
    return calibration_from(*(base64.b64decode(packed[name]) for name in (FIGURES, REFERENCE)))
