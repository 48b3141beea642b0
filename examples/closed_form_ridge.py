"""A method with a closed form in one file: the ridge regression from features to class texts, solved at once.

With features Z (N, D), standardized, and for every clip the text T (N, W) of its class, the map is
W = (Z' P Z + lambda I)^-1 Z' P (T - t), where t is the mean text and the weights P let every class count the same,
however many clips it has. A clip is recognized by the text that points most nearly its way. After Romera-Paredes and
Torr, "An embarrassingly simple approach to zero-shot learning", ICML 2015; `ridge_regression.py` learns it by steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About, Batch, Method


def ridge(z: Tensor, targets: Tensor, weights: Tensor, *, strength: float) -> Tensor:
    """(D, W) the minimum over W of sum_i p_i ||z_i W - t_i||^2 + strength ||W||^2, in float64."""
    z, targets, weights = z.cpu().double(), targets.cpu().double(), weights.cpu().double()
    weighted = (weights.unsqueeze(1) * z).T  # D N
    gram = weighted @ z + strength * torch.eye(z.shape[1], dtype=z.dtype)
    solution: Tensor = torch.linalg.solve(gram, weighted @ targets)
    return solution


class ClosedFormRidge(Method):
    """A linear map of standardized features (N, D) to the width of the texts; `strength` is lambda."""

    closed_form = True
    about = About(
        title="Ridge regression, solved",
        paper="an example of skeltext, after Romera-Paredes and Torr: An embarrassingly simple approach to zero-shot"
        " learning. ICML 2015",
        year=2015,
        needs="class texts; features of a frozen or fixed encoder",
    )
    mean: Tensor
    scale: Tensor

    def __init__(self, *, encoder: Encoder, text_width: int, strength: float = 0.1) -> None:
        super().__init__(encoder=encoder)
        if strength <= 0:
            raise ValueError(f"strength {strength}, expected a positive number")
        self.strength = strength
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        self.map = nn.Parameter(torch.zeros(self.width, text_width), requires_grad=False)
        self.offset = nn.Parameter(torch.zeros(text_width), requires_grad=False)

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Learn the map; "loss" is the weighted mean of the squared distances to the text of the class."""
        features, targets = self.batch_features(batch), F.normalize(batch.texts, dim=1)[batch.labels]
        counts = torch.bincount(batch.labels)
        weights = 1 / counts[batch.labels] / (counts > 0).sum()  # N, of sum one
        self.mean.copy_(weights @ features)
        deviation = (weights @ (features - self.mean).square()).sqrt()
        self.scale.copy_(1 / deviation.where(deviation > 1e-6, torch.inf))  # what never changes says nothing
        self.offset.copy_(weights @ targets)
        z = (features - self.mean) * self.scale
        self.map.copy_(ridge(z, targets - self.offset, weights, strength=self.strength))
        distances = (self.embed_features(features) - targets).square().sum(dim=1)
        return {"loss": weights @ distances}

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, W) in the space of the texts."""
        return (features - self.mean) * self.scale @ self.map + self.offset

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines; higher is better."""
        return cosine_scores(embedded, texts)
