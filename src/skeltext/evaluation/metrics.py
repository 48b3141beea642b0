"""Accuracies, each over clips and over classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def accuracy(labels: Ints, predicted: Ints) -> float:
    """Share of clips that are right (micro average).

    >>> accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
    0.75
    """
    return float((labels == predicted).mean())


def class_mean_accuracy(labels: Ints, predicted: Ints) -> float:
    """Mean over the classes that occur of the share of their clips that are right (macro average).

    >>> round(class_mean_accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])), 4)
    0.8333
    """
    return float(np.mean([(predicted[labels == k] == k).mean() for k in np.unique(labels)]))


def batch_mean_accuracy(labels: Ints, predicted: Ints, *, batch: int = 64) -> float:
    """Unweighted mean over consecutive batches, which is what PGFA's released code prints; for parity only."""
    right = labels == predicted
    return float(np.mean([right[start : start + batch].mean() for start in range(0, len(right), batch)]))
