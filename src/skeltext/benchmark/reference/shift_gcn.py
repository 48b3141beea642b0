"""Shift-GCN layer by layer, exactly as it is written down: the truth that the fast formulation is compared with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.encoder import Encoder
from skeltext.skeletons.layout import Layout


def shifted_entries(joints: int, channels: int, *, sign: int) -> Tensor:
    """(V C,) which entry of (V, C) goes to joint i and channel j: that of joint (i + j) mod V, or i - j by `sign`."""
    joint, channel = torch.arange(joints)[:, None], torch.arange(channels)
    return ((joint + sign * channel) % joints * channels + channel).flatten()


def projection(channels: int, out_channels: int, *, stride: int = 1) -> nn.Module:
    """A 1x1 convolution and a normalisation."""
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, kernel_size=1, stride=(stride, 1)), nn.BatchNorm2d(out_channels)
    )


class SpatialShiftConvolution(nn.Module):
    """Shift the joints, weigh them, mix the channels, shift back, normalise, add a shortcut, ReLU."""

    shift_in: Tensor
    shift_out: Tensor

    def __init__(self, channels: int, out_channels: int, *, joints: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, out_channels) / out_channels**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.mask = nn.Parameter(torch.zeros(joints, channels))
        self.norm = nn.BatchNorm1d(joints * out_channels)
        self.shortcut = nn.Identity() if channels == out_channels else projection(channels, out_channels)
        self.register_buffer("shift_in", shifted_entries(joints, channels, sign=1), persistent=False)
        self.register_buffer("shift_out", shifted_entries(joints, out_channels, sign=-1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) to (N, C', T, V)."""
        n, c, t, v = x.shape
        y = x.permute(0, 2, 3, 1).reshape(n * t, v * c)  # N C T V -> (N T) (V C)
        y = y.index_select(1, self.shift_in).view(n * t, v, c) * (torch.tanh(self.mask) + 1)
        y = (y @ self.weight + self.bias).flatten(1)  # (N T) (V C')
        y = self.norm(y.index_select(1, self.shift_out))
        y = y.view(n, t, v, -1).permute(0, 3, 1, 2)  # -> N C' T V
        return torch.relu(y + self.shortcut(x))


class TemporalShift(nn.Module):
    """y[t] = x[stride t + offset], plus half a frame if the stride is two; linear in between and zero outside."""

    def __init__(self, channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.offset = nn.Parameter(torch.empty(channels).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) to (N, C, T / stride, V)."""
        offset = self.offset + (self.stride - 1) / 2
        whole = offset.detach().floor()
        first = torch.arange(0, x.shape[2], self.stride, device=x.device) + whole.long()[:, None]  # C T'
        return torch.lerp(_frames(x, first), _frames(x, first + 1), (offset - whole)[:, None, None])


def _frames(x: Tensor, frame: Tensor) -> Tensor:
    """(N, C, T, V) with frames (C, T') to (N, C, T', V), zero where there is no such frame."""
    n, _, t, v = x.shape
    index = frame.clamp(0, t - 1)[:, :, None].expand(n, -1, -1, v)  # N C T' V
    exists = (frame >= 0) & (frame < t)
    return x.gather(2, index) * exists[:, :, None]


class TemporalShiftConvolution(nn.Module):
    """Normalise, shift, mix the channels, ReLU, shift again with the stride, normalise."""

    def __init__(self, channels: int, *, stride: int) -> None:
        super().__init__()
        self.norm_in = nn.BatchNorm2d(channels)
        self.shift_in = TemporalShift(channels)
        self.conv = nn.Conv2d(channels, channels, kernel_size=1)
        self.shift_out = TemporalShift(channels, stride=stride)
        self.norm_out = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) to (N, C, T / stride, V)."""
        y = torch.relu(self.conv(self.shift_in(self.norm_in(x))))
        normalised: Tensor = self.norm_out(self.shift_out(y))
        return normalised


class Block(nn.Module):
    """Spatial and temporal convolution and, around both, a residual connection."""

    def __init__(self, channels: int, out_channels: int, *, joints: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.spatial = SpatialShiftConvolution(channels, out_channels, joints=joints)
        self.temporal = TemporalShiftConvolution(out_channels, stride=stride)
        self.residual: nn.Module | None = None
        if residual and channels == out_channels and stride == 1:
            self.residual = nn.Identity()
        elif residual:
            self.residual = projection(channels, out_channels, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) to (N, C', T / stride, V)."""
        y = self.temporal(self.spatial(x))
        return torch.relu(y if self.residual is None else y + self.residual(x))


class ReferenceShiftGCN(Encoder):
    """Ten blocks from C coordinates to D features, averaged over time, joints and bodies.

    The options are those of :class:`skeltext.encoders.shift_gcn.ShiftGCN`. Offsets have their true gradient, and clips
    must have as many bodies as `bodies` says.
    """

    def __init__(
        self,
        *,
        layout: Layout,
        features: int = 256,
        hidden: int = 64,
        middle: int | None = None,
        frames: int | None = 64,
        bodies: int = 2,
    ) -> None:
        super().__init__()
        self.width, self.frames = features, frames
        self.input_norm = nn.BatchNorm1d(bodies * layout.V * layout.C)
        widths = [layout.C, *[hidden] * 4, *[middle or 2 * hidden] * 3, *[features] * 3]
        self.blocks = nn.ModuleList(
            Block(
                widths[depth],
                widths[depth + 1],
                joints=layout.V,
                stride=2 if depth in (4, 7) else 1,
                residual=depth > 0,
            )
            for depth in range(10)
        )

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        if self.frames is not None:
            clips = F.interpolate(clips, size=(self.frames, *clips.shape[3:]), mode="trilinear")
        n, c, t, v, m = clips.shape
        x = clips.permute(0, 4, 3, 1, 2).reshape(n, m * v * c, t)  # N C T V M -> N (M V C) T
        x = self.input_norm(x).view(n * m, v, c, t).permute(0, 2, 3, 1)  # -> (N M) C T V
        for block in self.blocks:
            x = block(x)
        features: Tensor = x.mean(dim=(2, 3)).view(n, m, self.width).mean(dim=1)
        return features
