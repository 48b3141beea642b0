"""A trained model as PyTorch computes it, on any device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from skeltext.recognizer.card import WEIGHTS, load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import embed_clips
from skeltext.recognizer.model import Floats


class TorchModel:
    """The model of a checkpoint folder; see :class:`~skeltext.recognizer.model.Model`."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        self.card = load_card(folder)
        self.method = load_method(self.card, folder / WEIGHTS, device=device)
        self.score_scale = self.method.score_scale
        self._prepared: Tensor | None = None

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) prepared clips to (N, D)."""
        return np.asarray(embed_clips(self.method, torch.from_numpy(clips)).numpy())

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """(N, D) and embedded texts (K, W) to (N, K).

        A method that reads several kinds of text is given what was typed for all of them; one that must fit something
        for its texts does so when they change.
        """
        device = next(self.method.parameters()).device
        anchors = torch.from_numpy(texts).to(device)
        if kinds := len(self.method.text_kinds):
            anchors = anchors.unsqueeze(1).expand(-1, kinds, -1)  # K W -> K P W
        if self._prepared is None or not torch.equal(anchors, self._prepared):
            self.method.prepare(anchors)
            self._prepared = anchors
        with torch.inference_mode():
            return np.asarray(self.method.scores(torch.from_numpy(embedded).to(device), anchors).cpu().numpy())
