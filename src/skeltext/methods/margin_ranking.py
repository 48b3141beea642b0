"""The ranking by a margin that DeViSE, ReViSE and JPoSE learn by: the true class above every other."""

from __future__ import annotations

from torch import Tensor


def ranking_loss(scores: Tensor, true: Tensor, *, margin: float) -> Tensor:
    """Mean over clips of the sum over all classes j of max(0, m - s_y + s_j).

    `scores` (N, K) compare every clip with every class, `true` (N,) with its own. The own class is one of the K, and
    adds m to every sum.

    >>> import torch
    >>> round(ranking_loss(torch.tensor([[0.5, 0.45, 0.1]]), torch.tensor([0.5]), margin=0.1).item(), 4)
    0.15
    """
    return (margin - true.unsqueeze(1) + scores).clamp(min=0).sum(dim=1).mean()


def fixed_rivals_loss(embedded: Tensor, anchors: Tensor, labels: Tensor, *, margin: float) -> Tensor:
    """The ranking loss of dot products, in which a clip moves the anchor of its own class alone.

    `embedded` (N, D) are clips of the classes `labels` (N,), `anchors` (K, D) all classes. The table of anchors that
    a clip is ranked against is a constant, as in the code of ReViSE and JPoSE for skeletons. So the own class, which
    adds m whatever the weights are, still draws its anchor to the clip.

    >>> import torch
    >>> anchors = torch.eye(2, requires_grad=True)
    >>> fixed_rivals_loss(torch.tensor([[1.0, 0.9]]), anchors, torch.tensor([0]), margin=0.3).backward()
    >>> anchors.grad.tolist()
    [[-2.0, -1.7999999523162842], [0.0, 0.0]]
    """
    scores = embedded @ anchors.detach().T
    true = (embedded * anchors[labels]).sum(dim=1)
    return ranking_loss(scores, true, margin=margin)
