"""DVTA: clips are aligned with texts directly by cosines, and once more by a network that judges pairs.

Kuang et al., "Zero-shot Skeleton-based Action Recognition with Dual Visual-Text Alignment", Pattern Recognition 2026.
It learns on the features of a frozen encoder; without a first stage the same method trains the encoder, which the
authors name as what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.dense_layers import dense_layers
from skeltext.methods.kl_contrastive import symmetric_divergence, target_distribution
from skeltext.methods.method import About, Batch, Method
from skeltext.methods.pair_network import CLIPS, PairNetwork
from skeltext.methods.protocols import SYNSE_SPLITS

PROJECTOR = (384, 512)
TEMPERATURE, COLDEST = 0.1, 0.01
LEAK = 0.01

Form = Literal["released", "written"]


def leaky_sigmoid(x: Tensor) -> Tensor:
    """sigmoid(x) where x > 0, else 0.01 exp(0.01 x): DVTA's activation, which jumps from 0.01 to 0.5 at zero.

    >>> leaky_sigmoid(torch.tensor([0.0, 1e-6])).tolist()
    [0.009999999776482582, 0.5000002384185791]
    """
    return torch.where(x > 0, x.sigmoid(), LEAK * (LEAK * x.clamp(max=0)).exp())


def attention(queries: Tensor, keys: Tensor, values: Tensor, *, scale: float) -> Tensor:
    """sum_s w_s values_s with w = softmax_s(scale q . keys_s); (..., D) queries, (..., S, D) keys and values.

    The leading shapes are broadcast.
    """
    weights = F.softmax(scale * torch.einsum("...d,...sd->...s", queries, keys), dim=-1)
    return torch.einsum("...s,...sd->...d", weights, values)


class DVTA(Method):
    """A projector of features, texts that every clip weighs for itself, and two similarities of both.

    A class has two texts, its name and a description; a clip attends to them, and their weighted sum is the text that
    it is compared with. The direct similarity is the cosine, the augmented one what a network makes of the pair. Each
    has a temperature of its own, which is learnt and never taken below 0.01.

    ``form="released"`` is the code: attention without scale to unprojected texts, which are projected afterwards, and
    the sum of both similarities before one softmax. ``"written"`` is the paper: attention among projected texts,
    softmax(Q K' / sqrt(h)) V, and the mean of two softmax probabilities. Training compares a clip with texts as the
    clips of their own weighed them, a test with texts as it weighs them itself, in both forms.

    `projector_hidden` are the widths between features and texts, `judge_hidden` those of the network on pairs, which
    are 2 D and D for texts of width D if not given.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = DVTA(encoder=STGCN(layout=NTU25), text_width=768)
    >>> sum(p.numel() for name, p in method.named_parameters() if not name.startswith("encoder."))
    4888195
    """

    text_kinds = ("name", "complete")
    about = About(
        title="DVTA",
        paper="Kuang et al.: Zero-shot Skeleton-based Action Recognition with Dual Visual-Text Alignment."
        " Pattern Recognition 2026",
        year=2026,
        needs="names and descriptions of classes; features of a frozen encoder, or it trains one",
        published={SYNSE_SPLITS: {"ntu120 96/24": 51.81}},
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        form: Form = "released",
        projector_hidden: Sequence[int] = PROJECTOR,
        judge_hidden: Sequence[int] | None = None,
    ) -> None:
        super().__init__(encoder=encoder)
        if form not in ("released", "written"):
            raise ValueError(f"form {form!r}, expected 'released' or 'written'")
        if min(projector_hidden, default=1) < 1:
            raise ValueError(f"projector_hidden {list(projector_hidden)}, expected positive widths")
        self.form: Form = form
        self.residual = nn.Linear(self.width, self.width)
        self.projector = dense_layers([self.width, *projector_hidden, text_width], nn.ReLU, last=nn.Identity)
        self.text_projector = nn.Linear(text_width, text_width)
        self.judge = PairNetwork(
            clip_width=text_width, text_width=text_width, hidden=judge_hidden or (2 * text_width, text_width)
        )
        self.temperatures = nn.Parameter(torch.tensor([TEMPERATURE, TEMPERATURE]))

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder to (N, D) at the width of the texts."""
        directions = F.normalize(features, dim=1)
        embedded: Tensor = self.projector(F.relu(self.residual(directions) + directions))
        return embedded

    def anchors(self, texts: Tensor) -> None:
        """None: every clip has texts of its own, so that a class is no single point."""

    def enhanced(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(..., D) the text of each pair: texts (..., 2, D) as embedded clips (..., D) weigh them, projected.

        The projection is linear and the weights sum to one, so it may come before the sum: once for every text.
        """
        texts = F.normalize(texts, dim=-1)
        values = self.text_projector(texts)
        if self.form == "released":
            return attention(embedded, texts, values, scale=1.0)
        return attention(embedded, values, values, scale=1 / math.sqrt(texts.shape[-1]))

    def direct(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) cosines over their temperature; `texts` are (K, D), or (N, K, D) where each clip has its own."""
        clips = F.normalize(embedded, dim=1).unsqueeze(1)  # N 1 D
        cosines = (clips @ F.normalize(texts, dim=-1).transpose(-2, -1)).squeeze(1)
        return cosines / self.temperatures[0].clamp(min=COLDEST)

    def augmented(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) what the network says of every pair over its temperature; texts as in :meth:`direct`."""
        return leaky_sigmoid(self.judge(embedded.unsqueeze(1), texts)) / self.temperatures[1].clamp(min=COLDEST)

    def combined(self, direct: Tensor, augmented: Tensor) -> Tensor:
        """(N, K) logits of both similarities together.

        Their sum, or as written the logarithm of (softmax(direct) + softmax(augmented)) / 2.
        """
        if self.form == "released":
            return direct + augmented
        both = torch.stack([F.log_softmax(direct, dim=1), F.log_softmax(augmented, dim=1)])
        return both.logsumexp(dim=0) - math.log(2)

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) logits; `texts` are (K, 2, D), a name and a description each."""
        found = []
        for part in torch.split(embedded, CLIPS):
            own = self.enhanced(part.unsqueeze(1), texts)  # N 1 D and K 2 D -> N K D
            found.append(self.combined(self.direct(part, own), self.augmented(part, own)))
        return torch.cat(found)

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The KL contrastive loss of a batch, every clip paired with the texts of its class as it weighs them.

        The network on pairs moves neither projector: it is given what they make as constants.
        """
        embedded = self.embed_features(self.batch_features(batch))
        texts = self.enhanced(embedded, batch.texts[batch.labels])
        direct, augmented = self.direct(embedded, texts), self.augmented(embedded.detach(), texts.detach())
        rows = F.log_softmax(self.combined(direct, augmented), dim=1)
        columns = F.log_softmax(self.combined(direct.T, augmented.T), dim=1)
        return {"loss": symmetric_divergence(rows, columns, target_distribution(batch.labels).to(rows.dtype))}
