"""A small network from standardized features to the space of texts, and the steps by which it learns all at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEPS, BATCH = 240, 256
RATE, DECAY = 2e-3, 0.1  # of AdamW; the rate falls to nothing on a straight line
NOISE = 0.1  # deviation of what is added to every standardized feature
NEAR, APART = 2.5, 0.5  # shares of 1 - cosine to the text of the class, and of the cross-entropy against all texts
TEMPERATURE = 0.1  # of this cross-entropy


class TextNetwork(nn.Sequential):
    """Features (N, D) through one layer of `hidden` units to the width of the texts, (N, W).

    >>> TextNetwork(width=6, hidden=4, text_width=3).eval()(torch.zeros(2, 6)).shape
    torch.Size([2, 3])
    """

    def __init__(self, *, width: int, hidden: int, text_width: int) -> None:
        super().__init__(
            nn.Dropout(0.3),
            nn.Linear(width, hidden),
            nn.BatchNorm1d(hidden),
            nn.GELU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, text_width),
        )


def fit_network(
    network: nn.Module, z: Tensor, texts: Tensor, labels: Tensor, weights: Tensor, *, steps: int = STEPS
) -> None:
    """Train `network` by so many `steps`; what is random is drawn from torch's generators.

    `z` (N, D) are features, `texts` (K, W) of length one, `labels` (N,) rows of them. A clip is drawn as often as its
    share of the `weights` (N,).
    """
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    chances, texts = weights.cpu(), texts.to(z.dtype)
    with torch.enable_grad():
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
            chosen = torch.multinomial(chances, min(BATCH, len(z)), replacement=True).to(z.device)
            noisy = z[chosen] + NOISE * torch.randn_like(z[chosen])
            cosines = F.normalize(network(noisy), dim=1) @ texts.T  # n K
            near = 1 - cosines.gather(1, labels[chosen].unsqueeze(1)).mean()
            loss = NEAR * near + APART * F.cross_entropy(cosines / TEMPERATURE, labels[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    network.eval()
