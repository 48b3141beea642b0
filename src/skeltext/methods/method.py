"""The contract between a method and everything that trains, evaluates or uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a method learns from: N clips with their ``labels`` (N,), which are rows of ``texts`` (K, D).

    The clips are given as ``clips`` (N, C, T, V, M) or, where the encoder is frozen, as the ``features`` (N, D) that
    :meth:`Method.features` made of them once and for all.
    """

    labels: Tensor
    texts: Tensor
    clips: Tensor | None = None
    features: Tensor | None = None


class Method(nn.Module):
    """A zero-shot recogniser: how it learns from a batch, what feature a clip has, how it scores class texts.

    It is an encoder with a head. ``features`` is the encoder's part, which can be frozen and then kept on disk;
    ``embed_features`` is the head's. The training loop and the evaluation know no more than these functions.
    ``width`` is the D of the encoder.
    """

    def __init__(self, *, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.width = int(encoder.features)  # type: ignore[arg-type]
        self.frozen = False

    @property
    def score_scale(self) -> float:
        """What scores are multiplied by before a softmax makes probabilities of them."""
        return 1.0

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalars; ``"loss"`` is the one to minimise, the others are logged."""
        raise NotImplementedError

    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to what the encoder alone makes of them, (N, D) by default."""
        features: Tensor = self.encoder(clips)
        return features

    def embed_features(self, features: Tensor) -> Tensor:
        """What :meth:`features` gave to embedded clips (N, D), which :meth:`scores` compares with texts."""
        raise NotImplementedError

    def embed(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to embedded clips (N, D)."""
        return self.embed_features(self.features(clips))

    def batch_features(self, batch: Batch) -> Tensor:
        """The features of a batch: those it brings, else those of its clips."""
        if batch.features is not None:
            return batch.features
        if batch.clips is None:
            raise ValueError("the batch has neither clips nor features, expected one of them")
        return self.features(batch.clips)

    def prepare(self, texts: Tensor) -> None:
        """Fit what must be fitted for new class texts (K, D); most methods need nothing."""

    def anchors(self, texts: Tensor) -> Tensor:
        """(K, D) class texts as points among the embedded clips; the texts themselves for most methods."""
        return texts

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, D) and (K, D) to scores (N, K), higher is better."""
        raise NotImplementedError

    def freeze_encoder(self) -> None:
        """Turn the encoder into a fixed function: no gradient, no dropout, no moving statistics, in every mode."""
        self.encoder.requires_grad_(False)
        self.frozen = True
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Training mode, or evaluation mode with ``False``; a frozen encoder stays as it is for predictions."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self
