"""Ridge regression from features to class texts, solved at once.

The features of a clip are standardized and mapped linearly to the text of its class by least squares with a penalty,
every class counting the same however many clips it has. On fixed features there is no step, no epoch and no seed.
After Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning", ICML 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.held_out_errors import discount_of, held_out_directions
from skeltext.methods.method import About
from skeltext.methods.standardized import Standardized

STRENGTH = 500.0  # chosen on kinect20 with random classes held out; from 200 to 2000 nothing changes


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


class Ridge(Standardized):
    """A linear map of standardized features (N, D) to the width of the texts; `strength` is the penalty.

    With `discount`, what is embedded is short in the directions in which the map errs on classes that it was not shown
    (:mod:`skeltext.methods.held_out_errors`).

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import KINECT20
    >>> Ridge(encoder=STGCN(layout=KINECT20), text_width=384).map.shape
    torch.Size([256, 384])
    """

    about = About(
        title="Ridge",
        paper="after Romera-Paredes and Torr: An embarrassingly simple approach to zero-shot learning. ICML 2015",
        year=2015,
        needs="class texts; features of a fixed or frozen encoder; it is solved in one step",
    )
    map: Tensor

    def __init__(
        self, *, encoder: Encoder, text_width: int, strength: float = STRENGTH, discount: bool = False
    ) -> None:
        super().__init__(encoder=encoder)
        if strength <= 0:
            raise ValueError(f"strength {strength}, expected a positive number")
        self.strength, self.discount = strength, discount
        self.register_buffer("map", torch.zeros(self.width, text_width))

    def fit(self, z: Tensor, texts: Tensor, labels: Tensor, weights: Tensor) -> None:
        """Solve the map."""
        solved = ridge_map(z, texts[labels], weights, strength=self.strength)
        if self.discount:
            held_out = held_out_directions(z, texts, labels, weights, strength=self.strength)
            solved = solved @ discount_of(held_out, texts, labels, weights)
        self.map.copy_(solved)

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, W) in the space of the texts."""
        return self.standardized(features) @ self.map
