"""What methods share that learn from the standardized features of all training clips at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import Batch, Method

SOFTENING = 0.05  # added to the deviation of a feature, so that one that hardly changes does not become noise
LARGEST = 4.0  # deviations from the mean; a feature beyond is an outlier
TEMPERATURE = 0.07  # of a softmax over cosines, as in contrastive training


class Standardized(Method):
    """Learns by :meth:`fit`, from features (N, D) whose mean and deviation it measures before; scores are cosines."""

    closed_form = True
    mean: Tensor
    scale: Tensor

    def __init__(self, *, encoder: Encoder) -> None:
        super().__init__(encoder=encoder)
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))

    @property
    def score_scale(self) -> float:
        """The inverse temperature of contrastive training."""
        return 1 / TEMPERATURE

    def standardized(self, features: Tensor) -> Tensor:
        """(N, D) features less their mean in training, by their deviation, within a few deviations."""
        return ((features - self.mean) * self.scale).clamp(-LARGEST, LARGEST)

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from all clips; "loss" is the weighted mean of the squared distances to the text of the class."""
        features, texts = self.batch_features(batch), F.normalize(batch.texts, dim=1)
        self.mean.copy_(features.mean(dim=0))
        deviation = features.std(dim=0, correction=0)
        self.scale.copy_((deviation > 0) / (deviation + SOFTENING))  # a feature that never changed says nothing
        self.fit(self.standardized(features), texts, batch.labels, batch.weights)
        distances = (self.embed_features(features) - texts[batch.labels]).square().sum(dim=1)
        return {"loss": (batch.weights * distances).mean()}

    def fit(self, z: Tensor, texts: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Learn from standardized features (N, D), the `texts` (K, W) of length one, and what rows of these they show.

        `weights` (N,) say how much every clip counts; their mean is 1.
        """
        raise NotImplementedError

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines."""
        return cosine_scores(embedded, texts)
