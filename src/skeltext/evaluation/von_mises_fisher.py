"""The theorem behind prototype alignment (PGFA, Zhou et al., IEEE TIP 2025, Theorem 1), by simulation.

The paper argues that texts are not the best anchors for clips of unseen classes, that class centroids of the clips are,
and that centroids of pseudo-labelled clips come near to them. What is simulated here, in our words:

1. Let the unit features of class k be drawn from a von Mises-Fisher distribution vMF(mu_k, kappa), kappa being the same
   for equally frequent classes. Its density is proportional to exp(kappa mu_k . x), so the best decision is
   argmax_k mu_k . x: the mean directions mu_k are the optimal anchors under cosine scores (the oracle).
2. The direction of the mean of n clips is the maximum-likelihood estimate of mu_k. Along mu_k the mean has length
   A_D(kappa) on average, across it sqrt((1 - A_D^2) / n), so its angle to mu_k vanishes as n grows, whereas a text
   anchor stays where it is. Hence some n from which centroids are nearer to the optimum than texts, and classify better
   (:func:`clips_to_match`).
3. A share of the clips of a centroid carries a wrong pseudo-label. If the wrong ones come from all other classes alike,
   they add to every centroid nearly the same vector, which turns no decision: what is lost is length, so that more
   clips are needed, until at a share of (K - 1) / K nothing is left. If they all come from one other class, centroids
   lean towards it, and beyond a share of one half they stand for that class, however many clips there are.

Wrong pseudo-labels are drawn independently of the clips here; those of an alignment are made by the anchors themselves
and fall on clips that lie between classes.

Samples are drawn by Wood's algorithm (Commun. Stat. Simul. Comput. 1994): the cosine to the mean direction by rejection
and the direction across it from normal numbers. ``scipy.stats.vonmises_fisher`` does the same for one mean direction a
call and turns every sample by a D x D matrix, which takes several times as long in 384 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Confusion = Literal["uniform", "neighbour"]
TESTED = 20  # fresh clips of every class in every trial


@dataclass(frozen=True, kw_only=True)
class Accuracies:
    """Mean over trials: accuracy by each kind of anchor, and cosine of text anchors and centroids to the optimal ones.

    ``anchors`` are the text anchors, ``centroids`` the means of pseudo-labelled clips, ``oracle`` the mean directions.
    """

    anchors: float
    centroids: float
    oracle: float
    anchor_cosine: float
    centroid_cosine: float


def mean_resultant_length(dimension: int, kappa: float) -> float:
    """A_D(kappa) = I_{D/2}(kappa) / I_{D/2-1}(kappa), the length of the mean of a von Mises-Fisher distribution.

    The ratio of Bessel functions by Gauss's continued fraction, A_d = kappa / (d + kappa A_{d+2}), which neither
    overflows nor vanishes in high dimensions.

    >>> round(mean_resultant_length(3, 2.0), 6)  # coth(kappa) - 1 / kappa
    0.537315
    """
    length = 0.0
    for d in range(dimension + 2 * (int(kappa) + 50), dimension - 1, -2):
        length = kappa / (d + kappa * length)
    return length


def clips_to_match(*, dimension: int, kappa: float, anchor_kappa: float) -> float:
    """About how many rightly labelled clips make a centroid as near to the optimum as a text anchor is.

    The squared tangent of the angle is (1 - A(kappa)^2) / (n A(kappa)^2) for a centroid of n clips, and for an anchor
    the same with its own kappa and n = 1.

    >>> clips_to_match(dimension=384, kappa=100.0, anchor_kappa=100.0)
    1.0
    """
    anchor, clip = (mean_resultant_length(dimension, k) ** 2 for k in (anchor_kappa, kappa))
    return anchor / (1 - anchor) * ((1 - clip) / clip)


def _cosines(count: int, *, dimension: int, kappa: float, rng: np.random.Generator) -> Floats:
    """Cosines of that many samples to their mean direction, by rejection from a transformed beta distribution."""
    p = dimension - 1
    b = p / (2 * kappa + np.hypot(2 * kappa, p))
    x = (1 - b) / (1 + b)
    c = kappa * x + p * np.log(4 * b / (1 + b) ** 2)  # the logarithm of 1 - x^2
    found = np.empty(0)
    while len(found) < count:
        z = rng.beta(p / 2, p / 2, size=count)
        w = (1 - (1 + b) * z) / (1 - (1 - b) * z)
        accepted = kappa * w + p * np.log(1 - x * w) - c >= -rng.standard_exponential(count)
        found = np.concatenate([found, w[accepted]])
    return found[:count]


def _units(x: Floats) -> Floats:
    """Vectors along the last axis, made one long."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-300))


def sample(means: Floats, *, kappa: float, rng: np.random.Generator) -> Floats:
    """One draw from vMF(mean, kappa) for each of N unit means (N, D), D being at least 2; kappa 0 is uniform.

    >>> drawn = sample(np.tile([0.0, 0.0, 1.0], (4, 1)), kappa=1e6, rng=np.random.default_rng(0))
    >>> drawn.round(1).tolist()[0] == [0.0, 0.0, 1.0], drawn.shape
    (True, (4, 3))
    """
    n, dimension = means.shape
    if dimension < 2 or kappa < 0:
        raise ValueError(f"kappa {kappa} in {dimension} dimensions, expected kappa >= 0 in at least 2 dimensions")
    across = rng.standard_normal(means.shape)
    across -= (across * means).sum(axis=1, keepdims=True) * means
    w = _cosines(n, dimension=dimension, kappa=kappa, rng=rng)[:, None]
    return np.asarray(w * means + np.sqrt(1 - w**2) * _units(across))


def _true_classes(classes: int, n: int, *, noise: float, confusion: Confusion, rng: np.random.Generator) -> Ints:
    """(K, n) classes that the clips really show that are pseudo-labelled as class k."""
    own = np.arange(classes)[:, None]
    away = rng.integers(1, classes, (classes, n)) if confusion == "uniform" else 1
    return np.asarray(np.where(rng.random((classes, n)) < noise, (own + away) % classes, own))


def simulate(
    *,
    classes: int,
    dimension: int,
    kappa: float,
    anchor_kappa: float,
    n: int,
    noise: float,
    trials: int,
    seed: int,
    confusion: Confusion = "uniform",
) -> Accuracies:
    """How well text anchors, centroids and optimal anchors classify fresh clips, over `trials` draws of everything.

    The mean directions of K `classes` are uniform on the unit sphere of D dimensions; text anchors are one draw each
    from vMF(mu_k, `anchor_kappa`); a centroid is the mean of `n` clips, of which a share `noise` in expectation shows
    another class than it is labelled with: any of the others, or always the next one (``"neighbour"``). A seed gives
    the same directions, anchors and test clips whatever `n` and `noise` are, so that what differs is theirs. Raises
    ValueError for numbers that make no experiment.

    >>> found = simulate(classes=5, dimension=64, kappa=30.0, anchor_kappa=10.0, n=200, noise=0.1, trials=5, seed=0)
    >>> found.anchors < found.centroids <= found.oracle + 0.02
    True
    """
    if min(classes - 1, n, trials) < 1 or not 0 <= noise <= 1 or confusion not in ("uniform", "neighbour"):
        raise ValueError(
            f"{classes} classes, n {n}, {trials} trials, noise {noise} and confusion {confusion!r}, expected 2 classes,"
            " 1 clip and 1 trial at least, noise in [0, 1] and 'uniform' or 'neighbour'"
        )
    found = []
    for trial in range(trials):
        rng = np.random.default_rng([seed, trial])
        optimal = _units(rng.standard_normal((classes, dimension)))  # K D
        anchors = sample(optimal, kappa=anchor_kappa, rng=rng)
        labels = np.repeat(np.arange(classes), TESTED)
        clips = sample(optimal[labels], kappa=kappa, rng=rng)
        shown = _true_classes(classes, n, noise=noise, confusion=confusion, rng=rng)
        labelled = sample(optimal[shown.ravel()], kappa=kappa, rng=rng).reshape(classes, n, dimension)
        centroids = _units(labelled.mean(axis=1))  # K n D -> K D
        right = [((clips @ points.T).argmax(axis=1) == labels).mean() for points in (anchors, centroids, optimal)]
        near = [(points * optimal).sum(axis=1).mean() for points in (anchors, centroids)]
        found.append([*right, *near])
    return Accuracies(**dict(zip(Accuracies.__annotations__, np.mean(found, axis=0).tolist(), strict=True)))


def sweep(
    *,
    classes: int,
    dimension: int,
    kappas: Sequence[float],
    anchor_kappa: float,
    ns: Sequence[int],
    noises: Sequence[float],
    trials: int,
    seed: int,
    confusion: Confusion = "uniform",
) -> list[dict[str, float]]:
    """:func:`simulate` for every kappa, n and noise: rows with these three and what was found.

    >>> setting = {"classes": 3, "dimension": 16, "anchor_kappa": 5.0, "trials": 4, "seed": 0}
    >>> rows = sweep(kappas=[20.0], ns=[1, 50], noises=[0.0], **setting)
    >>> [row["n"] for row in rows], rows[0]["centroids"] < rows[1]["centroids"]
    ([1, 50], True)
    """
    rows: list[dict[str, float]] = []
    for kappa, n, noise in product(kappas, ns, noises):
        found = simulate(
            classes=classes,
            dimension=dimension,
            kappa=kappa,
            anchor_kappa=anchor_kappa,
            n=n,
            noise=noise,
            trials=trials,
            seed=seed,
            confusion=confusion,
        )
        rows.append({"kappa": kappa, "n": n, "noise": noise} | asdict(found))
    return rows
