"""An encoder for tests that begin at its features."""

from __future__ import annotations

from torch import Tensor

from skeltext.encoders.encoder import Encoder

WIDTH = 6


class Given(Encoder):
    """Its features, and its node features, are what it is given."""

    width = WIDTH

    def forward(self, clips: Tensor) -> Tensor:
        """(N, D) as they are."""
        return clips

    def nodes(self, clips: Tensor) -> Tensor:
        """(N, T', V, D) as they are."""
        return clips
