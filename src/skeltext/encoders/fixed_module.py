"""A fixed function of numpy arrays as the torch module that methods hold."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.encoders.fixed import FixedEncoder
from skeltext.errors import require


class FixedModule(Encoder):
    """The encoder `function`, computed on the processor wherever the clips are. It has no weights and no gradient."""

    fixed = True

    def __init__(self, function: FixedEncoder) -> None:
        super().__init__()
        self.function, self.width = function, function.width
        self.eval()

    @property
    def title(self) -> str:
        """The name of the class of the function."""
        return type(self.function).__name__

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D) in float32.

        Raises :class:`SkeltextError` if the function returns another shape or numbers that are not finite.
        """
        if clips.is_meta:  # which has a shape and no values
            return clips.new_empty(len(clips), self.width)
        features = np.ascontiguousarray(self.function.encode(clips.detach().float().cpu().numpy()), np.float32)
        expected = (len(clips), self.width)
        require(
            features.shape == expected,
            f"the encoder {self.title} returned features of shape {features.shape}, expected {expected}; correct its"
            " `encode` or its `width`",
        )
        require(
            bool(np.isfinite(features).all()),
            f"the encoder {self.title} returned a feature that is not finite, expected numbers for every clip; correct"
            " its `encode`",
        )
        return torch.from_numpy(features).to(clips.device)

    def fingerprint(self) -> list[str]:
        """That of the function."""
        return self.function.fingerprint()
