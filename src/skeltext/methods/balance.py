"""Weights of clips by which every group of them counts the same, however many clips it has."""

from __future__ import annotations

import torch
from torch import Tensor


def balanced_weights(groups: Tensor) -> Tensor:
    """(N,) weights of clips in these groups (N,), which add up to the same for every group and have the mean 1.

    >>> balanced_weights(torch.tensor([0, 0, 1])).tolist()
    [0.75, 0.75, 1.5]
    """
    weights = 1 / torch.bincount(groups)[groups].double()
    return weights / weights.mean()
