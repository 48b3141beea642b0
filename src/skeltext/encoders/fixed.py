"""The contract of an encoder that is a fixed function of numpy arrays. Nothing here needs torch."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from skeltext.encoders.base import BaseEncoder

if TYPE_CHECKING:
    from skeltext.encoders.encoder import Encoder

Floats = npt.NDArray[np.float32]


class FixedEncoder(BaseEncoder):
    """An encoder without weights: clips (N, C, T, V, M) to features (N, D), where D is the ``width`` that it sets.

    A row of the result follows from its clip alone. Methods take it for a frozen encoder, so every clip goes through it
    once and features are kept on disk.

    >>> class MeanPose(FixedEncoder):
    ...     version = "1"
    ...     width = 3
    ...     def encode(self, clips):
    ...         return clips.mean(axis=(2, 3, 4))
    >>> MeanPose().encode(np.ones((2, 3, 5, 20, 1), np.float32)).shape
    (2, 3)
    """

    @abstractmethod
    def encode(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to features (N, D)."""

    def as_module(self) -> Encoder:
        """This function as a torch module without weights."""
        from skeltext.encoders.fixed_module import FixedModule  # needs torch, which the function itself does not

        return FixedModule(self)
