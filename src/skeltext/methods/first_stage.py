"""What first stages share: they train an encoder for others and are no zero-shot recognisers themselves."""

from __future__ import annotations

from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.methods.method import Method


class FirstStage(Method):
    """A method whose encoder other methods build on. It has no place for a text."""

    route = "first stage"

    def embed_features(self, features: Tensor) -> Tensor:
        """Raise :class:`SkeltextError`, which tells whoever wants to compare with texts what this model is for."""
        raise SkeltextError(
            "this model has learnt from no text, so it scores none: it is a first stage, whose encoder"
            " `skeltext train --method devise --pretrained RUN` and other methods build on"
        )
