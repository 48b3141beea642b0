"""FEAT: the prototypes of the candidate classes look at each other before clips are compared with them.

Ye, Hu, Zhan and Sha, "Few-Shot Learning via Embedding Adaptation with Set-to-Set Functions", CVPR 2020, in its form
with a transformer. Options are those of the released recipe for a deep encoder.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.episodic import Episode, Episodic, negative_squared_distances
from skeltext.methods.method import About, ParameterGroup
from skeltext.methods.protocols import ONE_SHOT

FASTER = 10.0  # times the learning rate of the encoder at which the attention learns, as published


class SetAttention(nn.Module):
    """One head of self-attention over a set, added to its members and normalised: LN(x + W softmax(q k' / sqrt D) v).

    >>> SetAttention(8)(torch.randn(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        for linear in (self.query, self.key, self.value):
            nn.init.normal_(linear.weight, std=1 / math.sqrt(width))
        self.output = nn.Linear(width, width)
        nn.init.xavier_normal_(self.output.weight)
        self.attention_dropout = nn.Dropout(0.1)
        self.output_dropout = nn.Dropout(0.5)
        self.norm = nn.LayerNorm(width)

    def forward(self, members: Tensor) -> Tensor:
        """(..., W, D) to (..., W, D): sets of W members, in any order."""
        attention = (self.query(members) @ self.key(members).mT / math.sqrt(self.width)).softmax(dim=-1)
        seen = self.attention_dropout(attention) @ self.value(members)
        adapted: Tensor = self.norm(members + self.output_dropout(self.output(seen)))
        return adapted


class FEAT(Episodic):
    """Prototypes adapted as a set by attention, compared by minus the squared distance over a `temperature`.

    In training every class is also a set of its own, of examples and queries, whose adapted mean is a centre that these
    should be next to; `balance` weighs that loss and `centre_temperature` divides its distances.
    """

    about = About(
        title="FEAT",
        paper="Ye et al.: Few-Shot Learning via Embedding Adaptation with Set-to-Set Functions. CVPR 2020",
        year=2020,
        needs="an example of each class; features of an encoder",
        published={ONE_SHOT: {"ntu60": 74.3, "ntu120": 61.5, "pku-mmd": 75.9}},
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        temperature: float = 64.0,
        centre_temperature: float = 64.0,
        balance: float = 0.01,
    ) -> None:
        super().__init__(encoder=encoder)
        if min(temperature, centre_temperature) <= 0 or balance < 0:
            raise ValueError(
                f"temperature {temperature}, centre_temperature {centre_temperature} and balance {balance}, expected"
                " positive temperatures and a balance that is not negative"
            )
        self.temperature, self.centre_temperature, self.balance = temperature, centre_temperature, balance
        self.attention = SetAttention(self.width)

    @property
    def score_scale(self) -> float:
        """One over the temperature."""
        return 1 / self.temperature

    def represent(self, support: Tensor, labels: Tensor, *, ways: int) -> Tensor:
        """(W, D) prototypes, adapted to the set of those there are."""
        adapted: Tensor = self.attention(super().represent(support, labels, ways=ways))
        return adapted

    def compare(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, D) and adapted prototypes (W, D) to scores (Q, W)."""
        return negative_squared_distances(queries, classes)

    def penalty(self, episode: Episode, classes: Tensor) -> Tensor:
        """The weighted cross-entropy of all clips over the adapted centres of their classes."""
        w, d = episode.ways, self.width
        members = [part.view(w, -1, d) for part in (episode.support, episode.queries)]  # (W S) D -> W S D
        clips = torch.cat(members, dim=1)
        centres = self.attention(clips).mean(dim=1)  # W D
        scores = negative_squared_distances(clips.flatten(0, 1), centres)
        labels = torch.arange(w, device=clips.device).repeat_interleave(clips.shape[1])
        return self.balance * F.cross_entropy(scores / self.centre_temperature, labels)

    def parameter_groups(self) -> list[ParameterGroup]:
        """The encoder, if it is trained, and the attention at ten times its rate."""
        attention = ParameterGroup(parameters=list(self.attention.parameters()), scale=FASTER)
        return [attention] if self.frozen else [ParameterGroup(parameters=list(self.encoder.parameters())), attention]
