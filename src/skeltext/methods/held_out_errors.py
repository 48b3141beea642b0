"""Where ridge regression errs on classes that it was not shown, and a map by which such errors count less.

A class is left out exactly and without another solution: with H = Z (Z' W Z + s I)^-1 Z' W, the residuals of its clips
in the solution without them are (I - H_oo)^-1 times those in the solution of all, H_oo being the block of these clips.
(Cook and Weisberg, "Residuals and Influence in Regression", 1982, have the formula.)

In some directions of the texts the errors are large for all classes. A direction is discounted by its errors and by how
far clips of one class lie apart in it, as generalized least squares and linear discriminant analysis do.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SHRINKAGE = 1.0  # share of the mean that is added in every direction, as there are hardly more classes than directions


def held_out_directions(z: Tensor, texts: Tensor, labels: Tensor, weights: Tensor, *, strength: float) -> Tensor:
    """(N, W) the direction that every clip is mapped to when the clips of its class are left out, in float64.

    `z` (N, D) are features, `texts` (K, W) of length one, `labels` (N,) rows of them, `weights` (N,) and `strength` as
    in :func:`~skeltext.methods.zero_shot.ridge.ridge_map`.
    """
    z, weights, targets = z.double(), weights.double(), texts.double()[labels]
    weighted = (weights.unsqueeze(1) * z).T  # D N
    inverse = torch.linalg.inv(weighted @ z + strength * torch.eye(z.shape[1]).to(z))
    found = z @ (inverse @ (weighted @ targets))  # N W
    for label in torch.nonzero(torch.bincount(labels)):
        own = torch.nonzero(labels == label).squeeze(1)
        rest = torch.eye(len(own)).to(z) - z[own] @ inverse @ weighted[:, own]  # n n
        found[own] = targets[own] - torch.linalg.solve(rest, targets[own] - found[own])
    return F.normalize(found, dim=1)


def discount_of(directions: Tensor, texts: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """(W, W) what embedded clips are multiplied by, from :func:`held_out_directions` (N, W); its scale has no meaning.

    >>> texts = torch.eye(2, dtype=torch.float64)
    >>> off = torch.tensor([[1.0, 0.5], [1.0, -0.5], [0.0, 0.5], [0.0, 1.5]])  # errors are all in the second direction
    >>> discount_of(off, texts, torch.tensor([0, 0, 1, 1]), torch.ones(4)).round(decimals=2).tolist()
    [[1.0, 0.0], [0.0, 0.33]]
    """
    weights, texts = weights.double(), texts.double()
    member = F.one_hot(labels, len(texts)).double().T * weights  # K N
    means = member @ directions.double() / member.sum(dim=1, keepdim=True).clamp_min(1e-12)
    errors, within = directions - texts[labels], directions - means[labels]
    spread = (_second_moment(errors, weights) + _second_moment(within, weights)) / 2
    found: Tensor = torch.linalg.inv(spread + SHRINKAGE * torch.eye(len(spread)).to(spread))
    return found


def _second_moment(rows: Tensor, weights: Tensor) -> Tensor:
    """(W, W) of rows (N, W), with the mean 1 along its diagonal."""
    moment = (weights.unsqueeze(1) * rows).T @ rows
    return moment / moment.diagonal().mean().clamp_min(1e-12)
