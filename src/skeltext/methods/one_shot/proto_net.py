"""ProtoNet: the mean of a class's examples is its prototype, and the nearest prototype is the class.

Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017. On skeletons as in the published
experiments of SkeletonX (IEEE TMM 2025): an encoder that was trained as a classifier learns on from episodes.
"""

from __future__ import annotations

from torch import Tensor

from skeltext.methods.episodic import Episodic, negative_squared_distances
from skeltext.methods.method import About
from skeltext.methods.protocols import ONE_SHOT


class ProtoNet(Episodic):
    """The softmax over minus the squared distances to the prototypes (equation 2); it has no weights but the encoder's.

    >>> import torch
    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = ProtoNet(encoder=STGCN(layout=NTU25))
    >>> method.compare(torch.zeros(1, 2), torch.tensor([[1.0, 0.0], [1.0, 2.0]])).tolist()
    [[-1.0, -5.0]]
    """

    about = About(
        title="ProtoNet",
        paper="Snell et al.: Prototypical Networks for Few-shot Learning. NeurIPS 2017",
        year=2017,
        needs="an example of each class; it trains the encoder on",
        published={ONE_SHOT: {"ntu60": 74.8, "ntu120": 60.4, "pku-mmd": 78.1}},
    )

    def compare(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, D) and prototypes (W, D) to scores (Q, W)."""
        return negative_squared_distances(queries, classes)
