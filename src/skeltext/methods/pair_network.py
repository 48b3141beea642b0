"""A network that judges pairs of a clip and a text, without ever writing the pairs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.methods.dense_layers import dense_layers

CLIPS = 256  # that are judged with all classes at a time, which bounds the memory of a large test


class PairNetwork(nn.Module):
    """Linear layers with a ReLU between each two, from the concatenation [x ; t] over `hidden` widths to one number.

    Its first layer is linear, W [x ; t] + b = (W_x x + b) + W_t t, so that it is computed once for every clip and once
    for every text, and added for every pair: of N K pairs it costs N + K products instead of N K, and no pair takes
    memory at the width of its input.

    >>> network = PairNetwork(clip_width=4, text_width=3, hidden=(8, 5))
    >>> network(torch.rand(6, 1, 4), torch.rand(2, 3)).shape
    torch.Size([6, 2])
    """

    def __init__(self, *, clip_width: int, text_width: int, hidden: Sequence[int]) -> None:
        super().__init__()
        if not hidden or min(hidden) < 1:
            raise ValueError(f"hidden widths {list(hidden)}, expected one or more positive ones")
        self.widths = [clip_width, text_width]
        self.first = nn.Linear(clip_width + text_width, hidden[0])
        self.rest = nn.Sequential(nn.ReLU(), *dense_layers([*hidden, 1], nn.ReLU, last=nn.Identity))

    def forward(self, clips: Tensor, texts: Tensor) -> Tensor:
        """Clips (..., D) and texts (..., D'), whose leading shapes are broadcast to those of the pairs (...)."""
        of_clips, of_texts = torch.split(self.first.weight, self.widths, dim=1)
        pairs = F.linear(clips, of_clips, self.first.bias) + F.linear(texts, of_texts)
        judged: Tensor = self.rest(pairs).squeeze(-1)
        return judged
