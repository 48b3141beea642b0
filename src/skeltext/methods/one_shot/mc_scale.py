"""M&C-scale: clips are matched as sets of features at several scales of space and time, and across these scales.

Yang, Liu, Lu, Er and Kot, "One-Shot Action Recognition via Multi-Scale Spatial-Temporal Skeleton Matching", IEEE TPAMI
2024. No code was released, so this follows the text: sets at the same scale are matched by optimal transport, so are
sets at different scales, which forgives differences of size and speed, and the scores are added. Space and time are
taken one by one here: sets of joints and of parts are means over time, sets of frames and of segments over the body.
"""

from __future__ import annotations

from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.methods.body_parts import part_means
from skeltext.methods.episodic import Episodic
from skeltext.methods.method import About
from skeltext.methods.optimal_transport import matching_scores
from skeltext.methods.protocols import ONE_SHOT
from skeltext.skeletons.layout import Layout

SEGMENTS = 4  # of the middle scale of time
SCALE = 12.5  # of scores before the softmax, DeepEMD's


class MCScale(Episodic):
    """A linear map of the features to `channels`, and matching of the sets of a clip.

    The sets are in space V joints, P parts and the whole, in time T' frames, S segments and the whole.
    """

    about = About(
        title="M&C-scale",
        paper="Yang et al.: One-Shot Action Recognition via Multi-Scale Spatial-Temporal Skeleton Matching. IEEE TPAMI"
        " 2024",
        year=2024,
        needs="an example of each class; features of an encoder at every time and joint",
        published={ONE_SHOT: {"ntu60": 82.7, "ntu120": 68.7, "pku-mmd": 86.9}},
    )

    parts: Tensor

    def __init__(self, *, encoder: Encoder, layout: Layout, channels: int = 64, cross: bool = True) -> None:
        super().__init__(encoder=encoder)
        if channels < 1:
            raise ValueError(f"channels {channels}, expected a positive width")
        self.cross = cross
        self.head = nn.Linear(self.width, channels, bias=False)
        self.register_buffer("parts", part_means(layout), persistent=False)

    @property
    def score_scale(self) -> float:
        """The inverse temperature it was trained with."""
        return SCALE

    def features(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to the members of all sets in the order of :meth:`sets`, (N, V + P + 1 + T' + S, D)."""
        nodes = self.encoder.nodes(clips)  # N T' V D
        joints, frames = nodes.mean(dim=1), nodes.mean(dim=2)
        segments = F.adaptive_avg_pool1d(frames.mT, SEGMENTS).mT  # N T' D -> N S D
        whole = joints.mean(dim=1, keepdim=True)
        return torch.cat([joints, self.parts @ joints, whole, frames, segments], dim=1)

    def embed_features(self, features: Tensor) -> Tensor:
        """(N, R, D) of the encoder to (N, R, C)."""
        embedded: Tensor = self.head(features)
        return embedded

    def sets(self, embedded: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The sets of clips (N, R, C) in space and in time, fine ones first; the whole clip is the last of both."""
        p, v = self.parts.shape
        joints, parts, whole, frames, segments = torch.split(
            embedded, [v, p, 1, embedded.shape[1] - v - p - 1 - SEGMENTS, SEGMENTS], dim=1
        )
        return [joints, parts, whole], [frames, segments, whole]

    def compare(self, queries: Tensor, classes: Tensor) -> Tensor:
        """(Q, R, C) and the mean examples (W, R, C) to scores (Q, W): the mean over equal scales and that across."""
        same, across = [], []
        for own, others in zip(self.sets(queries), self.sets(classes), strict=True):
            same += [matching_scores(a, b) for a, b in zip(own, others, strict=True)]
            across += [matching_scores(own[i], others[j]) for i, j in permutations(range(len(own)), 2)]
        scores = torch.stack(same).mean(dim=0)
        return scores + torch.stack(across).mean(dim=0) if self.cross else scores
