"""SMIE: a critic estimates the mutual information of skeleton features and class texts, and is then the score.

Zhou, Qiang, Rao, Lin, Su and Wang, "Zero-shot Skeleton-based Action Recognition via Mutual Information Estimation and
Maximization", ACM Multimedia 2023. It learns on the features of a frozen encoder.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import About, Batch, Method
from skeltext.methods.pair_network import CLIPS, PairNetwork
from skeltext.methods.protocols import SA_DVAE_SPLITS, SMIE_SPLITS, SMIE_SPLITS_DESCRIBED, SYNSE_SPLITS

BETA = 0.1
HIDDEN = (1024, 512)
SUBSETS = 8
DROPPED, KEPT = 15 / 50, 20 / 50  # shares of the frames: those of most motion that go, and those that stay in the end
WEIGHT = 0.5  # of the temporal constraint
SEED = 0  # of the subsets of frames that features are made of once and for all


def jensen_shannon_estimate(joint: Tensor, marginal: Tensor) -> Tensor:
    """Mean of -softplus(-D) over true pairs less the mean of softplus(D) over false ones, SMIE's estimate of I(v; t).

    `joint` and `marginal` (N,) are what the critic D says of pairs. What the best critic says is the logarithm of
    p(v, t) / (p(v) p(t)).

    >>> round(jensen_shannon_estimate(torch.zeros(2), torch.zeros(2)).item(), 4)
    -1.3863
    """
    return -F.softplus(-joint).mean() - F.softplus(marginal).mean()


def frame_motion(clips: Tensor) -> Tensor:
    """(N, T) squared steps to the next frame and from the last one, each a mean over coordinates, joints and bodies.

    There is no step to the first frame and none from the last.
    """
    steps = clips.diff(dim=2).square().mean(dim=(1, 3, 4))  # N C T-1 V M -> N T-1
    return F.pad(steps, (0, 1)) + F.pad(steps, (1, 0))


def highest_in_order(values: Tensor, *, count: int) -> Tensor:
    """The places (..., count) of the highest of values (..., n), from first to last.

    >>> highest_in_order(torch.tensor([0.2, 0.9, 0.1, 0.5]), count=2).tolist()
    [1, 3]
    """
    ranked = values.argsort(dim=-1, descending=True, stable=True)
    return ranked[..., :count].sort(dim=-1).values


def frame_counts(frames: int) -> tuple[int, int]:
    """Of so many frames, how many have little motion and how many of these a shortened clip keeps.

    >>> frame_counts(50), frame_counts(64)
    ((35, 20), (45, 26))
    """
    return frames - round(DROPPED * frames), max(1, round(KEPT * frames))


def random_subset(clips: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """(T',) numbers, in order, of the frames that clips (N, C, T, V, M) keep of those with little motion.

    They are drawn where the clips are, or by a `generator` on the CPU.
    """
    calm, kept = frame_counts(clips.shape[2])
    draws = torch.rand(calm, generator=generator, device=None if generator else clips.device)
    return highest_in_order(draws, count=kept).to(clips.device)


def shortened(clips: Tensor, subset: Tensor) -> Tensor:
    """(N, C, T', V, M) the frames `subset` (T',) of those of each clip (N, C, T, V, M) that have least motion."""
    n, c, t, v, m = clips.shape
    frames = highest_in_order(-frame_motion(clips), count=frame_counts(t)[0])[:, subset]  # N T'
    return clips.gather(2, frames[:, None, :, None, None].expand(n, c, -1, v, m))


class SMIE(Method):
    """A critic D(v, t) on pairs of a normalised feature and a text, trained to tell true pairs from false ones.

    False pairs are those of a batch rolled by one. The temporal constraint asks that a shortened clip, which has lost
    its frames of most motion, tells at least `beta` less of its class than the whole one; without `temporal` there is
    none, as for features without clips. Features of a frozen encoder are made of `subsets` shortened clips each, one of
    which every step draws; where the encoder learns, every step shortens its clips anew.

    With `inference_slip` features are normalised in training alone, which is what the released code does. Scores are D
    itself: it ranks classes as the published -softplus(-D) does, and is a logit, so that a softmax of it gives
    probabilities.

    >>> from skeltext.encoders.st_gcn import STGCN
    >>> from skeltext.skeletons.layouts import NTU25
    >>> method = SMIE(encoder=STGCN(layout=NTU25), text_width=768)
    >>> sum(parameter.numel() for parameter in method.critic.parameters())
    1574913
    """

    about = About(
        title="SMIE",
        paper="Zhou et al.: Zero-shot Skeleton-based Action Recognition via Mutual Information Estimation and"
        " Maximization. ACM MM 2023",
        year=2023,
        needs="class texts; features of a frozen encoder, also of shortened clips",
        published={
            SMIE_SPLITS: {"ntu60": 63.57, "ntu120": 56.37, "pku-mmd": 67.15},
            SMIE_SPLITS_DESCRIBED: {"ntu60": 70.21, "ntu120": 58.85, "pku-mmd": 69.26},
            SYNSE_SPLITS: {"ntu60 55/5": 77.98, "ntu60 48/12": 40.18, "ntu120 110/10": 65.74, "ntu120 96/24": 45.30},
            SA_DVAE_SPLITS: {"ntu60": 65.08, "ntu120": 46.40, "pku-mmd": 60.83},
        },
    )

    def __init__(
        self,
        *,
        encoder: Encoder,
        text_width: int,
        beta: float = BETA,
        temporal: bool = True,
        subsets: int = SUBSETS,
        inference_slip: bool = False,
        hidden: Sequence[int] = HIDDEN,
    ) -> None:
        super().__init__(encoder=encoder)
        if beta < 0 or subsets < 1:
            raise ValueError(f"beta {beta} and subsets {subsets}, expected no negative margin and at least one subset")
        self.beta, self.temporal, self.subsets, self.inference_slip = beta, temporal, subsets, inference_slip
        self.critic = PairNetwork(clip_width=self.width, text_width=text_width, hidden=hidden)

    def normalised(self, features: Tensor) -> Tensor:
        """(..., D) features with mean zero and variance one each, a layer normalisation without parameters."""
        return F.layer_norm(features, (self.width,))

    def training_features(self, clips: Tensor) -> Tensor:
        """(N, 1 + R, D) features of the clips and of R shortened ones each, by subsets that are always the same."""
        whole = self.features(clips)
        if not self.temporal:
            return whole
        generator = torch.Generator().manual_seed(SEED)
        subsets = [random_subset(clips, generator=generator) for _ in range(self.subsets)]
        return torch.stack([whole, *(self.features(shortened(clips, subset)) for subset in subsets)], dim=1)

    def forms(self, batch: Batch) -> list[Tensor]:
        """The features (N, D) of whole clips, then those of shortened ones if there are any."""
        if batch.features is None and batch.clips is not None:
            whole = self.features(batch.clips)
            if not self.temporal:
                return [whole]
            return [whole, self.features(shortened(batch.clips, random_subset(batch.clips)))]
        features = self.batch_features(batch)
        if features.ndim == 2:
            return [features]
        drawn = torch.randint(1, features.shape[1], (1,), device=features.device)
        return [features[:, 0], features.index_select(1, drawn).squeeze(1)]

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, D) of the encoder, normalised as in training unless the slip of the released code is asked for."""
        return features if self.inference_slip else self.normalised(features)

    def anchors(self, texts: Tensor) -> None:
        """None: a text is no point among the features, it is only judged with them."""

    def scores(self, embedded: Tensor, texts: Tensor) -> Tensor:
        """(N, K) what the critic says of every pair."""
        texts = F.normalize(texts, dim=1)
        return torch.cat([self.critic(part.unsqueeze(1), texts) for part in torch.split(embedded, CLIPS)])

    def training_loss(self, batch: Batch) -> dict[str, Tensor]:
        """-I(v; t) + 0.5 max(0, beta - (I(v; t) - I(v'; t))), v' being the shortened clips.

        Both estimates have the same false pairs, those of whole clips.
        """
        whole, *short = (self.normalised(features) for features in self.forms(batch))
        texts = F.normalize(batch.texts, dim=1)[batch.labels]
        joint, marginal, *shorter = self.critic(torch.stack([whole, whole.roll(-1, dims=0), *short]), texts)
        estimate = jensen_shannon_estimate(joint, marginal)
        losses = {"loss": -estimate, "estimate": estimate}
        for judged in shorter:
            lost = estimate - jensen_shannon_estimate(judged, marginal)
            losses["temporal"] = F.relu(self.beta - lost)
            losses["loss"] = losses["loss"] + WEIGHT * losses["temporal"]
        return losses
