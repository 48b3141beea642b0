"""The temporal shift of Shift-GCN (Cheng et al., CVPR 2020), adaptive: every channel moves by an offset of its own.

Frame t of the output is read from the input at frame t * stride + offset, in between by linear interpolation and
outside as zero. So an output is a weighted sum of two rows of N numbers, which torch computes as a bag of two
embeddings, and the gradient with respect to the input is another such sum. As the joint that a row is read from can be
chosen freely, a spatial shift comes with it at no cost.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from skeltext.encoders.spatial_shift import STAY, source_rows

OffsetGradient = Literal["sign", "true"]


def constrained_gradient(gradient: Tensor) -> Tensor:
    """0.01 times the sign, and 0.0001 where the gradient is zero: steps of one size, as in the released code."""
    return torch.where(gradient == 0, 1e-4, 0.01 * gradient.sign())


def sum_of_two_rows(x: Tensor, first: Tensor, second: Tensor, weights: tuple[Tensor, Tensor], *, way: int) -> Tensor:
    """(C, V, T, N) to (C, V, T', N): two frames of each channel, weighted and added.

    `first` and `second` are int32 frames (C, T'), of which those that do not exist count as zero; the two weights are
    (C,). Joints are read as in a spatial shift that goes `way`.
    """
    c, v, t, n = x.shape
    frames = torch.stack([first, second], dim=2)[:, None]  # C 1 T' 2
    exist = (frames >= 0) & (frames < t)
    start = source_rows(c, v, way, device=x.device)[:, :, None, None] * t  # C V 1 1
    index = (start + frames.clamp(0, t - 1)).view(-1, 2)  # (C V T') 2
    weight = (torch.stack(weights, dim=1)[:, None, None] * exist).to(x.dtype).expand(c, v, -1, 2).reshape(-1, 2)
    rows = x.reshape(-1, n)
    if torch.compiler.is_compiling():  # plain gathers can be exported everywhere, with indices of 64 bits
        read = rows.index_select(0, index.long().view(-1)).view(*index.shape, n)
        y = (read * weight[:, :, None]).sum(dim=1)
    else:
        y = F.embedding_bag(index, rows, mode="sum", per_sample_weights=weight)
    return y.view(c, v, -1, n)


def _interpolate(x: Tensor, offset: Tensor, *, stride: int, way: int, slope: bool = False) -> Tensor:
    """The shifted array or, as its `slope`, the derivative with respect to the offset."""
    whole = offset.floor()
    fraction = offset - whole
    one = torch.ones_like(fraction)
    steps = torch.arange(0, x.shape[2], stride, device=x.device, dtype=torch.int32)
    first = steps + whole.int()[:, None]  # C T'
    return sum_of_two_rows(x, first, first + 1, (-one, one) if slope else (1 - fraction, fraction), way=way)


def _interpolate_adjoint(g: Tensor, offset: Tensor, *, frames: int, stride: int, way: int) -> Tensor:
    """Each of the input's T frames collects from the outputs that read it as their first and as their second frame."""
    whole = offset.floor()
    fraction = offset - whole
    steps = torch.arange(frames, device=g.device, dtype=torch.int32) - whole.int()[:, None]  # C T
    first, second = (
        torch.where(step % stride == 0, step.div(stride, rounding_mode="floor"), -1) for step in (steps, steps - 1)
    )
    return sum_of_two_rows(g, first, second, (1 - fraction, fraction), way=-way)


class _TemporalShift(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor, stride: int, way: int, gradient: OffsetGradient) -> Tensor:
        ctx.save_for_backward(x, offset)
        ctx.stride, ctx.way, ctx.gradient = stride, way, gradient
        return _interpolate(x, offset, stride=stride, way=way)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        x, offset = (saved.detach() for saved in ctx.saved_tensors)
        of_x = of_offset = None
        if ctx.needs_input_grad[0]:
            of_x = _interpolate_adjoint(g, offset, frames=x.shape[2], stride=ctx.stride, way=ctx.way)
        if ctx.needs_input_grad[1]:
            slope = _interpolate(x, offset, stride=ctx.stride, way=ctx.way, slope=True)
            of_offset = slope.mul_(g).sum(dim=(1, 2, 3))
            if ctx.gradient == "sign":
                of_offset = constrained_gradient(of_offset)
        return of_x, of_offset, None, None, None


def temporal_shift(
    x: Tensor, offset: Tensor, *, stride: int = 1, way: int = STAY, gradient: OffsetGradient = "sign"
) -> Tensor:
    """(C, V, T, N) with offsets (C,) in frames to (C, V, T', N), where T' is T / stride, rounded up.

    Frame t is read at ``t * stride + offset``, of the joints that a spatial shift in this `way` reads. The gradient
    with respect to the input is exact; the one of the offsets is ``"true"`` or, as published, its ``"sign"``.

    >>> ramp = torch.arange(1.0, 6).view(1, 1, 5, 1)
    >>> temporal_shift(ramp, torch.tensor([1.5])).flatten().tolist()
    [2.5, 3.5, 4.5, 2.5, 0.0]
    """
    if not torch.is_grad_enabled():
        return _interpolate(x, offset, stride=stride, way=way)
    shifted: Tensor = _TemporalShift.apply(x, offset, stride, way, gradient)  # type: ignore[no-untyped-call]
    return shifted


class TemporalShift(nn.Module):
    """:func:`temporal_shift` by offsets that are learnt, from (-1, 1) at first; a stride of two adds half a frame."""

    def __init__(self, channels: int, *, stride: int = 1, gradient: OffsetGradient = "sign") -> None:
        super().__init__()
        if gradient not in ("sign", "true"):
            raise ValueError(f"an offset gradient of {gradient!r}, expected 'sign' or 'true'")
        self.stride = stride
        self.gradient: OffsetGradient = gradient
        self.offset = nn.Parameter(torch.empty(channels).uniform_(-1, 1))

    def forward(self, x: Tensor, *, way: int = STAY) -> Tensor:
        """(C, V, T, N) to (C, V, T / stride, N)."""
        offset = self.offset + (self.stride - 1) / 2
        return temporal_shift(x, offset, stride=self.stride, way=way, gradient=self.gradient)
