"""A classifier of the seen classes: the first stage that most two-stage methods take their frozen encoder from.

SMIE (Zhou et al., ACM MM 2023), SynSE, DVTA and their successors train an encoder so. It is no zero-shot recogniser.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.first_stage import FirstStage
from skeltext.methods.method import About, Batch


class Classifier(FirstStage):
    """A linear softmax over the `classes` (K) that are trained on, with cross-entropy.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> Classifier(encoder=STGCN(layout=NTU25), classes=55).head
    Linear(in_features=256, out_features=55, bias=True)
    """

    about = About(
        title="Classifier",
        paper="the first stage of Zhou et al.: Zero-shot Skeleton-based Action Recognition via Mutual Information"
        " Estimation and Maximization. ACM MM 2023",
        year=2023,
        needs="labels of the seen classes",
    )

    def __init__(self, *, encoder: Encoder, classes: int) -> None:
        super().__init__(encoder=encoder)
        if classes < 2:
            raise ValueError(f"{classes} classes, expected at least two")
        self.head = nn.Linear(self.width, classes)
        nn.init.xavier_normal_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The cross-entropy of a batch, and the share of it that is classified right."""
        logits = self.head(self.batch_features(batch))
        right = (logits.argmax(dim=1) == batch.labels).to(logits.dtype)
        return {"loss": F.cross_entropy(logits, batch.labels), "accuracy": right.mean()}
