"""ReViSE: autoencoders of features and of texts whose codes are drawn together and ranked in one space.

Tsai, Huang and Salakhutdinov, "Learning Robust Visual-Semantic Embeddings", ICCV 2017, in the form of SynSE's code for
skeletons (see :mod:`skeltext.methods.dense_layers`). There the rate fell when the accuracy on the unseen classes
stopped rising, and the best epoch by that accuracy was kept; here the schedule and the epochs of the run take their
place, which know of no such clip.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.dense_layers import dense_layers, hidden_width
from skeltext.methods.margin_ranking import fixed_rivals_loss
from skeltext.methods.method import About, Batch, Method, ParameterGroup
from skeltext.methods.protocols import SA_DVAE_SPLITS, SMIE_SPLITS, SYNSE_GENERALISED, SYNSE_SPLITS

MARGIN = 0.3
CONTRACTION = 1e-4  # what the contractive term counts for
SHARPNESS = 32.0  # of the kernel that codes are compared by
TEXT_DECAY = 1e-3

Contraction = Literal["constant", "learnt"]


def gaussian_kernel(a: Tensor, b: Tensor) -> Tensor:
    """(A, B) k(a_i, b_j) = exp(-32 ||a_i - b_j||^2) of rows (A, H) and (B, H)."""
    return (-SHARPNESS * torch.cdist(a, b).square()).exp()


def mean_discrepancy(a: Tensor, b: Tensor) -> Tensor:
    """The squared maximum mean discrepancy of two samples (N, H): mean of k(a, a) + k(b, b) - 2 k(a, b).

    Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, equation 5.

    >>> mean_discrepancy(torch.zeros(2, 3), torch.zeros(2, 3)).item()
    0.0
    """
    return gaussian_kernel(a, a).mean() + gaussian_kernel(b, b).mean() - 2 * gaussian_kernel(a, b).mean()


def contractive_slope(encoder: nn.Module, inputs: Tensor) -> Tensor:
    """How fast the codes change with their inputs (N, D): the root of the sum of squares of d(sum h)/d(inputs).

    >>> encoder = nn.Linear(2, 1)
    >>> _ = encoder.weight.data.copy_(torch.tensor([[3.0, 4.0]]))
    >>> contractive_slope(encoder, torch.zeros(1, 2)).item()
    5.0
    """
    points = inputs.detach().requires_grad_()
    (slopes,) = torch.autograd.grad(encoder(points).sum(), points, create_graph=True)
    slope: Tensor = slopes.norm()
    return slope


class Autoencoder(nn.Module):
    """An encoder to a code, its mirror image back, and a map of the code into the space that both sides share.

    Every layer ends in a ReLU, the last of the decoder too, and the map in a tanh. A `hidden` width of 0 is no layer.
    """

    def __init__(self, *, width: int, hidden: int, code: int, embedding: int) -> None:
        super().__init__()
        self.encoder = dense_layers([width, hidden, code], nn.ReLU)
        self.decoder = dense_layers([code, hidden, width], nn.ReLU)
        self.map = dense_layers([code, embedding], nn.Tanh)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, D) into the shared space (N, E)."""
        embedded: Tensor = self.map(self.encoder(inputs))
        return embedded


class ReViSE(Method):
    """Two autoencoders; a clip is the class whose text has the largest dot product with it.

    Features go 256 -> `code` -> `embedding` and texts 1024 -> 512 -> `code` -> `embedding`; `clip_hidden` and
    `text_hidden` are the layer before the code, 0 for none and None for what was published at that width: texts of 384
    numbers have none. ``contraction="constant"`` is the released code, in which the contractive term is part of the
    loss but has no gradient; ``"learnt"`` lets it flatten the encoder.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = ReViSE(encoder=STGCN(layout=NTU25), text_width=1024)
    >>> [sum(parameter.numel() for parameter in side.parameters()) for side in (method.clip_side, method.text_side)]
    [56606, 1158174]
    """

    about = About(
        title="ReViSE",
        paper="Tsai, Huang and Salakhutdinov: Learning Robust Visual-Semantic Embeddings. ICCV 2017",
        year=2017,
        needs="class texts; features of a frozen encoder",
        published={
            SMIE_SPLITS: {"ntu60": 56.97, "ntu120": 49.32, "pku-mmd": 65.65},
            SYNSE_SPLITS: {"ntu60 55/5": 53.91, "ntu60 48/12": 17.49, "ntu120 110/10": 55.04, "ntu120 96/24": 32.38},
            SA_DVAE_SPLITS: {"ntu60": 60.94, "ntu120": 44.90, "pku-mmd": 59.34},
            SYNSE_GENERALISED: {"ntu60 55/5": 47.3, "ntu60 48/12": 31.2, "ntu120 110/10": 46.7, "ntu120 96/24": 33.3},
        },
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        clip_hidden: int | None = None,
        text_hidden: int | None = None,
        code: int = 100,
        embedding: int = 50,
        margin: float = MARGIN,
        contraction: Contraction = "constant",
    ) -> None:
        super().__init__(encoder=encoder)
        if min(code, embedding) < 1 or min(clip_hidden or 0, text_hidden or 0) < 0 or margin <= 0:
            raise ValueError(
                f"clip_hidden {clip_hidden}, text_hidden {text_hidden}, code {code}, embedding {embedding} and margin"
                f" {margin}, expected widths, 0 for no hidden layer, and a positive margin"
            )
        if contraction not in ("constant", "learnt"):
            raise ValueError(f"contraction {contraction!r}, expected 'constant' or 'learnt'")
        self.margin = margin
        self.contraction = contraction
        hidden = hidden_width(self.width, asked=clip_hidden), hidden_width(text_width, asked=text_hidden)
        self.clip_side = Autoencoder(width=self.width, hidden=hidden[0], code=code, embedding=embedding)
        self.text_side = Autoencoder(width=text_width, hidden=hidden[1], code=code, embedding=embedding)

    @property
    def score_scale(self) -> float:
        """One over the margin, by which dot products were trained to differ."""
        return 1 / self.margin

    def clip_inputs(self, features: Tensor) -> Tensor:
        """log(1 + x) of features (N, D), which come from a ReLU; what another encoder has below zero counts as zero."""
        return features.clamp(min=0).log1p()

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to f(v) (N, E)."""
        embedded: Tensor = self.clip_side(self.clip_inputs(features))
        return embedded

    def anchors(self, texts: Tensor) -> Tensor:
        """(K, E) g(t), the class texts in the shared space."""
        placed: Tensor = self.text_side(F.normalize(texts, dim=1))
        return placed

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) dot products."""
        return embedded @ self.anchors(texts).T

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Ranking, both reconstructions and the discrepancy of the codes of clips and of the texts of their classes."""
        clips, labels = self.clip_inputs(self.batch_features(batch)), batch.labels
        texts = F.normalize(batch.texts, dim=1)
        clip_codes, text_codes = self.clip_side.encoder(clips), self.text_side.encoder(texts)  # N H and K H
        contracted = contractive_slope(self.clip_side.encoder, clips)
        terms = {
            "ranking": fixed_rivals_loss(
                self.clip_side.map(clip_codes), self.text_side.map(text_codes), labels, margin=self.margin
            ),
            "clip_reconstruction": F.mse_loss(self.clip_side.decoder(clip_codes), clips.detach()),
            "contraction": CONTRACTION * (contracted if self.contraction == "learnt" else contracted.detach()),
            "text_reconstruction": F.mse_loss(self.text_side.decoder(text_codes)[labels], texts[labels]),
            "discrepancy": mean_discrepancy(clip_codes, text_codes[labels]),
        }
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def parameter_groups(self) -> list[ParameterGroup]:
        """The text side with its published decay, the clip side without any, the encoder with that of the run."""
        return [
            ParameterGroup(
                parameters=[parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
            ),
            ParameterGroup(parameters=list(self.clip_side.parameters()), weight_decay=0.0),
            ParameterGroup(parameters=list(self.text_side.parameters()), weight_decay=TEXT_DECAY),
        ]
