"""How well two sets of features match: by the least cost of moving one onto the other.

As in DeepEMD (Zhang et al., CVPR 2020) the cost of a pair is one minus its cosine, and how much a member has to give is
told by its likeness to the other set as a whole. Entropy makes the plan smooth (Cuturi, "Sinkhorn Distances", NeurIPS
2013), so that gradients go through it.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

SMOOTHNESS = 0.1  # weight of the entropy, in units of the cost
ROUNDS = 20  # of Sinkhorn's algorithm, after which sums of a plan are right to about a thousandth
LEAST = 1e-3  # weight of a member that is unlike the other set, before weights are made to sum to one


def transport_plan(cost: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """(..., n, m) plan of least cost and `SMOOTHNESS` times most entropy, by Sinkhorn's algorithm.

    It moves the weights `rows` (..., n) to `columns` (..., m), both positive and of sum one, at `cost` (..., n, m).

    >>> import torch
    >>> transport_plan(1 - torch.eye(2), torch.tensor([0.5, 0.5]), torch.tensor([0.5, 0.5])).round(decimals=3).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    if 1 in cost.shape[-2:]:
        return rows.unsqueeze(-1) * columns.unsqueeze(-2)  # one member leaves no choice
    kernel = (-cost / SMOOTHNESS).exp()
    right = columns.unsqueeze(-1)
    for _ in range(ROUNDS):
        left = rows.unsqueeze(-1) / (kernel @ right)
        right = columns.unsqueeze(-1) / (kernel.mT @ left)
    return left * kernel * right.mT


def cross_reference_weights(features: Tensor, other: Tensor) -> Tensor:
    """(..., n) how much each of `features` (..., n, D) weighs: its product with the mean of `other` (..., m, D).

    A negative product counts as zero, `LEAST` is added to all, and then they are divided by their sum.
    """
    products = (features @ other.mean(dim=-2).unsqueeze(-1)).squeeze(-1).relu() + LEAST
    return products / products.sum(dim=-1, keepdim=True)


def matching_scores(queries: Tensor, classes: Tensor) -> Tensor:
    """(Q, W) cosines summed over the transport plan between the sets of queries (Q, n, D) and of classes (W, m, D).

    >>> import torch
    >>> sets = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 3.0], [1.0, 0.0]]])  # equal but for order and length
    >>> matching_scores(sets[:1], sets).round(decimals=2).tolist()
    [[1.0, 1.0]]
    """
    of_queries, of_classes = (F.normalize(sets, dim=-1) for sets in (queries.unsqueeze(1), classes))
    cosines = of_queries @ of_classes.mT  # Q 1 n D and W D m -> Q W n m
    plan = transport_plan(
        1 - cosines,
        cross_reference_weights(of_queries, of_classes),
        cross_reference_weights(of_classes, of_queries),
    )
    return (plan * cosines).sum(dim=(-2, -1))
