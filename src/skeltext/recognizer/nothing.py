"""Clips that show no action at all: a classifier of embedded clips that was trained on made-up ones. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skeltext.recognizer.model import Floats, unit

REASONS = {
    "still": "nobody moves in it",
    "noise": "its joints jump about as nobody can move",
    "lost": "too little of the body is in view",
}
"""What is said of a clip that is refused, by the kind of clip that it looks like."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NothingShown:
    """For every kind of empty clip the ``weights`` (D + 2,) of a logistic regression; it is one where they give > 0.

    Its inputs are the direction of an embedded clip (D,), the logarithm of its length, and a one. Weights are shifted
    in training so that hardly any clip of an action is taken for an empty one.
    """

    weights: Mapping[str, Floats]

    def kinds(self, embedded: Floats) -> list[str]:
        """For every clip (N, D) the kind of empty clip that it is, or an empty text."""
        names = list(self.weights)
        found = inputs(embedded) @ np.stack([self.weights[name] for name in names], axis=1)  # N kinds
        return [names[row.argmax()] if row.max() > 0 else "" for row in found]


def inputs(embedded: Floats) -> Floats:
    """(N, D + 2) what the regression reads of embedded clips (N, D)."""
    lengths = np.log(np.maximum(np.linalg.norm(embedded, axis=1, keepdims=True), 1e-6))
    return np.concatenate([unit(embedded), lengths, np.ones_like(lengths)], axis=1).astype(np.float32)
