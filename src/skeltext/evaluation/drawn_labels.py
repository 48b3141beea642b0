"""Small sets of labels drawn from held-out classes, as people type them, and what is fitted on them.

A draw is a pair: (N, K) standard scores of the labels that were drawn for every clip, and (N, K) which one is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.calibration import USUAL_LABELS
from skeltext.recognizer.conformal import Gaps
from skeltext.recognizer.model import Floats

SETS = 40  # sets of labels for every clip
FEWEST_LABELS, MOST_LABELS = 2, 20
TEMPERATURES = np.geomspace(0.05, 20, 200)
GROWTHS = np.linspace(-0.6, 0.6, 25)
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
GAP_LABELS = (2, 3, 5, 8, 12, 20)  # numbers of labels that gaps are kept for
BINS = 10

Array = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]
Draw = tuple[Floats, Flags]


def drawn_sets(
    scores: Floats,
    labels: npt.NDArray[np.int64],
    *,
    include: bool,
    fewest: int = FEWEST_LABELS,
    most: int = MOST_LABELS,
    sets: int = SETS,
) -> list[Draw]:
    """For every clip some sets of labels, with that of the clip among them or without: from (P, N, K) scores.

    Every draw takes one of the P kinds of text for all clips, and its own labels for each clip: `fewest` to `most`, of
    which there must be K, one fewer without the clip's own. The generator is seeded, so that a calibration can be
    repeated.
    """
    generator = np.random.default_rng(0)
    kinds, n, k = scores.shape
    most = min(most, k - (not include))
    draws = []
    for number in range(sets):
        size = int(generator.integers(min(fewest, most), most + 1))
        order = generator.random((n, k))
        order[np.arange(n), labels] = -1.0 if include else 2.0  # first or never among the chosen
        chosen = order.argsort(axis=1)[:, :size]
        taken = np.take_along_axis(scores[number % kinds], chosen, axis=1)
        draws.append((taken, chosen == labels[:, None]))
    return draws


def hits(draws: Sequence[Draw]) -> Flags:
    """(all clips of all draws,) whether the label with the best score is the right one."""
    return np.concatenate([scores.argmax(axis=1) == which.argmax(axis=1) for scores, which in draws])


def log_shares(scores: Array, *, temperature: float) -> Array:
    """(N, K) logarithms of softmax(scores / temperature)."""
    scaled = scores / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))


def fitted_temperature(draws: Sequence[Draw]) -> float:
    """The temperature at which the right labels are most likely (Guo et al., ICML 2017, section 4.2).

    >>> scores, right = np.array([[2.0, 0.0]] * 4, "f"), np.array([[True, False]] * 3 + [[False, True]])
    >>> round(2 / fitted_temperature([(scores, right)]), 1)  # three of four are right: log 3
    1.1
    """
    return float(TEMPERATURES[int(np.argmax(_likelihoods(draws)))])


def fitted_temperatures(draws: Sequence[Draw]) -> tuple[float, float]:
    """The temperature for five labels, and the power of the number of labels that it grows with.

    Together they make the right labels most likely.
    """
    numbers = sorted({scores.shape[1] for scores, _ in draws})
    curves = [_likelihoods([draw for draw in draws if draw[0].shape[1] == number]) for number in numbers]
    steps, best = np.log(TEMPERATURES), (-np.inf, 0.0, 0.0)
    for growth in GROWTHS:
        shifts = growth * np.log(np.array(numbers) / USUAL_LABELS)
        total = sum(np.interp(steps + shift, steps, curve) for shift, curve in zip(shifts, curves, strict=True))
        at = int(np.argmax(total))
        best = max(best, (float(np.asarray(total)[at]), float(TEMPERATURES[at]), float(growth)))
    return best[1], best[2]


def _likelihoods(draws: Sequence[Draw]) -> Array:
    """For every one of the temperatures how likely the right labels are, in the sum over draws."""
    return np.array(
        [
            sum(float(log_shares(scores, temperature=t)[right].mean()) for scores, right in draws)
            for t in TEMPERATURES.tolist()
        ]
    )


def fitted_thresholds(
    right: Sequence[Draw], wrong: Sequence[Draw], *, rates: Sequence[float]
) -> tuple[dict[float, float], dict[float, float]]:
    """For every rate the score that such a share of clips without their label reaches, and how many others do."""
    without = np.concatenate([scores.max(axis=1) for scores, _ in wrong])
    having = np.concatenate([scores.max(axis=1) for scores, _ in right])
    thresholds = {rate: float(np.quantile(without, 1 - rate)) for rate in rates}
    return thresholds, {rate: float((having >= least).mean()) for rate, least in thresholds.items()}


def fitted_gaps(draws: Sequence[Draw], *, classes: npt.NDArray[np.int64]) -> Gaps:
    """How far the right label lies below the best one, at most, in every share of clips and by the number of labels.

    Other classes may be harder than the few that were held out, so the share is raised by its standard error over the
    `classes` (N,) of the clips. The quantiles of all numbers of labels are smoothed by a parabola of the logarithm of
    the number.
    """
    below: dict[int, list[Array]] = {}
    for scores, which in draws:
        below.setdefault(scores.shape[1], []).append(scores.max(axis=1) - scores[which])
    numbers = np.log(sorted(below))
    wanted = np.log(GAP_LABELS)
    widths = {}
    for coverage in COVERAGES:
        found = [_safe_quantile(np.stack(below[k]), coverage, classes) for k in sorted(below)]
        curve = np.polyval(np.polyfit(numbers, found, min(2, len(numbers) - 1)), wanted)
        smooth = np.maximum.accumulate(np.maximum(curve, 0.0))
        widths[coverage] = dict(zip(GAP_LABELS, smooth.tolist(), strict=True))
    return Gaps(widths=widths)


def _safe_quantile(below: Array, coverage: float, classes: npt.NDArray[np.int64]) -> float:
    """The quantile of distances (S, N), S draws for N clips, raised by its standard error over their classes."""
    inside = (below <= np.quantile(below, coverage)).mean(axis=0)
    shares = [inside[classes == one].mean() for one in np.unique(classes)]
    error = float(np.std(shares) / np.sqrt(len(shares)))
    return float(np.quantile(below, min(coverage + error, 1.0), method="higher"))


def covered(draws: Sequence[Draw], gaps: Gaps, *, coverage: float) -> tuple[float, float]:
    """The share of sets that hold the right label, and the mean number of labels in a set."""
    held, sizes = [], []
    for scores, which in draws:
        inside = scores >= scores.max(axis=1, keepdims=True) - gaps.width(coverage, labels=scores.shape[1])
        held.append(inside[which])
        sizes.append(inside.sum(axis=1))
    return float(np.concatenate(held).mean()), float(np.concatenate(sizes).mean())


def calibration_error(draws: Sequence[Draw], *, temperature: float, growth: float = 0.0) -> float:
    """Expected calibration error: how far, on average over ten bins, confidence is from the share of right answers."""
    scales = [temperature * float((scores.shape[1] / USUAL_LABELS) ** growth) for scores, _ in draws]
    shares = [np.exp(log_shares(scores, temperature=t)) for t, (scores, _) in zip(scales, draws, strict=True)]
    confidence = np.concatenate([one.max(axis=1) for one in shares])
    right = hits(draws)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))
