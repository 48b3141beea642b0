"""An encoder of your own in one file: attention among the joints of every frame, then attention over time.

A frame is a set of joints, each a token of its coordinates and of which joint it is. What a transformer makes of them
is averaged to a token of the frame, and what a second one makes of the frames is averaged to the feature of the clip.
The factorization is that of Arnab et al., "ViViT: A Video Vision Transformer", ICCV 2021, with joints for patches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.skeletons.layout import Layout


def time_waves(frames: int, width: int, *, like: Tensor) -> Tensor:
    """(T, D) sines and cosines of the place of each frame, so that clips may have any length (Vaswani et al., 2017)."""
    place = torch.arange(frames, device=like.device, dtype=like.dtype).unsqueeze(1)
    rates = 10000.0 ** (-torch.arange(0, width, 2, device=like.device, dtype=like.dtype) / width)
    return torch.cat([(place * rates).sin(), (place * rates).cos()], dim=1)


def attention(width: int, heads: int, layers: int) -> nn.Sequential:
    """Layers of a transformer that are normalized first, which needs no warm-up of the rate."""
    options = {"dim_feedforward": 2 * width, "dropout": 0.0, "batch_first": True, "norm_first": True}
    return nn.Sequential(*(nn.TransformerEncoderLayer(width, heads, **options) for _ in range(layers)))


class JointTransformer(Encoder):
    """A transformer over the joints of a frame and one over frames, of `layers` each; D is `features`.

    Of `every` so many frames one is looked at.
    """

    about = "A small transformer over joints, then over time; an example of skeltext, after Arnab et al., ICCV 2021."

    def __init__(self, *, layout: Layout, features: int = 128, heads: int = 4, layers: int = 1, every: int = 2) -> None:
        super().__init__()
        if features % (2 * heads) or min(features, heads, layers, every) < 1:
            raise ValueError(f"features {features} and heads {heads}, expected features that 2 x heads divide")
        self.width, self.every = features, every
        self.input_norm = nn.BatchNorm1d(layout.V * layout.C)
        self.embed = nn.Linear(layout.C, features)
        self.joint = nn.Parameter(0.02 * torch.randn(layout.V, features))
        self.over_joints, self.over_time = attention(features, heads, layers), attention(features, heads, layers)
        self.norm = nn.LayerNorm(features)

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        n, m = clips.shape[0], clips.shape[4]
        x = clips[:, :, :: self.every].permute(0, 4, 2, 3, 1).flatten(0, 1)  # N C T V M -> (N M) T V C
        b, t, v, c = x.shape
        x = self.input_norm(x.reshape(b * t, v * c)).view(b * t, v, c)
        frames = self.over_joints(self.embed(x) + self.joint).mean(dim=1).view(b, t, self.width)  # (N M) T D
        bodies = self.over_time(frames + time_waves(t, self.width, like=frames)).mean(dim=1)  # (N M) D
        features: Tensor = self.norm(bodies.view(n, m, self.width).mean(dim=1))
        return features
