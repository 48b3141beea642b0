"""A linear softmax classifier of latent points, fitted on points that were drawn for classes without clips."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RATE, STEPS = 1e-3, 300  # of Adam, on all points at once
DECAYS, TINY = (0.9, 0.999), 1e-8  # Adam's other constants, as published


class LatentClassifier(NamedTuple):
    """``weight`` (K, L) and ``bias`` (K,); with ``relu`` an output below zero counts as zero.

    >>> classifier = LatentClassifier(torch.tensor([[1.0], [-1.0]]), torch.tensor([0.5, 0.0]), relu=True)
    >>> classifier(torch.tensor([[2.0]])).tolist()
    [[2.5, 0.0]]
    """

    weight: Tensor
    bias: Tensor
    relu: bool

    def __call__(self, latents: Tensor) -> Tensor:
        """(N, L) to outputs (N, K), higher is better."""
        outputs = F.linear(latents, self.weight, self.bias)
        return F.relu(outputs) if self.relu else outputs


def fresh_classifier(*, classes: int, latent: int, relu: bool, generator: torch.Generator) -> LatentClassifier:
    """A classifier before it is fitted: Xavier's uniform weights with gain 0.5 and no bias."""
    weight = nn.init.xavier_uniform_(torch.empty(classes, latent), gain=0.5, generator=generator)
    return LatentClassifier(weight, torch.zeros(classes), relu)


def cross_entropy_gradient(outputs: Tensor, member: Tensor, *, relu: bool) -> Tensor:
    """(N, K) the gradient of the mean cross-entropy with respect to what is linear in the points.

    It is (softmax(outputs) - member) / N, where `member` (N, K) is 1 at the class of every point; what the ReLU has set
    to zero gets none.

    >>> cross_entropy_gradient(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]), relu=False).tolist()
    [[-0.5, 0.5]]
    """
    gradient = (outputs.softmax(dim=1) - member) / len(outputs)
    return gradient * (outputs > 0) if relu else gradient


@torch.no_grad()
def fitted_classifier(classifier: LatentClassifier, latents: Tensor, labels: Tensor) -> LatentClassifier:
    """The classifier after 300 steps of Adam on the cross-entropy of points (N, L) of the classes `labels` (N,).

    Adam is algorithm 1 of Kingma and Ba, ICLR 2015. It is written out because a prediction may need it: PyTorch's own
    loads its compiler first, which takes longer than all the steps.
    """
    points = torch.cat([latents, torch.ones_like(latents[:, :1])], dim=1)  # N L+1, so that the bias is a weight
    weights = torch.cat([classifier.weight, classifier.bias.unsqueeze(1)], dim=1).to(latents)  # K L+1
    fitting = LatentClassifier(weights[:, :-1], weights[:, -1], classifier.relu)  # which sees every change of weights
    member = F.one_hot(labels, len(weights)).to(latents.dtype)  # N K
    mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
    for step in range(1, STEPS + 1):
        gradient = cross_entropy_gradient(fitting(latents), member, relu=classifier.relu).T @ points
        mean.lerp_(gradient, 1 - DECAYS[0])
        square.mul_(DECAYS[1]).addcmul_(gradient, gradient, value=1 - DECAYS[1])
        spread = square.sqrt() / math.sqrt(1 - DECAYS[1] ** step) + TINY
        weights.addcdiv_(mean, spread, value=-RATE / (1 - DECAYS[0] ** step))
    return fitting
