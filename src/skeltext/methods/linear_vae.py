"""A variational autoencoder without hidden layers, in the form in which SynSE's code has it."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn


class Gaussian(NamedTuple):
    """A normal distribution for each of N rows, with its ``mean`` and ``log_variance`` (N, L) in L latent dimensions.

    >>> import torch
    >>> Gaussian(torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)).divergence().item()
    2.5
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self, epsilon: Tensor) -> Tensor:
        """(N, L) mu + epsilon sigma. `epsilon` is (N, 1): a row draws one number, which all its dimensions share."""
        return self.mean + epsilon * (self.log_variance / 2).exp()

    def divergence(self) -> Tensor:
        """Mean over rows of KL(N(mu, sigma^2) || N(0, 1)), half the sum of mu^2 + sigma^2 - log sigma^2 - 1.

        Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, appendix B.
        """
        terms = self.mean.square() + self.log_variance.exp() - self.log_variance - 1
        return terms.sum(dim=1).mean() / 2


class LinearVAE(nn.Module):
    """Two linear maps to a mean and a log variance, and a linear map back that ends in a ReLU.

    The ReLU suits features that come from one themselves. Texts below zero cannot be reconstructed with it; it is kept
    because the published figures were reached so.
    """

    def __init__(self, *, width: int, latent: int) -> None:
        super().__init__()
        self.mean = nn.Linear(width, latent)
        self.log_variance = nn.Linear(width, latent)
        self.decoder = nn.Linear(latent, width)
        for layer in (self.mean, self.log_variance, self.decoder):
            nn.init.xavier_uniform_(layer.weight, gain=0.5)
            nn.init.zeros_(layer.bias)

    def encode(self, x: Tensor) -> Gaussian:
        """(N, D) to the distribution of their latents."""
        return Gaussian(self.mean(x), self.log_variance(x))

    def decode(self, latents: Tensor) -> Tensor:
        """(..., L) to reconstructions (..., D)."""
        return F.relu(self.decoder(latents))

    def errors(self, sources: Tensor, x: Tensor) -> Tensor:
        """(S,) mean squared errors when x (N, D) is reconstructed from S sources of latents, (S, N, L)."""
        return (self.decode(sources) - x).square().mean(dim=(1, 2))
