"""Convolution over time, channels last: by few products per channel pair where there are few frames.

The maths of the short form is told in :mod:`skeltext.encoders.temporal_convolution`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from skeltext.encoders.fused.compiled import compiled, pieces, spread
from skeltext.encoders.temporal_convolution import TemporalConvolution, transforms


@cache
def transform_kernels(frames: int, points: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Products with a small matrix (P, T) over the frames; both lengths are known when compiled, which unrolls them."""
    half = (points + 1) // 2

    @compiled
    def to_points(start: int, stop: int, x: Any, matrix: Any, y: Any) -> None:
        """y[p, b] = sum over t of matrix[p, t] x[b, t]: (B, T, V, C) to (P, B, V, C)."""
        for b in range(start, stop):
            for v in range(x.shape[2]):
                for p in range(points):
                    for c in range(x.shape[3]):
                        value = matrix[p, 0] * x[b, 0, v, c]
                        for t in range(1, frames):
                            value += matrix[p, t] * x[b, t, v, c]
                        y[p, b, v, c] = value

    @compiled
    def to_frames(start: int, stop: int, x: Any, matrix: Any, y: Any) -> None:
        """y[b, t] = sum over p of matrix[p, t] x[p, b]: (P, B, V, C) to (B, T, V, C)."""
        for b in range(start, stop):
            for v in range(x.shape[2]):
                for t in range(frames):
                    for c in range(x.shape[3]):
                        value = matrix[0, t] * x[0, b, v, c]
                        for p in range(1, half):
                            value += matrix[p, t] * x[p, b, v, c]
                        y[b, t, v, c] = value
                    for c in range(x.shape[3]):
                        value = y[b, t, v, c]
                        for p in range(half, points):
                            value += matrix[p, t] * x[p, b, v, c]
                        y[b, t, v, c] = value

    return to_points, to_frames


class _ShortConvolution(Function):
    """Frames to P points, a product with the taps at every point, and back, for a few bodies at a time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, to_points: Tensor, taps: Tensor, to_frames: Tensor) -> Tensor:
        ctx.save_for_backward(x, to_points, taps, to_frames)
        y = x.new_empty(*x.shape[:3], taps.shape[2])
        for piece in pieces(len(x), bytes_per_body=_point_bytes(x, taps)):
            _to_frames(torch.bmm(_to_points(x[piece], to_points), taps), to_frames.T, out=y[piece])
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor, None]:
        x, to_points, taps, to_frames = ctx.saved_tensors
        gradient = gradient.contiguous()
        to_x, to_taps = torch.empty_like(x), torch.zeros_like(taps)
        for piece in pieces(len(x), bytes_per_body=2 * _point_bytes(x, taps)):
            products = _to_points(gradient[piece], to_frames.T)  # P (B V) C'
            to_taps.baddbmm_(_to_points(x[piece], to_points).transpose(1, 2), products)
            _to_frames(torch.bmm(products, taps.transpose(1, 2)), to_points, out=to_x[piece])
        return to_x, None, to_taps, None


def _point_bytes(x: Tensor, taps: Tensor) -> int:
    points, c, out = taps.shape
    return points * x.shape[2] * (c + out) * x.element_size()


def _to_points(x: Tensor, matrix: Tensor) -> Tensor:
    """(B, T, V, C) by a matrix (P, T) to (P, B V, C)."""
    points, frames = matrix.shape
    b, _, v, c = x.shape
    y = x.new_empty(points, b, v, c)
    spread(transform_kernels(frames, points)[0], b, x, matrix.contiguous(), y)
    return y.flatten(1, 2)


def _to_frames(x: Tensor, matrix: Tensor, *, out: Tensor) -> None:
    """(P, B V, C) by the transpose of a matrix (P, T) into `out` (B, T, V, C)."""
    points, frames = matrix.shape
    b, _, v, _ = out.shape
    spread(transform_kernels(frames, points)[1], b, x.view(points, b, v, -1), matrix.contiguous(), out)


def temporal_convolution(x: Tensor, convolution: TemporalConvolution) -> Tensor:
    """(B, T, V, C) to (B, T / stride, V, C') without the bias, which is left to the normalisation that follows."""
    if convolution.is_short(x.shape[1]):
        to_points, taps, to_frames = transforms(x.shape[1], convolution.weight)
        y: Tensor = _ShortConvolution.apply(x, to_points, taps, to_frames)  # type: ignore[no-untyped-call]
        return y
    channels_last = x.permute(0, 3, 1, 2)  # B T V C -> B C T V
    y = F.conv2d(channels_last, convolution.weight, None, convolution.stride, convolution.padding)
    return y.permute(0, 2, 3, 1).contiguous()  # B C' T V -> B T V C'
