"""Shift-GCN, the skeleton encoder of PGFA's Setting II (Cheng et al., CVPR 2020), in a form that is fast on a CPU.

It is exact, not approximate: shifts of joints that undo each other are left out, the others come with the shifts of
frames (:mod:`skeltext.encoders.shift_convolution`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skeltext.encoders.batch_norm import BatchNorm
from skeltext.encoders.encoder import Encoder
from skeltext.encoders.shift_convolution import Projection, SpatialShiftConvolution, TemporalShiftConvolution
from skeltext.encoders.spatial_shift import IN, spatial_shift
from skeltext.encoders.temporal_shift import OffsetGradient
from skeltext.errors import SkeltextError
from skeltext.skeletons.layout import Layout

CLIPS_AT_ONCE = 8  # in evaluation, so that activations stay in the processor's cache


def mean_over_all(x: Tensor) -> Tensor:
    """(C, V, T, M, N) to (N, C)."""
    return x.mean(dim=(1, 2)).mean(dim=1).T


def mean_over_bodies(x: Tensor) -> Tensor:
    """(C, V, T, M, N) to (N, T, V, C)."""
    return x.mean(dim=3).permute(3, 2, 1, 0)


def stretched(clips: Tensor, frames: int) -> Tensor:
    """(N, C, T, V, M) to (N, C, frames, V, M) by linear interpolation, each frame standing for the middle of its time.

    >>> stretched(torch.tensor([0.0, 4.0]).view(1, 1, 2, 1, 1), 4).flatten().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    n, c, _, v, m = clips.shape
    return F.interpolate(clips.flatten(3), size=(frames, v * m), mode="bilinear").view(n, c, frames, v, m)


class Block(nn.Module):
    """Spatial and temporal convolution and, around both, a residual connection."""

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        joints: int,
        stride: int,
        residual: bool,
        offset_gradient: OffsetGradient,
    ) -> None:
        super().__init__()
        self.spatial = SpatialShiftConvolution(channels, out_channels, joints=joints)
        self.temporal = TemporalShiftConvolution(out_channels, stride=stride, offset_gradient=offset_gradient)
        self.residual: nn.Module | None = None
        if residual and channels == out_channels and stride == 1:
            self.residual = nn.Identity()
        elif residual:
            self.residual = Projection(channels, out_channels, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """(C, V, T, N) to (C', V, T / stride, N), both shifted in."""
        y: Tensor = self.temporal(self.spatial(x))
        return (y if self.residual is None else y.add_(self.residual(x))).relu_()


class ShiftGCN(Encoder):
    """Ten blocks from C coordinates to D features, averaged over time, joints and bodies.

    `layout` gives the joints; `hidden` is the width of the first four blocks, `middle` (twice `hidden` if not given)
    that of the next three, `features` is D. Clips are stretched to `frames` first, as published, unless it is None.
    The input is normalised for each of up to `bodies` bodies by itself. The offsets of the temporal shifts move by a
    step of one size, as published, or with an `offset_gradient` of ``"true"`` by their gradient.

    >>> from skeltext.skeletons.layouts import NTU25
    >>> encoder = ShiftGCN(layout=NTU25)
    >>> sum(parameter.numel() for parameter in encoder.parameters())
    674871
    >>> encoder(torch.zeros(2, 3, 50, 25, 2)).shape
    torch.Size([2, 256])
    """

    about = "Shift-GCN: learnt shifts along joints and time in place of convolutions (Cheng et al., CVPR 2020)."

    def __init__(
        self,
        *,
        layout: Layout,
        features: int = 256,
        hidden: int = 64,
        middle: int | None = None,
        frames: int | None = 64,
        bodies: int = 2,
        offset_gradient: OffsetGradient = "sign",
    ) -> None:
        super().__init__()
        middle = 2 * hidden if middle is None else middle
        if min(hidden, middle, features, bodies) < 1 or (frames is not None and frames < 1):
            raise ValueError(
                f"hidden {hidden}, middle {middle}, features {features}, bodies {bodies} and frames {frames}, expected"
                " positive numbers"
            )
        self.width, self.frames, self.bodies = features, frames, bodies
        self.input_norm = BatchNorm(bodies * layout.V * layout.C)
        widths = [layout.C, *[hidden] * 4, *[middle] * 3, *[features] * 3]
        self.blocks = nn.ModuleList(
            Block(
                widths[depth],
                widths[depth + 1],
                joints=layout.V,
                stride=2 if depth in (4, 7) else 1,
                residual=depth > 0,
                offset_gradient=offset_gradient,
            )
            for depth in range(10)
        )

    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""
        return self._encoded(clips, mean_over_all)

    def nodes(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features of every joint over time (N, T', V, D), whose mean over T' V is the clip's."""
        return self._encoded(clips, mean_over_bodies)

    def _encoded(self, clips: Tensor, read: Callable[[Tensor], Tensor]) -> Tensor:
        """What `read` makes of the last activations (D, V, T', M, N)."""
        if not self.training and not torch.compiler.is_compiling() and len(clips) > CLIPS_AT_ONCE:
            return torch.cat([self._encoded(part, read) for part in torch.split(clips, CLIPS_AT_ONCE)])
        clips = clips if self.frames is None else stretched(clips, self.frames)
        n, c, t, v, m = clips.shape
        if m > self.bodies:
            raise SkeltextError(f"clips of {m} bodies, expected at most {self.bodies}: set the encoder option bodies")
        x = clips.permute(4, 3, 1, 2, 0).reshape(m * v * c, t * n)  # N C T V M -> (M V C) (T N)
        x = self.input_norm(x, torch.arange(len(x), device=x.device))
        x = x.view(m, v, c, t, n).permute(2, 1, 3, 0, 4).reshape(c, v, t, m * n)  # -> C V T (M N)
        x = spatial_shift(x, IN)
        for block in self.blocks:
            x = block(x)
        return read(x.view(*x.shape[:3], m, n))


_PUBLISHED_NAMES = (
    ("data_bn.", "input_norm."),
    ("gcn1.Linear_", "spatial."),
    ("gcn1.Feature_Mask", "spatial.mask"),
    ("gcn1.bn.", "spatial.norm."),
    ("gcn1.down.", "spatial.shortcut."),
    ("tcn1.bn.", "temporal.norm_in."),
    ("tcn1.bn2.", "temporal.norm_out."),
    ("tcn1.temporal_linear.", "temporal.conv."),
    ("tcn1.", "temporal."),
    (".ypos", ".offset"),
    ("residual.conv.", "residual.0."),
    ("residual.bn.", "residual.1."),
)
_NOT_NEEDED = (".xpos", "gcn1.shift_in", "gcn1.shift_out", "fc.weight", "fc.bias")


def from_published_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of the published encoder (Shift-GCN, PGFA) under the names of :class:`ShiftGCN`.

    What is left out: offsets along the joints, which are nothing but 1e-8, the tables of the spatial shift, and a
    classifier.
    """
    renamed = {}
    for key, value in state.items():
        if key.endswith(_NOT_NEEDED):
            continue
        for theirs, ours in _PUBLISHED_NAMES:
            key = key.replace(theirs, ours)
        key = re.sub(r"^l(\d+)\.", lambda unit: f"blocks.{int(unit[1]) - 1}.", key)
        renamed[key] = value.squeeze() if key.endswith((".spatial.bias", ".spatial.mask")) else value
    return renamed
