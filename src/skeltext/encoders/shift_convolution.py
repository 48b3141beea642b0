"""The two convolutions of Shift-GCN (Cheng et al., CVPR 2020): 1x1 convolutions between shifts of joints or frames.

Activations are (C, V, T, N), N being all bodies of all clips, so that a shift moves whole rows of memory, a 1x1
convolution is one matrix product and a normalisation runs along memory. They come and go shifted in: what one spatial
convolution would shift out at its end the next would shift in again, and the temporal convolution, which does need
joints where they belong, shifts them along with the frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeltext.encoders.batch_norm import BatchNorm
from skeltext.encoders.spatial_shift import IN, OUT, source_joints, spatial_shift
from skeltext.encoders.temporal_shift import OffsetGradient, TemporalShift


def mix_channels(x: Tensor, weight: Tensor, bias: Tensor, *, relu: bool = False) -> Tensor:
    """(C, V, T, N) by a matrix (C', C) and a bias (C',) to (C', V, T, N), through a ReLU if wanted."""
    y = torch.addmm(bias[:, None], weight, x.reshape(len(x), -1))  # C' (V T N)
    return (y.relu_() if relu else y).view(-1, *x.shape[1:])


class Pointwise(nn.Conv2d):
    """A 1x1 convolution with a stride over the frames."""

    bias: Tensor

    def __init__(self, channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__(channels, out_channels, kernel_size=1, stride=(stride, 1))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, *, relu: bool = False) -> Tensor:
        """(C, V, T, N) to (C', V, T / stride, N)."""
        return mix_channels(x[:, :, :: self.stride[0]], self.weight.flatten(1), self.bias, relu=relu)


class Projection(nn.Sequential):
    """A 1x1 convolution and a normalisation, which let x be added to something of another shape."""

    def __init__(self, channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__(Pointwise(channels, out_channels, stride=stride), BatchNorm(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(C, V, T, N) to (C', V, T / stride, N), both shifted in."""
        convolution, norm = self
        return spatial_shift(norm(convolution(spatial_shift(x, OUT))), IN)


class SpatialShiftConvolution(nn.Module):
    """With G the shift in: ReLU(BN(G^-1 (W (1 + tanh(mask)) G x + b)) + x), x projected if W changes the channels.

    The shift out is left to what follows: BN and ReLU work as well before it, if BN takes the joints in its order.
    """

    order: Tensor

    def __init__(self, channels: int, out_channels: int, *, joints: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, out_channels) / out_channels**0.5)
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.mask = nn.Parameter(torch.zeros(joints, channels))
        self.norm = BatchNorm(joints * out_channels)
        self.shortcut = nn.Identity() if channels == out_channels else Projection(channels, out_channels)
        order = source_joints(out_channels, joints, IN) * out_channels + torch.arange(out_channels)[:, None]
        self.register_buffer("order", order.flatten(), persistent=False)  # (C' V) rows of (V C') features

    def forward(self, x: Tensor) -> Tensor:
        """(C, V, T, N) to (C', V, T, N), both shifted in."""
        weighed = x * (1 + torch.tanh(self.mask)).T[:, :, None, None]
        y: Tensor = self.norm(mix_channels(weighed, self.weight.T, self.bias), self.order)
        return y.add_(self.shortcut(x)).relu_()


class TemporalShiftConvolution(nn.Module):
    """Normalise, shift, mix the channels, ReLU, shift again with the stride, normalise."""

    def __init__(self, channels: int, *, stride: int, offset_gradient: OffsetGradient) -> None:
        super().__init__()
        self.norm_in = BatchNorm(channels)
        self.shift_in = TemporalShift(channels, gradient=offset_gradient)
        self.conv = Pointwise(channels, channels)
        self.shift_out = TemporalShift(channels, stride=stride, gradient=offset_gradient)
        self.norm_out = BatchNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(C, V, T, N) to (C, V, T / stride, N), both shifted in."""
        y = self.conv(self.shift_in(self.norm_in(x), way=OUT), relu=True)
        normalised: Tensor = self.norm_out(self.shift_out(y, way=IN))
        return normalised
