"""S, U and H: how well clips of seen and of unseen classes are recognised among the classes of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.evaluation.metrics import accuracy, class_mean_accuracy

Ints = npt.NDArray[np.int64]


def harmonic_mean(seen: float, unseen: float) -> float:
    """H = 2 S U / (S + U) of two shares, 0 where both are 0 (Xian et al., CVPR 2017).

    >>> harmonic_mean(0.6, 0.3), harmonic_mean(0.0, 0.0)
    (0.4, 0.0)
    """
    total = seen + unseen
    return 2 * seen * unseen / total if total else 0.0


@dataclass(frozen=True, kw_only=True)
class GeneralisedAccuracy:
    """``seen`` S, ``unseen`` U and their ``harmonic`` mean H, shares between 0 and 1.

    S and U are over clips; ``seen_per_class`` and ``unseen_per_class`` are means over the classes that occur, and
    ``harmonic_per_class`` is the H of these.
    """

    seen: float
    unseen: float
    harmonic: float
    seen_per_class: float
    unseen_per_class: float
    harmonic_per_class: float


def generalised_accuracy(labels: Ints, predicted: Ints, *, seen: int) -> GeneralisedAccuracy:
    """The accuracies of N predictions among all classes, of which the first `seen` were trained on.

    There must be clips of either kind.

    >>> generalised_accuracy(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 2]), seen=2).harmonic
    0.8
    """
    is_seen = labels < seen
    parts = [(labels[part], predicted[part]) for part in (is_seen, ~is_seen)]
    s, u = (accuracy(*part) for part in parts)
    s_class, u_class = (class_mean_accuracy(*part) for part in parts)
    return GeneralisedAccuracy(
        seen=s,
        unseen=u,
        harmonic=harmonic_mean(s, u),
        seen_per_class=s_class,
        unseen_per_class=u_class,
        harmonic_per_class=harmonic_mean(s_class, u_class),
    )
