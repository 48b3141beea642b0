"""PURLS: what a class says of parts of the body and of phases of time asks joints over time for their features.

Zhu, Ke, Gong and Bailey, "Part-aware Unified Representation of Language and Skeleton for Zero-shot Action
Recognition", CVPR 2024. The released code asks a test clip with the texts of its true class, which nobody knows; here
every candidate class asks with its own texts, as the paper writes.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About, Batch, Method
from skeltext.methods.protocols import SYNSE_SPLITS

TEMPERATURE = math.log(1 / 0.07)  # what logits are multiplied by at first; used as it is, without an exponential
SEGMENTS = 3  # of time, beginning, middle and end
PAIRS = 2048  # of a clip and a class that are compared at a time, which bounds the memory of a large test


def attention_weights(queries: Tensor, nodes: Tensor, *, scale: float) -> Tensor:
    """(..., P, D) and (..., R, D) to (..., P, R): for every query the softmax over nodes of its scaled products.

    The paper averages the maps of its two heads of 150 before the softmax, which is one head of 300 with a `scale` of
    1/(2 sqrt 150).

    >>> attention_weights(torch.eye(2), torch.tensor([[9.0, 0.0], [0.0, 9.0], [0.0, 0.0]]), scale=2.0).argmax(dim=1)
    tensor([0, 1])
    """
    return (scale * queries @ nodes.mT).softmax(dim=-1)


def part_losses(projected: Tensor, texts: Tensor, temperatures: Tensor) -> Tensor:
    """(P,) for every part InfoNCE among the clips of a batch, the sum of both directions without a half.

    `projected` (N, P, D) are clips, `texts` (N, P, D) those of their classes, and each clip is to find its own text
    among all N, even where another has the same class. `temperatures` (P,) multiply the products.
    """
    logits = temperatures[:, None, None] * torch.einsum("npd,mpd->pnm", projected, texts)
    both = logits.log_softmax(dim=2) + logits.log_softmax(dim=1)
    return -both.diagonal(dim1=1, dim2=2).mean(dim=1)


class PURLS(Method):
    """Eight texts of a class gather eight features from the nodes of a clip, which are projected to these texts.

    Nodes are the unit features of joints over `SEGMENTS` segments of time. `hidden` is the width of the projection
    between, `heads` and `head_width` those of the attention. With `mixing` the losses of the parts have weights that
    are learnt. A class is scored by its global part, or with `all_parts` by the sum over all of them.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = PURLS(encoder=STGCN(layout=NTU25), text_width=512).eval()
    >>> method.scores(torch.rand(5, 3 * 25 * 256), torch.rand(4, 8, 512)).shape
    torch.Size([5, 4])
    """

    about = About(
        title="PURLS",
        paper="Zhu, Ke, Gong and Bailey: Part-aware Unified Representation of Language and Skeleton for Zero-shot"
        " Action Recognition. CVPR 2024",
        year=2024,
        needs="texts on parts of the body and phases of time; features of joints from a frozen encoder",
        published={
            SYNSE_SPLITS: {"ntu60 55/5": 79.23, "ntu60 48/12": 40.99, "ntu120 110/10": 71.95, "ntu120 96/24": 52.01}
        },
    )
    text_kinds = ("head", "hands", "torso", "legs", "start", "middle", "end", "complete")

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        hidden: int = 1024,
        heads: int = 2,
        head_width: int = 150,
        dropout: float = 0.5,
        mixing: bool = False,
        all_parts: bool = False,
    ) -> None:
        super().__init__(encoder=encoder)
        if min(hidden, heads, head_width) < 1 or not 0 <= dropout < 1:
            raise ValueError(
                f"hidden {hidden}, heads {heads}, head_width {head_width} and dropout {dropout}, expected positive"
                " widths and a share from 0 up to 1"
            )
        parts = len(self.text_kinds)
        self.scale = 1 / (heads * math.sqrt(head_width))
        self.judging = parts if all_parts else 1
        self.query = nn.Linear(text_width, heads * head_width, bias=False)
        self.key = nn.Linear(self.width, heads * head_width, bias=False)
        self.projection = nn.Sequential(
            nn.BatchNorm1d(parts * self.width),
            nn.Dropout(dropout),
            nn.Linear(parts * self.width, hidden),
            nn.SiLU(),
            nn.BatchNorm1d(hidden),
            nn.Dropout(dropout),
        )
        self.to_texts = nn.Linear(hidden, parts * text_width)
        for layer in (self.query, self.key, *self.projection, self.to_texts):
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight)
        self.temperatures = nn.Parameter(torch.full((parts,), TEMPERATURE))
        self.mixing = nn.Parameter(torch.ones(parts)) if mixing else None

    @property
    def score_scale(self) -> float:
        """The temperature of the global part as it was learnt."""
        return float(self.temperatures[-1].detach())

    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to the encoder's features of joints in three segments of time (N, 3, V, D)."""
        nodes = self.encoder.nodes(clips)
        segments = F.adaptive_avg_pool1d(nodes.flatten(2).mT, SEGMENTS)  # N T' V D -> N (V D) 3
        return segments.mT.reshape(len(nodes), SEGMENTS, *nodes.shape[2:])

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, 3, V, D) to the unit nodes of a clip side by side, (N, 3 V D)."""
        return F.normalize(features, dim=-1).flatten(1)

    def anchors(self, texts: Tensor) -> Tensor | None:
        """None: what is taken from a clip depends on the class that asks."""
        return None

    def queries(self, texts: Tensor) -> Tensor:
        """Unit texts (..., D') to (..., D), W_K' W_Q t, whose product with a node is that of query and key.

        No key is computed for any node: there are many more nodes than texts.
        """
        queries: Tensor = self.query(texts) @ self.key.weight
        return queries

    def gathered(self, nodes: Tensor, queries: Tensor) -> Tensor:
        """Nodes (N, R, D) to features (N, Q, D) that the queries (N, Q, D), or the same (Q, D) for all, ask for."""
        return attention_weights(queries, nodes, scale=self.scale) @ nodes

    def projected(self, gathered: Tensor, *, parts: int) -> Tensor:
        """(N, P, D) to the last `parts` of its P parts in the space of the texts, (N, parts, D')."""
        hidden = self.projection(gathered.flatten(1))
        rows = parts * (self.to_texts.out_features // len(self.text_kinds))
        outputs = F.linear(hidden, self.to_texts.weight[-rows:], self.to_texts.bias[-rows:])
        return outputs.tanh().view(len(gathered), parts, -1)

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) products of the texts (K, P, D') of every class with what these texts ask for in every clip."""
        texts = F.normalize(texts, dim=-1)
        queries = self.queries(texts.flatten(0, 1))  # K P D' -> (K P) D
        parts = torch.split(self._nodes(embedded), max(1, PAIRS // len(texts)))
        return torch.cat([self._compared(self.gathered(nodes, queries), texts) for nodes in parts])

    def _nodes(self, embedded: Tensor) -> Tensor:
        return embedded.view(len(embedded), -1, self.width)  # N (R D) -> N R D

    def _compared(self, gathered: Tensor, texts: Tensor) -> Tensor:
        k, p, _ = texts.shape
        clips = self.projected(gathered.reshape(-1, p, self.width), parts=self.judging)  # N (K P) D -> (N K) parts D'
        return (clips.view(-1, k, *clips.shape[1:]) * texts[:, -self.judging :]).sum(dim=(2, 3))

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """The losses of all parts, each clip asked by the texts of its own class."""
        nodes = self._nodes(self.embed_features(self.batch_features(batch)))
        texts = F.normalize(batch.texts, dim=-1)  # K P D'
        gathered = self.gathered(nodes, self.queries(texts)[batch.labels])
        projected = self.projected(gathered, parts=len(self.text_kinds))
        losses = part_losses(projected, texts[batch.labels], self.temperatures)
        return {"loss": (losses if self.mixing is None else self.mixing * losses).sum()}
