"""Whether a clip shows one of the labels at all: evidence from several signs, and the thresholds for it. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.model import Floats

SIGNS = ("score", "margin", "labels")


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """A logistic regression over :data:`SIGNS`, fitted on clips of held-out classes with and without their label.

    ``weights`` (3,) of the signs. ``thresholds`` maps a false-accept rate to the least evidence that is accepted, and
    ``accepted`` to the share of clips that show a label and have as much, ``right`` to that share of the clips that are
    answered right. The score is the best one of a clip among its labels, the margin how far it is ahead of the second,
    and the last sign the logarithm of the number of labels. What a clip scores with other texts, and how near it is to
    the training, were tried and gave nothing on other classes than they were fitted on.
    """

    weights: npt.NDArray[np.float64]
    thresholds: Mapping[float, float]
    accepted: Mapping[float, float]
    right: Mapping[float, float]

    def in_scale_of(self, other: Evidence, evidence: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(N,) evidence in the scale of another one: what a threshold of this one is, is that threshold of the other.

        >>> one, other = (Evidence(weights=np.ones(3), thresholds=t, accepted={}, right={}) for t in
        ...               ({0.1: 8.0, 0.5: 4.0}, {0.1: 2.0, 0.5: 1.0}))
        >>> one.in_scale_of(other, np.array([3.0, 4.0, 6.0, 9.0])).tolist()
        [0.0, 1.0, 1.5, 3.0]
        """
        rates = sorted(set(self.thresholds) & set(other.thresholds), reverse=True)
        own, others = np.array([[one.thresholds[rate] for rate in rates] for one in (self, other)])
        beyond = np.minimum(evidence - own[0], 0) + np.maximum(evidence - own[-1], 0)
        return np.asarray(np.interp(evidence, own, others) + beyond)

    def of(self, scores: Floats) -> npt.NDArray[np.float64]:
        """(N,) evidence from standard scores for the labels (N, K)."""
        return np.asarray(signs(scores) @ self.weights)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rates = {name: {str(rate): value for rate, value in getattr(self, name).items()} for name in _RATES}
        return {"weights": dict(zip(SIGNS, self.weights.tolist(), strict=True)), **rates}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Evidence:
        """What :meth:`to_dict` gave; whatever is wrong with it is raised as it is."""
        rates = {name: {float(rate): float(value) for rate, value in plain[name].items()} for name in _RATES}
        return cls(weights=np.array([float(plain["weights"][sign]) for sign in SIGNS]), **rates)


_RATES = ("thresholds", "accepted", "right")


def signs(scores: Floats) -> npt.NDArray[np.float64]:
    """(N, 3) the signs of clips by their scores for the labels (N, K).

    >>> signs(np.float32([[1, 3]])).round(2).tolist()
    [[3.0, 2.0, 0.69]]
    """
    ordered = np.sort(scores, axis=1).astype(np.float64)
    best = ordered[:, -1]
    margin = best - ordered[:, -2] if ordered.shape[1] > 1 else np.zeros_like(best)
    return np.stack([best, margin, np.full_like(best, np.log(ordered.shape[1]))], axis=1)
