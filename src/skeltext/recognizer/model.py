"""What a recogniser needs of a trained model, whatever computes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.card import Card

Floats = npt.NDArray[np.float32]


class Model(Protocol):
    """A trained model that embeds clips and scores them against embedded texts, in arrays.

    ``card`` says how clips are prepared and which text encoder it speaks to, ``score_scale`` what scores are multiplied
    by before a softmax where nothing was calibrated. Threads may call it at the same time.
    """

    card: Card
    score_scale: float

    @property
    def cosines(self) -> bool:
        """Whether scores are cosines of embedded clips and texts."""
        ...

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) prepared clips to (N, D)."""
        ...

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """(N, D) and embedded texts (K, W) to (N, K), higher is better."""
        ...


def embed_prepared(model: Model, arrays: Sequence[Floats]) -> Floats:
    """(N, D) of N clips that are prepared already, each (C, T, V, M); together if they are equally long."""
    if len({array.shape for array in arrays}) == 1:
        return model.embed(np.stack(arrays))
    return np.concatenate([model.embed(array[None]) for array in arrays])


def unit(rows: Floats) -> Floats:
    """Rows of length one; a row of zeros stays.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12), np.float32)
