"""The contract between a method and everything that trains, evaluates or uses it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a method learns from: ``clips`` (N, C, T, V, M), ``labels`` (N,) which are rows of ``texts`` (K, D)."""

    clips: Tensor
    labels: Tensor
    texts: Tensor


class Method(nn.Module):
    """A zero-shot recogniser: how it learns from a batch, what feature a clip has, how it scores class texts.

    The training loop and the evaluation know no more than these functions.
    """

    @property
    def score_scale(self) -> float:
        """What scores are multiplied by before a softmax makes probabilities of them."""
        return 1.0

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalars; ``"loss"`` is the one to minimise, the others are logged."""
        raise NotImplementedError

    def embed(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        raise NotImplementedError

    def prepare(self, texts: Tensor) -> None:
        """Fit what must be fitted for new class texts (K, D); most methods need nothing."""

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, D) and (K, D) to scores (N, K), higher is better."""
        raise NotImplementedError
