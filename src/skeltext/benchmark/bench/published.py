"""Published formulations that no other room has, and how many operations a formulation takes."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from skeltext.adaptation.prototype_alignment import cosine_scores, prediction_entropy
from skeltext.benchmark.bench.stage import Values

BATCH = 64  # clips of a test batch, as published


def operations(run: Callable[[], object]) -> int:
    """Floating-point operations of all products and convolutions in a call, a multiply-add counting as two."""
    with FlopCounterMode(display=False) as counter:
        run()
    return int(counter.get_total_flops())


def evaluate_twice(embed: Callable[[Tensor], Tensor], clips: Tensor, anchors: Tensor, *, alpha: float) -> Tensor:
    """(N,) classes as PGFA's released test finds them: batch by batch, the network run again for the second pass.

    The first pass keeps pseudo-labels, entropies and unit features; the mean of the floor(alpha n) clips of lowest
    entropy is the prototype of a class, its text where none is left; the second pass compares with the prototypes.
    """
    units, classes, entropies = [], [], []
    for part in torch.split(clips, BATCH):
        features = embed(part)
        scores = cosine_scores(features, anchors)
        units.append(F.normalize(features, dim=1))
        classes.append(scores.argmax(dim=1))
        entropies.append(prediction_entropy(scores))
    unit, pseudo, entropy = torch.cat(units), torch.cat(classes), torch.cat(entropies)
    prototypes = []
    for k, anchor in enumerate(anchors):
        members = (pseudo == k).nonzero().flatten()
        kept = members[entropy[members].topk(int(alpha * len(members)), largest=False).indices]
        prototypes.append(unit[kept].mean(dim=0) if len(kept) else anchor)
    moved = torch.stack(prototypes)
    return torch.cat([cosine_scores(embed(part), moved).argmax(dim=1) for part in torch.split(clips, BATCH)])


def same_class(subject: Values, reference: Values) -> dict[str, float]:
    """The share of clips for which two formulations find the same class."""
    return {"same_class": float((subject == reference).mean())}
