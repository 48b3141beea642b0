"""PGFA: end-to-end contrastive training of a skeleton encoder against frozen sentence embeddings.

Zhou, Liu et al., "Zero-Shot Skeleton-based Action Recognition with Prototype-Guided Feature Alignment",
IEEE Transactions on Image Processing, 2025. Its test-time half is :mod:`skeltext.adaptation.prototype_alignment`.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from skeltext.adaptation.prototype_alignment import cosine_scores
from skeltext.encoders.encoder import Encoder
from skeltext.methods.kl_contrastive import Target, kl_contrastive_loss, target_distribution
from skeltext.methods.method import About, Batch, Method
from skeltext.methods.protocols import (
    ONE_SHOT,
    SMIE_SPLITS,
    SMIE_SPLITS_ALIGNED,
    SMIE_SPLITS_DESCRIBED,
    SYNSE_SPLITS_ALIGNED,
)

TEMPERATURE = 0.07


class PGFA(Method):
    """A skeleton encoder, a linear projection to the width of the texts and the KL contrastive loss.

    ``temperature="fixed"`` is the released code, in which 1/0.07 never changes; ``"learnable"`` is the paper.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = PGFA(encoder=STGCN(layout=NTU25), text_width=768)
    >>> sum(parameter.numel() for parameter in method.parameters())
    1018756
    """

    about = About(
        title="PGFA",
        paper="Zhou, Liu et al.: Zero-Shot Skeleton-based Action Recognition with Prototype-Guided Feature Alignment."
        " IEEE TIP 2025",
        year=2025,
        needs="class texts; it trains the encoder",
        published={
            SMIE_SPLITS: {"ntu60": 65.17, "ntu120": 57.56, "pku-mmd": 74.76},
            SMIE_SPLITS_DESCRIBED: {"ntu60": 80.45, "ntu120": 60.22, "pku-mmd": 78.34},
            SMIE_SPLITS_ALIGNED: {"ntu60": 93.17, "ntu120": 71.38, "pku-mmd": 87.80},
            SYNSE_SPLITS_ALIGNED: {
                "ntu60 55/5": 80.26,
                "ntu60 48/12": 55.99,
                "ntu120 110/10": 79.99,
                "ntu120 96/24": 59.42,
            },
            ONE_SHOT: {"ntu60": 83.8, "ntu120": 69.8, "pku-mmd": 86.9},
        },
    )

    published_step = "prototype_alignment"

    log_scale: Tensor

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        target: Target = "softmax",
        temperature: Literal["fixed", "learnable"] = "fixed",
    ) -> None:
        super().__init__(encoder=encoder)
        if target not in ("softmax", "rows") or temperature not in ("fixed", "learnable"):
            raise ValueError(
                f"target {target!r} and temperature {temperature!r}, expected 'softmax' or 'rows' and 'fixed' or"
                " 'learnable'"
            )
        self.target: Target = target
        self.projection = nn.Linear(self.width, text_width)
        nn.init.kaiming_normal_(self.projection.weight, mode="fan_out")
        nn.init.zeros_(self.projection.bias)
        log_scale = torch.tensor(math.log(1 / TEMPERATURE))
        if temperature == "learnable":
            self.log_scale = nn.Parameter(log_scale)
        else:
            self.register_buffer("log_scale", log_scale)

    @property
    def score_scale(self) -> float:
        """The inverse temperature it was trained with."""
        return float(self.log_scale.detach().exp())

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, D) in the space of the texts."""
        embedded: Tensor = self.projection(features)
        return embedded

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines."""
        return cosine_scores(embedded, texts)

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The KL contrastive loss of a batch; every clip is paired with the text of its class."""
        embedded = self.embed_features(self.batch_features(batch))
        logits = self.log_scale.exp() * cosine_scores(embedded, batch.texts[batch.labels])
        q = target_distribution(batch.labels, target=self.target).to(logits.dtype)
        return {"loss": kl_contrastive_loss(logits, q)}
