"""Dropout whose mask on a CPU comes from random bytes instead of one random draw per element."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def draw_bytes(shape: Sequence[int], p: float) -> tuple[Tensor, int]:
    """Random bytes of a shape and the threshold that a share p of them does not reach.

    The seed is drawn from torch's generator, the bytes from a generator that is ten times as fast (SFC64). If 256 p is
    not whole, ones and zeros are drawn with exactly that share.
    """
    threshold = 256 * p
    if not threshold.is_integer():
        return (torch.rand(tuple(shape)) >= p).to(torch.uint8), 1
    numel = math.prod(shape)
    words = np.random.SFC64(int(torch.randint(2**63 - 1, ()))).random_raw((numel + 7) // 8)
    return torch.from_numpy(words.view(np.uint8)[:numel]).view(tuple(shape)), int(threshold)


class ByteDropout(nn.Module):
    """Zeroes elements with probability p and scales the rest by 1 / (1 - p), in training mode only.

    An element is kept where its random byte is at least 256 p: the same distribution as ``nn.Dropout``, from another
    stream of random numbers.

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
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return F.dropout(x, self.p, self.training)
        draws, threshold = draw_bytes(x.shape, self.p)
        return x * (draws >= threshold).to(x.dtype).mul_(1 / (1 - self.p))
