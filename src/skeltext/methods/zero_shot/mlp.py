"""A small network from the features of a clip to the text of its class, trained in seconds on features that are fixed.

All of its steps are one epoch of a run, because they are few and see features alone. After Socher, Ganjoo, Manning and
Ng, "Zero-Shot Learning Through Cross-Modal Transfer", NeurIPS 2013, with the layers and losses of today.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About
from skeltext.methods.standardized import Standardized
from skeltext.methods.text_network import STEPS, TextNetwork, fit_network

HIDDEN = 256


class MLP(Standardized):
    """One layer of `hidden` units between standardized features (N, D) and the texts, trained by so many `steps`.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import KINECT20
    >>> MLP(encoder=STGCN(layout=KINECT20), text_width=384).network[-1]
    Linear(in_features=256, out_features=384, bias=True)
    """

    about = About(
        title="MLP",
        paper="after Socher et al.: Zero-Shot Learning Through Cross-Modal Transfer. NeurIPS 2013",
        year=2013,
        needs="class texts; features of a fixed or frozen encoder; it is trained in one epoch of seconds",
    )

    def __init__(self, *, encoder: Encoder, text_width: int, hidden: int = HIDDEN, steps: int = STEPS) -> None:
        super().__init__(encoder=encoder)
        if min(hidden, steps) < 1:
            raise ValueError(f"hidden {hidden} and steps {steps}, expected at least 1 of both")
        self.steps = steps
        self.network = TextNetwork(width=self.width, hidden=hidden, text_width=text_width)

    def fit(self, z: Tensor, texts: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Train the network."""
        fit_network(self.network, z, texts, labels, weights, steps=self.steps)

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to directions (N, W) in the space of the texts."""
        return F.normalize(self.network(self.standardized(features)), dim=1)
