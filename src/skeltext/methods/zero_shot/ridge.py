"""Ridge regression from features to class texts, solved at once.

The features of a clip are standardized and mapped linearly to the text of its class by least squares with a penalty,
every class counting the same however many clips it has. On fixed features there is no step, no epoch and no seed.
After Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning", ICML 2015.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About, Batch, Method

STRENGTH = 500.0  # chosen on kinect20 with random classes held out; from 200 to 2000 nothing changes
SOFTENING = 0.05  # added to the deviation of a feature, so that one that hardly changes does not become noise
LARGEST = 4.0  # deviations from the mean; a feature beyond is an outlier
TEMPERATURE = 0.07  # of a softmax over cosines, as in contrastive training


def balanced_weights(labels: Tensor) -> Tensor:
    """(N,) weights of clips with these labels (N,), which add up to the same for every class and have the mean 1.

    >>> balanced_weights(torch.tensor([0, 0, 1])).tolist()
    [0.75, 0.75, 1.5]
    """
    weights = 1 / torch.bincount(labels)[labels].double()
    return weights / weights.mean()


def ridge_map(z: Tensor, targets: Tensor, weights: Tensor, *, strength: float) -> Tensor:
    """(D, W) the minimum over W of sum_i w_i |z_i W - t_i|^2 + strength |W|^2, solved in float64.

    `z` (N, D) are features, `targets` t (N, W) and `weights` w (N,). Where there are fewer clips than features the
    equal form W = Z' (Z Z' + strength / w)^-1 T is solved, which is N x N in place of D x D.
    """
    z, targets, weights = z.double(), targets.double(), weights.double()
    if len(z) < z.shape[1]:
        gram = z @ z.T + torch.diag(strength / weights)  # N N
        dual: Tensor = torch.linalg.solve(gram, targets)
        return z.T @ dual
    weighted = (weights.unsqueeze(1) * z).T  # D N
    gram = weighted @ z + strength * torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
    solution: Tensor = torch.linalg.solve(gram, weighted @ targets)
    return solution


class Ridge(Method):
    """A linear map of standardized features (N, D) to the width of the texts; `strength` is the penalty.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import KINECT20
    >>> Ridge(encoder=STGCN(layout=KINECT20), text_width=384).map.shape
    torch.Size([256, 384])
    """

    closed_form = True
    about = About(
        title="Ridge",
        paper="after Romera-Paredes and Torr: An embarrassingly simple approach to zero-shot learning. ICML 2015",
        year=2015,
        needs="class texts; features of a fixed or frozen encoder; it is solved in one step",
    )
    mean: Tensor
    scale: Tensor
    map: Tensor

    def __init__(self, *, encoder: Encoder, text_width: int, strength: float = STRENGTH) -> None:
        super().__init__(encoder=encoder)
        if strength <= 0:
            raise ValueError(f"strength {strength}, expected a positive number")
        self.strength = strength
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        self.register_buffer("map", torch.zeros(self.width, text_width))

    @property
    def score_scale(self) -> float:
        """The inverse temperature of contrastive training."""
        return 1 / TEMPERATURE

    def standardized(self, features: Tensor) -> Tensor:
        """(N, D) features less their mean in training, by their deviation, within a few deviations."""
        return ((features - self.mean) * self.scale).clamp(-LARGEST, LARGEST)

    def solve(self, batch: Batch) -> dict[str, Tensor]:
        """Learn the map; "loss" is the weighted mean of the squared distances to the text of the class."""
        features, targets = self.batch_features(batch), F.normalize(batch.texts, dim=1)[batch.labels]
        self.mean.copy_(features.mean(dim=0))
        self.scale.copy_(1 / (features.std(dim=0, correction=0) + SOFTENING))
        weights = balanced_weights(batch.labels)
        self.map.copy_(ridge_map(self.standardized(features), targets, weights, strength=self.strength))
        distances = (self.embed_features(features) - targets).square().sum(dim=1)
        return {"loss": (weights * distances).mean()}

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, W) in the space of the texts."""
        return self.standardized(features) @ self.map

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines."""
        return cosine_scores(embedded, texts)
