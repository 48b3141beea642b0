"""Batch normalisation for arrays in which the numbers of a feature lie one after another.

To normalise F rows is a group normalisation of a single sample with F groups, for which torch has vectorised kernels in
both directions; its batch normalisation takes several times as long on a CPU.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm1d):
    """Batch normalisation of F rows, with the parameters and the running statistics of ``nn.BatchNorm1d``.

    >>> BatchNorm(2)(torch.tensor([[1.0, 3.0], [2.0, 6.0]])).round().tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor, order: Tensor | None = None) -> Tensor:
        """An array of F rows to the same shape; `order` says which feature each row is, if not that of its number."""
        stored = self.weight, self.bias, self.running_mean, self.running_var
        weight, bias, mean, var = stored if order is None else (values.index_select(0, order) for values in stored)
        rows = len(weight)
        length = x.numel() // rows
        if not self.training or length == 1:  # torch refuses to train on single numbers
            flat = x.reshape(1, rows, -1)
            return F.batch_norm(flat, mean, var, weight, bias, training=self.training, eps=self.eps).view(x.shape)
        y, batch_mean, inverse = torch.native_group_norm(x.contiguous(), weight, bias, 1, rows, length, rows, self.eps)
        with torch.no_grad():
            unbiased = (inverse[0].pow(-2) - self.eps) * (length / (length - 1))
            features = torch.arange(rows, device=x.device) if order is None else order
            self.running_mean.index_copy_(0, features, mean.lerp(batch_mean[0], self.momentum))
            self.running_var.index_copy_(0, features, var.lerp(unbiased, self.momentum))
            self.num_batches_tracked += 1
        return y
