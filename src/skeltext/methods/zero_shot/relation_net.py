"""RelationNet: a small network that learns how well a skeleton feature and a class text go together.

Sung et al., "Learning to Compare: Relation Network for Few-Shot Learning", CVPR 2018, in its zero-shot form. On
skeletons it is trained on the features of a frozen encoder (Jasani and Mazagonwalla, arXiv 1911.11344); no code of that
was released, so the widths are the original's in proportion to 256 features.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.dense_layers import dense_layers
from skeltext.methods.method import About, Batch, Method
from skeltext.methods.pair_network import CLIPS, PairNetwork
from skeltext.methods.protocols import SMIE_SPLITS, SYNSE_SPLITS


def relation_loss(relations: Tensor, labels: Tensor) -> Tensor:
    """Mean over all pairs of (r_ij - 1[y_i = j])^2, RelationNet's equation 2 divided by the number of pairs.

    `relations` (N, K) in (0, 1) are those of N clips and K classes, `labels` (N,) the true classes.

    >>> round(relation_loss(torch.tensor([[0.9, 0.3]]), torch.tensor([0])).item(), 4)
    0.05
    """
    classes = torch.arange(relations.shape[1], device=labels.device)
    return F.mse_loss(relations, (labels.unsqueeze(1) == classes).to(relations.dtype))


class RelationNet(Method):
    """A text branch to the width of the features and a relation module on pairs, r = g([x ; f(t)]) (equation 3).

    `text_hidden` and `hidden` are the widths between: texts -> `text_hidden` -> D, pair 2 D -> `hidden` -> 1.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = RelationNet(encoder=STGCN(layout=NTU25), text_width=384)
    >>> method.scores(torch.rand(5, 256), torch.rand(3, 384)).shape
    torch.Size([5, 3])
    """

    about = About(
        title="RelationNet",
        paper="Sung et al.: Learning to Compare: Relation Network for Few-Shot Learning. CVPR 2018",
        year=2018,
        needs="class texts; features of a frozen encoder",
        published={
            SMIE_SPLITS: {"ntu60": 48.16, "ntu120": 40.55, "pku-mmd": 51.97},
            SYNSE_SPLITS: {"ntu60 55/5": 40.12, "ntu60 48/12": 30.06, "ntu120 110/10": 52.59, "ntu120 96/24": 29.06},
        },
    )

    def __init__(self, *, encoder: Encoder, text_width: int, text_hidden: int = 512, hidden: int = 256) -> None:
        super().__init__(encoder=encoder)
        if min(text_hidden, hidden) < 1:
            raise ValueError(f"text_hidden {text_hidden} and hidden {hidden}, expected positive widths")
        self.text_branch = dense_layers([text_width, text_hidden, self.width], nn.ReLU)
        self.relation = PairNetwork(clip_width=self.width, text_width=self.width, hidden=(hidden,))

    def embed_features(self, features: Tensor) -> Tensor:
        """The features (N, D) as they are: the relation module takes them so."""
        return features

    def anchors(self, texts: Tensor) -> Tensor:
        """(K, D) f(t), the texts at the width of the features."""
        placed: Tensor = self.text_branch(texts)
        return placed

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) relations before their sigmoid: the same ranking, without the ties of a saturated sigmoid."""
        anchors = self.anchors(texts)
        return torch.cat([self.relation(part.unsqueeze(1), anchors) for part in torch.split(embedded, CLIPS)])

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The squared error of the relations of every clip to every class that is trained on."""
        logits = self.relation(self.batch_features(batch).unsqueeze(1), self.anchors(batch.texts))  # N 1 D + K D -> N K
        return {"loss": relation_loss(logits.sigmoid(), batch.labels)}
