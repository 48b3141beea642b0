"""The KL contrastive loss: similarities of clips and texts are drawn to what the labels say, in both directions.

PGFA (Zhou, Liu et al., IEEE TIP 2025) and DVTA (Kuang et al., Pattern Recognition 2026) train with it.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

SHARPNESS = 10.0

Target = Literal["softmax", "rows"]


def same_label(labels: Tensor) -> Tensor:
    """(N, N) matrix G with G_ij = 1 where clips i and j share their class, else 0."""
    return (labels[:, None] == labels[None, :]).float()


def target_distribution(labels: Tensor, *, target: Target = "softmax") -> Tensor:
    """(N, N) rows that the similarities are drawn to.

    ``"softmax"`` is the released code, softmax(10 G), which leaves some mass on other classes and so asks for a finite
    margin; ``"rows"`` is the paper, G divided by its row sums.
    """
    g = same_label(labels)
    return F.softmax(SHARPNESS * g, dim=1) if target == "softmax" else g / g.sum(dim=1, keepdim=True)


def symmetric_divergence(rows: Tensor, columns: Tensor, q: Tensor) -> Tensor:
    """Mean over rows of KL(Q_i || P_i), averaged over two P (N, N), which are given as log-probabilities.

    `rows` are those of texts for every clip, `columns` those of clips for every text; Q (N, N) is symmetric.
    """
    return (F.kl_div(rows, q, reduction="batchmean") + F.kl_div(columns, q, reduction="batchmean")) / 2


def kl_contrastive_loss(logits: Tensor, q: Tensor) -> Tensor:
    """Mean over rows of KL(Q_i || softmax(logits_i)), averaged over both directions; Q is symmetric.

    `logits` (N, N) are scaled similarities of every clip to the text of every clip's class.
    """
    return symmetric_divergence(F.log_softmax(logits, dim=1), F.log_softmax(logits.T, dim=1), q)
