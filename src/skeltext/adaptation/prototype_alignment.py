"""Prototype alignment (PGFA, Zhou et al., IEEE TIP 2025, section on prototype-guided text feature alignment).

Transductive: the anchors of the classes are moved onto prototypes made from the whole set of unlabelled test clips,
so a prediction depends on the other clips that are tested with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """What :func:`align_prototypes` found.

    ``anchors`` (K, D) are the anchors after the last round (prototypes, not normalised; the fallback row where a
    class had no support), ``labels`` (N,) the final classes, ``pseudo_labels`` (N,) and ``entropy`` (N,) those of
    the first round, ``support`` (K,) how many clips made each prototype in the last round.
    """

    anchors: Tensor
    labels: Tensor
    pseudo_labels: Tensor
    entropy: Tensor
    support: Tensor


def cosine_scores(features: Tensor, anchors: Tensor) -> Tensor:
    """(N, K) cosines between features (N, D) and anchors (K, D).

    >>> scores = cosine_scores(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    >>> tuple(scores.shape), round(scores.item(), 4)
    ((1, 1), 0.7071)
    """
    return F.normalize(features, dim=1) @ F.normalize(anchors, dim=1).T


def prediction_entropy(scores: Tensor, *, temperature: float = 1.0) -> Tensor:
    """(N,) natural entropy of softmax(scores / temperature); the paper uses temperature 1."""
    log_p = F.log_softmax(scores / temperature, dim=1)
    return -(log_p.exp() * log_p).sum(dim=1)


def argmax_prototypes(units: Tensor, scores: Tensor, entropy: Tensor, *, alpha: float) -> tuple[Tensor, Tensor]:
    """Per class the mean of the floor(alpha n) unit features with the lowest entropy among the n predicted as it.

    Returns prototypes (K, D), zero where a class has no support, and the support (K,).
    """
    n, k = scores.shape
    predicted = scores.argmax(dim=1)
    order = entropy.argsort(stable=True)
    by_class = order[predicted[order].argsort(stable=True)]  # clips by class, certain ones first
    counts = torch.bincount(predicted, minlength=k)
    rank = torch.arange(n, device=scores.device) - (counts.cumsum(0) - counts)[predicted[by_class]]
    support = (alpha * counts.double()).long()
    kept = by_class[rank < support[predicted[by_class]]]
    sums = torch.zeros(k, units.shape[1], dtype=units.dtype, device=units.device).index_add_(
        0, predicted[kept], units[kept]
    )
    return sums / support.clamp(min=1).unsqueeze(1), support


def weighted_prototypes(units: Tensor, scores: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
    """Per class the mean of all unit features weighted by its probability: c_k = sum_i P_ik v_i / sum_i P_ik.

    At the paper's temperature 1 the weights are nearly equal and all prototypes lie close to the global mean.
    """
    p = F.softmax(scores / temperature, dim=1)
    support = torch.full((scores.shape[1],), len(units), device=units.device)
    return (p.T @ units) / p.sum(dim=0).unsqueeze(1), support


def align_prototypes(
    features: Tensor,
    anchors: Tensor,
    *,
    alpha: float = 0.9,
    pseudo_labels: Literal["argmax", "weighted"] = "argmax",
    temperature: float = 1.0,
    rounds: int = 1,
    fallback: Tensor | None = None,
) -> Alignment:
    """Classify N unlabelled clips by anchors that were moved onto prototypes of the clips themselves (transductive).

    `features` (N, D) are the clips, `anchors` (K, D) the texts (or exemplars) of the candidate classes. `alpha` is the
    tolerance margin, the share of each class's clips that is trusted, in [0, 1]; `temperature` is that of the softmax
    behind entropy and weights; a class without support takes its row of `fallback` (default: `anchors`).
    Raises ValueError for an alpha outside [0, 1], fewer than one round or a temperature that is not positive.

    >>> features = torch.tensor([[1.0, 0.2], [1.0, 0.3], [0.2, 1.0]])
    >>> align_prototypes(features, torch.eye(2), alpha=1.0).labels.tolist()
    [0, 0, 1]
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}, expected a share between 0 and 1")
    if rounds < 1 or temperature <= 0:
        raise ValueError(f"{rounds} rounds at temperature {temperature}, expected at least 1 at a positive temperature")
    if pseudo_labels not in ("argmax", "weighted"):
        raise ValueError(f"pseudo_labels is {pseudo_labels!r}, expected 'argmax' or 'weighted'")
    fallback = anchors if fallback is None else fallback
    units = F.normalize(features, dim=1)
    first = cosine_scores(units, anchors)
    first_entropy = prediction_entropy(first, temperature=temperature)
    scores, entropy = first, first_entropy
    for _ in range(rounds):
        if pseudo_labels == "argmax":
            prototypes, support = argmax_prototypes(units, scores, entropy, alpha=alpha)
        else:
            prototypes, support = weighted_prototypes(units, scores, temperature=temperature)
        moved = torch.where((support > 0).unsqueeze(1), prototypes, fallback)
        scores = cosine_scores(units, moved)
        entropy = prediction_entropy(scores, temperature=temperature)
    return Alignment(
        anchors=moved,
        labels=scores.argmax(dim=1),
        pseudo_labels=first.argmax(dim=1),
        entropy=first_entropy,
        support=support,
    )
