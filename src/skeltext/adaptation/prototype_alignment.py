"""Prototype alignment (PGFA, Zhou et al., IEEE TIP 2025, section on prototype-guided text feature alignment).

Transductive: the anchors of the classes are moved onto prototypes made from the whole set of unlabelled test clips,
so a prediction depends on the other clips that are tested with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.adaptation.step import Adapted, Floats, TestTimeStep, Unlabeled

PseudoLabels = Literal["argmax", "weighted"]


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """What :func:`align_prototypes` found.

    ``anchors`` (K, D) are the anchors after the last round (prototypes, not normalised; the fallback row where a
    class had no support, NaN where there is none), ``labels`` (N,) the final classes, ``pseudo_labels`` (N,) and
    ``entropy`` (N,) those of the first round, ``support`` (K,) how many clips made each prototype in the last round.
    """

    anchors: Tensor
    labels: Tensor
    pseudo_labels: Tensor
    entropy: Tensor
    support: Tensor


def cosine_scores(features: Tensor, anchors: Tensor, *, norms: Tensor | None = None) -> Tensor:
    """(N, K) cosines between features (N, D) and anchors (K, D).

    With the `norms` (N,) of the features it divides the products by them, so that no unit features are written.

    >>> scores = cosine_scores(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 1.0]]))
    >>> tuple(scores.shape), round(scores.item(), 4)
    ((1, 1), 0.7071)
    """
    directions = F.normalize(anchors, dim=1)
    if norms is None:
        return F.normalize(features, dim=1) @ directions.T
    return (features @ directions.T) / norms.unsqueeze(1)


def positive_norms(features: Tensor) -> Tensor:
    """(N,) Euclidean norms of features (N, D), at least 1e-12 so that a zero feature stays zero when divided by it."""
    norms: Tensor = torch.linalg.vector_norm(features, dim=1)
    return norms.clamp(min=1e-12)


def prediction_entropy(scores: Tensor, *, temperature: float = 1.0) -> Tensor:
    """(N,) natural entropy of softmax(scores / temperature); the paper uses temperature 1."""
    log_p = F.log_softmax(scores / temperature, dim=1)
    return -(log_p.exp() * log_p).sum(dim=1)


def argmax_prototypes(
    features: Tensor, norms: Tensor, scores: Tensor, entropy: Tensor, *, alpha: float
) -> tuple[Tensor, Tensor]:
    """Per class the mean of the floor(alpha n) unit features with the lowest entropy among the n predicted as it.

    A unit feature is a row of `features` (N, D) divided by its norm. Returns prototypes (K, D), zero where a class has
    no support, and the support (K,).
    """
    n, k = scores.shape
    predicted = scores.argmax(dim=1)
    order = entropy.argsort(stable=True)
    by_class = order[predicted[order].argsort(stable=True)]  # clips by class, certain ones first
    counts = torch.bincount(predicted, minlength=k)
    rank = torch.arange(n, device=scores.device) - (counts.cumsum(0) - counts)[predicted[by_class]]
    support = (alpha * counts.double()).long()
    kept = by_class[rank < support[predicted[by_class]]]
    sums = F.embedding_bag(  # a bag per class: rows are read where they lie, not gathered first
        kept, features, support.cumsum(0) - support, mode="sum", per_sample_weights=norms[kept].reciprocal()
    )
    return sums / support.clamp(min=1).unsqueeze(1), support


def weighted_prototypes(
    features: Tensor, norms: Tensor, scores: Tensor, *, temperature: float
) -> tuple[Tensor, Tensor]:
    """Per class the mean of all unit features weighted by its probability: c_k = sum_i P_ik v_i / sum_i P_ik.

    At the paper's temperature 1 the weights are nearly equal and all prototypes lie close to the global mean.
    """
    p = F.softmax(scores / temperature, dim=1)
    support = torch.full((scores.shape[1],), len(features), device=features.device)
    return ((p / norms.unsqueeze(1)).T @ features) / p.sum(dim=0).unsqueeze(1), support


def align_prototypes(
    features: Tensor,
    anchors: Tensor | None,
    *,
    alpha: float = 0.9,
    pseudo_labels: PseudoLabels = "argmax",
    temperature: float = 1.0,
    rounds: int = 1,
    fallback: Tensor | None = None,
    first: Tensor | None = None,
) -> Alignment:
    """Classify N unlabelled clips by anchors that were moved onto prototypes of the clips themselves (transductive).

    `features` (N, D) are the clips, `anchors` (K, D) the texts (or exemplars) of the candidate classes. `alpha` is the
    tolerance margin, the share of each class's clips that is trusted, in [0, 1]; `temperature` is that of the softmax
    behind entropy and weights; a class without support takes its row of `fallback` (default: `anchors`). `first` (N, K)
    are the scores of the first round for a method that does not score by cosines (default: cosines to the anchors);
    where its texts are no points among the features there are no `anchors`, and no clip is taken for a class without
    support (unless none has any: then the first round stands). Raises ValueError for an alpha outside [0, 1], fewer
    than one round, a temperature that is not positive, or neither anchors nor first scores.

    >>> features = torch.tensor([[1.0, 0.2], [1.0, 0.3], [0.2, 1.0]])
    >>> align_prototypes(features, torch.eye(2), alpha=1.0).labels.tolist()
    [0, 0, 1]
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}, expected a share between 0 and 1")
    if rounds < 1 or temperature <= 0:
        raise ValueError(f"{rounds} rounds at temperature {temperature}, expected at least 1 at a positive temperature")
    if pseudo_labels not in get_args(PseudoLabels):
        raise ValueError(f"pseudo_labels is {pseudo_labels!r}, expected 'argmax' or 'weighted'")
    norms = positive_norms(features)
    if first is None:
        if anchors is None:
            raise ValueError("neither anchors nor scores of the first round, expected one of them")
        first = cosine_scores(features, anchors, norms=norms)
    fallback = anchors if fallback is None else fallback
    scores, entropy = [first], []
    for _ in range(rounds):
        entropy.append(prediction_entropy(scores[-1], temperature=temperature))
        if pseudo_labels == "argmax":
            prototypes, support = argmax_prototypes(features, norms, scores[-1], entropy[-1], alpha=alpha)
        else:
            prototypes, support = weighted_prototypes(features, norms, scores[-1], temperature=temperature)
        moved = torch.where((support > 0).unsqueeze(1), prototypes, torch.nan if fallback is None else fallback)
        scores.append(cosine_scores(features, moved, norms=norms))
        if fallback is None:
            scores[-1] = scores[-1].masked_fill(support == 0, -torch.inf) if support.any() else first
    return Alignment(
        anchors=moved,
        labels=scores[-1].argmax(dim=1),
        pseudo_labels=scores[0].argmax(dim=1),
        entropy=entropy[0],
        support=support,
    )


@dataclass(frozen=True, kw_only=True)
class PrototypeAlignment(TestTimeStep):
    """The step of PGFA with the options of :func:`align_prototypes`.

    >>> import numpy as np
    >>> clips = np.array([[1.0, 0.2], [1.0, 0.3], [0.2, 1.0]], np.float32)
    >>> given = Unlabeled(features=clips, scores=clips, anchors=np.eye(2, dtype=np.float32))
    >>> PrototypeAlignment(alpha=1.0).fit(given).labels.tolist()
    [0, 0, 1]
    """

    title = "prototype alignment"
    about = "prototype_alignment: anchors are moved onto prototypes of the test clips."

    alpha: float = 0.9
    pseudo_labels: PseudoLabels = "argmax"
    temperature: float = 1.0
    rounds: int = 1

    def __post_init__(self) -> None:
        known = get_args(PseudoLabels)
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha}, expected a share between 0 and 1")
        if not self.temperature > 0 or self.rounds < 1:
            raise ValueError(f"temperature {self.temperature} and rounds {self.rounds}, expected positive numbers")
        if self.pseudo_labels not in known:
            raise ValueError(f"pseudo_labels is {self.pseudo_labels!r}, expected {' or '.join(map(repr, known))}")

    def fit(self, clips: Unlabeled) -> Adapted:
        """The labels after the last round, and the prototypes."""
        found = align_prototypes(
            torch.from_numpy(clips.features),
            _tensor(clips.anchors),
            alpha=self.alpha,
            pseudo_labels=self.pseudo_labels,
            temperature=self.temperature,
            rounds=self.rounds,
            fallback=_tensor(clips.fallback),
            first=torch.from_numpy(clips.scores),
        )
        return Adapted(labels=found.labels.numpy(), anchors=found.anchors.numpy())


def _tensor(rows: Floats | None) -> Tensor | None:
    return None if rows is None else torch.from_numpy(rows)
