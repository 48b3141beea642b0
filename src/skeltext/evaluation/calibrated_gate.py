"""The calibrated gate of generalised zero-shot recognition: does a clip show a seen or an unseen class?

An expert of the unseen classes and one of the seen classes both judge a clip; a logistic regression on their largest
probabilities decides whose word counts (Atzmon and Chechik, CVPR 2019, in the form of Gupta et al., "Syntactically
Guided Generative Embeddings for Zero-Shot Skeleton Action Recognition", ICIP 2021). It is fitted where some seen
classes play the unseen ones, on clips that neither expert was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

GateRule = Literal["published", "sound"]
TEMPERATURES = tuple(range(1, 10))  # of the softmax of the expert of the seen classes
THRESHOLDS = tuple(percent / 100 for percent in range(25, 75))  # on the probability that a class is unseen
INVERSE_PENALTY = 2.0  # C of two classes; the published softmax over both with C = 1 is the same function
HELD_OUT = (300, 400)  # unseen and seen clips that choose temperature and threshold and do not fit the regression
MOST_HELD_OUT = 2 / 3  # of the clips there are, where they are fewer than in the paper
MOST_STEPS, CLOSE = 100, 1e-9  # of the fit: how many at most, and how small the last one is
FEWEST = 2  # clips of either side: one to fit by, one to choose by

Rows = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What both experts say of N clips.

    ``unseen`` (N, U) are probabilities of the unseen classes, ``seen`` (N, S) the scores of the seen ones before their
    softmax.
    """

    unseen: Tensor
    seen: Tensor


@dataclass(frozen=True, kw_only=True)
class Logistic:
    """A regression p(x) = sigmoid(w . x + b): ``weights`` w (D,) and ``bias`` b (), both float64."""

    weights: Tensor
    bias: Tensor

    def probabilities(self, features: Tensor) -> Tensor:
        """(N, D) features to p (N,)."""
        return torch.sigmoid(features.double() @ self.weights + self.bias)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A fitted gate; :meth:`says_seen` uses it.

    ``width`` is how many probabilities of either expert it looks at. ``regression`` tells how probably a clip is of a
    seen class. ``accuracy`` is the share of the held-out clips that ``temperature`` and ``threshold`` were chosen by
    which it sorts right under the rule of its fit; the mean of the shares of both sides for the sound gate.
    """

    rule: GateRule
    width: int
    temperature: int
    threshold: float
    regression: Logistic
    accuracy: float

    def unseen_probabilities(self, judged: Judged) -> Tensor:
        """(N,) how probably the clips are of unseen classes."""
        features = gate_features(judged, temperature=self.temperature, width=self.width)
        return 1 - self.regression.probabilities(features)

    def says_seen(self, judged: Judged) -> Bools:
        """(N,) whether the clips are taken for ones of seen classes, by the threshold t on P(unseen).

        A sound gate says unseen where P(unseen) > t, by which t was chosen. The published one says seen where
        1 - P(unseen) > t, which is another rule unless t is 0.5.
        """
        unseen = self.unseen_probabilities(judged)
        seen = 1 - unseen > self.threshold if self.rule == "published" else ~(unseen > self.threshold)
        return np.asarray(seen.numpy())


def gate_features(judged: Judged, *, temperature: float, width: int) -> Tensor:
    """(N, 2 width): the largest probabilities of unseen classes, descending, then those of seen classes.

    The latter are softmax(scores / `temperature`).

    >>> judged = Judged(unseen=torch.tensor([[0.2, 0.7, 0.1]]), seen=torch.tensor([[0.0, 9.0, 0.0]]))
    >>> [round(value, 2) for value in gate_features(judged, temperature=1, width=2)[0].tolist()]
    [0.7, 0.2, 1.0, 0.0]
    """
    seen = F.softmax(judged.seen / temperature, dim=1)
    return torch.cat([part.topk(width, dim=1).values for part in (judged.unseen, seen)], dim=1)


def fit_logistic(
    features: Tensor, positive: Tensor, *, inverse_penalty: float = INVERSE_PENALTY, balanced: bool = False
) -> Logistic:
    """The w and b that minimise C sum_i c_i log(1 + exp(-y_i (w . x_i + b))) + |w|^2 / 2 over (N, D) features.

    y_i is 1 where `positive` (N,) and -1 elsewhere, C is `inverse_penalty`. Where `balanced`, c_i is N over twice the
    number of clips on the side of clip i, so that both sides weigh the same; otherwise it is 1. The problem is convex:
    Newton's steps, halved where they would go too far, end at its one solution.

    >>> fitted = fit_logistic(torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([False, False, True, True]))
    >>> round((-fitted.bias / fitted.weights).item(), 4)
    1.5
    """
    x = torch.cat([features, torch.ones_like(features[:, :1])], dim=1).double()  # N D+1, the last for the bias
    y = positive.double()
    on_side = torch.stack([(~positive).sum(), positive.sum()])[positive.long()]
    costs = inverse_penalty * (len(x) / (2 * on_side) if balanced else torch.ones_like(on_side)).double()
    penalty = torch.ones(x.shape[1], dtype=torch.float64)
    penalty[-1] = 0

    def objective(w: Tensor) -> float:
        return ((costs * F.softplus((1 - 2 * y) * (x @ w))).sum() + (penalty * w.square()).sum() / 2).item()

    w = torch.zeros_like(penalty)
    for _ in range(MOST_STEPS):
        p = torch.sigmoid(x @ w)
        gradient = x.T @ (costs * (p - y)) + penalty * w
        curvature = (x.T * (costs * p * (1 - p))) @ x + torch.diag(penalty)
        step = torch.linalg.solve(curvature, gradient)
        while step.abs().max() > CLOSE and objective(w - step) > objective(w):
            step = step / 2
        w = w - step
        if step.abs().max() <= CLOSE:
            break
    return Logistic(weights=w[:-1], bias=w[-1])


def held_out_rows(count: int, *, most: int) -> Rows:
    """Which of `count` clips choose temperature and threshold: the same ones every time, `most` of them if there are.

    >>> len(held_out_rows(900, most=300)), len(held_out_rows(90, most=300))
    (300, 60)
    """
    kept = min(most, int(MOST_HELD_OUT * count))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    return np.sort(order[:kept].numpy())


def fit_gate(
    unseen: Judged,
    seen: Judged,
    *,
    width: int,
    rule: GateRule,
    held_out: Mapping[int, tuple[Rows, Rows]] | None = None,
    temperatures: Sequence[int] = TEMPERATURES,
) -> Gate:
    """A gate from clips of classes that play `unseen` ones and of `seen` ones.

    For every temperature a regression is fitted on all clips that are not held out; temperature and threshold are those
    that sort the held-out ones best, where unseen is what has P(unseen) > threshold. A sound gate gives both sides the
    same weight in the fit and in the choice, since a set has many more seen than unseen clips. Of equals the published
    one takes the first, which is the lowest threshold, and the sound one that whose threshold is nearest to 0.5.

    `held_out` says for every temperature which rows of either side are held out, in place of :func:`held_out_rows`.
    Raises ValueError for fewer than two clips on a side.
    """
    sides = (unseen, seen)
    counts = [len(side.seen) for side in sides]
    if min(counts) < FEWEST:
        raise ValueError(f"{counts[0]} unseen and {counts[1]} seen clips, expected at least {FEWEST} of each")
    usual = tuple(held_out_rows(count, most=most) for count, most in zip(counts, HELD_OUT, strict=True))
    found: list[Gate] = []
    for temperature in temperatures:
        rows = usual if held_out is None else held_out[temperature]
        choosing = [np.isin(np.arange(count), held) for count, held in zip(counts, rows, strict=True)]
        features = torch.cat([gate_features(side, temperature=temperature, width=width) for side in sides])
        chooses = torch.from_numpy(np.concatenate(choosing))
        is_seen = torch.arange(len(features)) >= counts[0]
        regression = fit_logistic(features[~chooses], is_seen[~chooses], balanced=rule == "sound")
        unseen_probabilities = 1 - regression.probabilities(features[chooses])
        for threshold in THRESHOLDS:
            right = (unseen_probabilities > threshold) != is_seen[chooses]
            accuracy = _share_right(right, is_seen[chooses], balanced=rule == "sound")
            found.append(
                Gate(
                    rule=rule,
                    width=width,
                    temperature=temperature,
                    threshold=threshold,
                    regression=regression,
                    accuracy=accuracy,
                )
            )
    return max(found, key=lambda gate: (gate.accuracy, -abs(gate.threshold - 0.5) if rule == "sound" else 0.0))


def _share_right(right: Tensor, is_seen: Tensor, *, balanced: bool) -> float:
    if not balanced:
        return right.double().mean().item()
    return (right[is_seen].double().mean().item() + right[~is_seen].double().mean().item()) / 2
