"""DeViSE: a map from skeleton features into the space of the texts, learnt by ranking the true class above all others.

Frome et al., "DeViSE: A Deep Visual-Semantic Embedding Model", NeurIPS 2013. On skeletons it is trained on the features
of a frozen encoder (Jasani and Mazagonwalla, arXiv 1911.11344); no code of that was released, so widths and margin
are those of the original.
"""

from __future__ import annotations

from torch import Tensor, nn

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.margin_ranking import ranking_loss
from skeltext.methods.method import About, Batch, Method
from skeltext.methods.protocols import SMIE_SPLITS, SYNSE_SPLITS

MARGIN = 0.1


def hinge_rank_loss(scores: Tensor, labels: Tensor, *, margin: float) -> Tensor:
    """Mean over clips of sum over j != y of max(0, m - s_y + s_j), DeViSE's equation 1.

    `scores` (N, K) compare every clip with every class, `labels` (N,) are the true ones.

    >>> import torch
    >>> round(hinge_rank_loss(torch.tensor([[0.5, 0.45, 0.1]]), torch.tensor([0]), margin=0.1).item(), 4)
    0.05
    """
    true = scores.gather(1, labels.unsqueeze(1)).squeeze(1)
    return ranking_loss(scores, true, margin=margin) - margin


class DeViSE(Method):
    """A linear map of the encoder's features to the width of the texts, or with `hidden` units a small network.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> DeViSE(encoder=STGCN(layout=NTU25), text_width=768).head
    Linear(in_features=256, out_features=768, bias=True)
    """

    about = About(
        title="DeViSE",
        paper="Frome et al.: DeViSE: A Deep Visual-Semantic Embedding Model. NeurIPS 2013",
        year=2013,
        needs="class texts; features of a frozen encoder",
        published={
            SMIE_SPLITS: {"ntu60": 49.80, "ntu120": 44.59, "pku-mmd": 47.94},
            SYNSE_SPLITS: {"ntu60 55/5": 60.72, "ntu60 48/12": 24.51, "ntu120 110/10": 47.49, "ntu120 96/24": 25.74},
        },
    )

    def __init__(self, *, encoder: Encoder, text_width: int, margin: float = MARGIN, hidden: int = 0) -> None:
        super().__init__(encoder=encoder)
        if margin <= 0 or hidden < 0:
            raise ValueError(f"margin {margin} and hidden {hidden}, expected a positive margin and a width or 0")
        self.margin = margin
        self.head: nn.Module = nn.Linear(self.width, text_width)
        if hidden:
            self.head = nn.Sequential(nn.Linear(self.width, hidden), nn.ReLU(), nn.Linear(hidden, text_width))

    @property
    def score_scale(self) -> float:
        """One over the margin, by which cosines were trained to differ."""
        return 1 / self.margin

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, D) in the space of the texts."""
        embedded: Tensor = self.head(features)
        return embedded

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines."""
        return cosine_scores(embedded, texts)

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The hinge rank loss of a batch against all classes that are trained on."""
        scores = self.scores(self.embed_features(self.batch_features(batch)), batch.texts)
        return {"loss": hinge_rank_loss(scores, batch.labels, margin=self.margin)}
