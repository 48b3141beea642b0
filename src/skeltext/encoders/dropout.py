"""Dropout whose mask on a CPU comes from random bytes instead of one random draw per element."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ByteDropout(nn.Module):
    """Zeroes elements with probability p and scales the rest by 1 / (1 - p), in training mode only.

    A 64-bit draw gives eight bytes, and an element is kept where its byte is at least 256 p: the same distribution as
    ``nn.Dropout`` (exactly, if 256 p is whole; otherwise that is used), from another stream of random numbers.

    >>> ByteDropout(0.5).eval()(torch.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"a dropout probability of {p}, expected 0 or more and less than 1")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Any shape to the same shape."""
        threshold = 256 * self.p
        if not self.training or self.p == 0 or x.device.type != "cpu" or not threshold.is_integer():
            return F.dropout(x, self.p, self.training)
        draws = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
        kept = draws.view(torch.uint8)[: x.numel()].view(x.shape) >= int(threshold)
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))
