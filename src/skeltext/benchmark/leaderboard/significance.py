"""Whether a difference between two methods, measured on the same runs, is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

EXACT = 14  # pairs; up to here all signs are tried, beyond as many are drawn as that would be
DRAWS = 10_000  # of the bootstrap
LEVEL = 0.95


def sign_flip_probability(differences: Sequence[float], *, seed: int = 0) -> float:
    """Fisher's paired permutation test: how often chance alone gives a mean so far from zero, in either direction.

    If two methods are alike, each of the n paired `differences` might as well have the other sign. Of all 2^n choices
    of signs this is the share whose sum is at least as large as the observed one; for many pairs it is estimated from
    signs that are drawn (with the observed ones among them, so that it is never zero). With n pairs it cannot fall
    below 2^(1-n).

    Fisher, "The Design of Experiments", 1935, section 21.

    >>> sign_flip_probability([0.1, 0.2, 0.3])
    0.25
    """
    d = np.asarray(differences, float)
    if len(d) <= EXACT:
        signs = np.array(list(product((1, -1), repeat=len(d))))
    else:
        drawn = np.random.default_rng(seed).choice((1, -1), size=(2**EXACT - 1, len(d)))
        signs = np.vstack([np.ones((1, len(d)), int), drawn])
    sums = np.abs(signs @ d)
    return float(np.mean(sums >= sums[0] - 1e-9))  # the first choice leaves the observed signs


def bootstrap_interval(
    differences: Mapping[str, Sequence[npt.NDArray[np.float64]]], *, seed: int = 0
) -> tuple[float, float]:
    """The middle 95 % of the mean difference in accuracy when the test clips are drawn anew, with replacement.

    `differences` holds for every class split one array (N,) per seed: for each test clip whether the one method is
    right less whether the other is, -1, 0 or 1. Runs of one split share their clips, so a clip is drawn for all of
    them; splits count alike. A difference takes few values, and how often each is drawn is multinomial, which is the
    same as drawing clip by clip.

    Efron, "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 1979.

    >>> bootstrap_interval({"0": [np.ones(5)]})
    (1.0, 1.0)
    """
    generator = np.random.default_rng(seed)
    means = np.zeros(DRAWS)
    for runs in differences.values():
        of_clips = np.mean(runs, axis=0)  # N
        values, counts = np.unique(of_clips, return_counts=True)
        drawn = generator.multinomial(counts.sum(), counts / counts.sum(), size=DRAWS)
        means += drawn @ values / counts.sum() / len(differences)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
