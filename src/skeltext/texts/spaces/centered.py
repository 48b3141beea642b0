"""Sentence embeddings without what all seen classes have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skeltext.errors import require
from skeltext.texts.encoder import Embeddings
from skeltext.texts.space import ClassTexts, State, directions
from skeltext.texts.spaces.sentence import Sentence


class Centered(Sentence):
    """The directions of :class:`Sentence`, minus the mean of those of the seen classes, as directions again.

    Descriptions of movements have in common that they describe movements. Without that part texts lie farther apart.
    """

    def encode(self, classes: Sequence[ClassTexts]) -> Embeddings:
        """K classes to (K, D), each of length one."""
        rows, mean = directions(super().encode(classes)), self.fitted("mean")
        require(
            mean.shape == rows.shape[1:],
            f"the text encoder makes vectors of {rows.shape[1]} numbers, but the text space was fitted on vectors of"
            f" {mean.size}; use the text encoder that the model was trained with",
        )
        return directions(rows - mean).astype(np.float32)

    def fit(self, classes: Sequence[ClassTexts]) -> State:
        """``mean`` (D,), the mean direction of the seen classes."""
        return {"mean": directions(super().encode(classes)).mean(axis=0)}
