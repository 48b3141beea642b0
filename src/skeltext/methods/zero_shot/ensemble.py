"""Ridge regression and a small network on the same features, whose directions are added.

Each alone is a method as well: ``ridge`` and ``mlp``. The ridge is discounted by its errors on classes that it was not
shown, and the network counts half.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About
from skeltext.methods.text_network import STEPS, TextNetwork, fit_network
from skeltext.methods.zero_shot.mlp import HIDDEN
from skeltext.methods.zero_shot.ridge import STRENGTH, Ridge

SHARE = 0.5  # of the network's direction beside that of the ridge


class Ensemble(Ridge):
    """A :class:`~skeltext.methods.zero_shot.ridge.Ridge`, and a network of `hidden` units trained by so many `steps`.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import KINECT20
    >>> method = Ensemble(encoder=STGCN(layout=KINECT20), text_width=384)
    >>> method.map.shape, method.network[1].in_features
    (torch.Size([256, 384]), 256)
    """

    about = About(
        title="Ridge and MLP",
        paper="after Romera-Paredes and Torr (ICML 2015) and Socher et al. (NeurIPS 2013)",
        year=2015,
        needs="class texts; features of a fixed or frozen encoder; it is trained in one epoch of seconds",
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        strength: float = STRENGTH,
        discount: bool = True,
        hidden: int = HIDDEN,
        steps: int = STEPS,
    ) -> None:
        super().__init__(encoder=encoder, text_width=text_width, strength=strength, discount=discount)
        if min(hidden, steps) < 1:
            raise ValueError(f"hidden {hidden} and steps {steps}, expected at least 1 of both")
        self.steps = steps
        self.network = TextNetwork(width=self.width, hidden=hidden, text_width=text_width)

    def fit(self, z: Tensor, texts: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Solve the map and train the network."""
        super().fit(z, texts, labels, weights)
        fit_network(self.network, z, texts, labels, weights, steps=self.steps)

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, W), that of the sum of both directions in the space of the texts."""
        solved, trained = super().embed_features(features), self.network(self.standardized(features))
        return F.normalize(F.normalize(solved, dim=1) + SHARE * F.normalize(trained, dim=1), dim=1)
