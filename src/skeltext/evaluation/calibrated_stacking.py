"""Calibrated stacking: a handicap for the seen classes, whose scores are too high because they were trained on.

Chao et al., "An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object Recognition in the Wild",
ECCV 2016: the prediction among all classes is argmax_c s_c(x) - gamma [c is seen] (their equation 2).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from skeltext.evaluation.generalised_accuracy import harmonic_mean

Ints = npt.NDArray[np.int64]


def stacked_predictions(scores: Tensor, *, seen: int, gamma: float) -> Ints:
    """(N, K) scores among all classes to predictions (N,); the first `seen` classes are lowered by `gamma`.

    >>> stacked_predictions(torch.tensor([[0.9, 0.6], [0.9, 0.3]]), seen=1, gamma=0.5).tolist()
    [1, 0]
    """
    handicap = gamma * (torch.arange(scores.shape[1]) < seen)
    return np.asarray((scores.double() - handicap).argmax(dim=1).numpy())


def best_gamma(scores: Tensor, labels: Ints, *, seen: int) -> float:
    """The gamma whose predictions have the highest H on the clips `labels` (N,), which are of both kinds of classes.

    A clip goes to its best seen class unless gamma is above the lead of that class over its best unseen one, so that H
    changes at these N leads alone: between every two of them it is tried once, in the middle. Of equals the lowest is
    taken, and 0 where no gamma gives a better H than 0 does.

    >>> best_gamma(torch.tensor([[1.0, 0.75], [1.0, 0.25]]), np.array([1, 0]), seen=1)
    0.5
    """
    is_seen = labels < seen
    best_seen, best_unseen = (part.double().max(dim=1) for part in (scores[:, :seen], scores[:, seen:]))
    leads = (best_seen.values - best_unseen.values).numpy()
    right_seen = np.sort(leads[is_seen & (best_seen.indices.numpy() == labels)])
    right_unseen = np.sort(leads[~is_seen & (best_unseen.indices.numpy() + seen == labels)])
    distinct = np.unique(leads)
    tried = np.concatenate([[0.0], (distinct[1:] + distinct[:-1]) / 2])
    s = (len(right_seen) - np.searchsorted(right_seen, tried)) / is_seen.sum()
    u = np.searchsorted(right_unseen, tried) / (~is_seen).sum()
    return float(tried[int(np.argmax([harmonic_mean(*pair) for pair in zip(s, u, strict=True)]))])
