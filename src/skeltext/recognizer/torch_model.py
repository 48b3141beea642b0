"""A trained model as PyTorch computes it, on any device."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from skeltext.recognizer.card import WEIGHTS, load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import embed_clips
from skeltext.recognizer.model import Floats, unit


class TorchModel:
    """The model of a checkpoint folder; see :class:`~skeltext.recognizer.model.Model`."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        self.card = load_card(folder)
        self.method = load_method(self.card, folder / WEIGHTS, device=device)
        self.score_scale = self.method.score_scale
        self._prepared: Tensor | None = None
        self._scoring = Lock()  # held from the fit for some texts to the scores against them

    @property
    def cosines(self) -> bool:
        """Whether scores are cosines of clip and text, which made-up ones tell: those of pgfa and devise are."""
        if self.method.route != "zero-shot" or self.method.text_kinds:
            return False
        layout, generator = self.card.preprocessing.layout, np.random.default_rng(0)
        embedded = self.embed(generator.normal(size=(3, layout.C, 30, layout.V, 1)).astype(np.float32))  # N C T V M
        texts = unit(generator.normal(size=(5, self.card.model.text_width)).astype(np.float32))
        alike = embedded.shape[1] == texts.shape[1]
        return alike and np.allclose(self.scores(embedded, texts), unit(embedded) @ texts.T, atol=1e-5)

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) prepared clips to (N, D)."""
        return np.asarray(embed_clips(self.method, torch.from_numpy(clips)).numpy())

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """(N, D) and embedded texts (K, W), or (K, P, W) by kind, to (N, K).

        A method that reads several kinds of text is given the same for all of them where there is one; one that must
        fit something for its texts does so when they change, one thread at a time.
        """
        device = self.method.device
        anchors = torch.from_numpy(texts).to(device)
        if (kinds := len(self.method.text_kinds)) and anchors.ndim == 2:
            anchors = anchors.unsqueeze(1).expand(-1, kinds, -1)  # K W -> K P W
        with self._scoring:
            if self._prepared is None or not torch.equal(anchors, self._prepared):
                self.method.prepare(anchors)
                self._prepared = anchors
            with torch.inference_mode():
                return np.asarray(self.method.scores(torch.from_numpy(embedded).to(device), anchors).cpu().numpy())
