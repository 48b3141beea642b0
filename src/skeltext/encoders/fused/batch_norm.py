"""Batch normalisation in training mode, joined to the dropout, the residual and the ReLU that follow it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from skeltext.encoders.dropout import draw_bytes
from skeltext.encoders.fused.compiled import compiled, spread

GROUP = 16  # bodies whose sums are added up by one thread, so that the result is the same for any number of threads


@compiled
def _sum_moments(start: int, stop: int, x: Any, within: Any, means: Any, squares: Any) -> None:
    """Per group the sums over its bodies of t var, mean and mean^2 over the frames of a body: (B, T, L) to (G, L).

    In a body, the first frame is subtracted, so that a mean much larger than the deviation costs no digits.
    """
    bodies, frames, width = x.shape
    sums, powers = np.empty(width, x.dtype), np.empty(width, x.dtype)
    for group in range(start, stop):
        for b in range(group * GROUP, min(group * GROUP + GROUP, bodies)):
            sums[:] = 0
            powers[:] = 0
            for t in range(1, frames):
                for i in range(width):
                    d = x[b, t, i] - x[b, 0, i]
                    sums[i] += d
                    powers[i] += d * d
            for i in range(width):
                shifted = np.float64(sums[i]) / frames
                mean = shifted + x[b, 0, i]
                within[group, i] += powers[i] - frames * shifted * shifted
                means[group, i] += mean
                squares[group, i] += mean * mean


@compiled
def _apply(
    start: int,
    stop: int,
    x: Any,
    scale: Any,
    shift: Any,
    draws: Any,
    threshold: int,
    gain: Any,
    residual: Any,
    relu: bool,
    y: Any,
) -> None:
    """The value y = relu(dropout(scale x + shift) + residual); `draws` and `residual` may be None.

    Dropout keeps a value where its byte of `draws` is at least `threshold`, and multiplies it by `gain`.
    """
    _, frames, width = x.shape
    zero = x.dtype.type(0)
    for b in range(start, stop):
        for t in range(frames):
            for i in range(width):
                value = x[b, t, i] * scale[i] + shift[i]
                if draws is not None:
                    value = value * gain if draws[b, t, i] >= threshold else zero
                if residual is not None:
                    value += residual[b, t, i]
                y[b, t, i] = zero if relu and value <= 0 else value


@compiled
def _sum_gradients(
    start: int,
    stop: int,
    gradient: Any,
    x: Any,
    centre: Any,
    draws: Any,
    threshold: int,
    gain: Any,
    y: Any,
    relu: bool,
    sums: Any,
    dots: Any,
) -> None:
    """Per group the sums of g and of g (x - centre) over bodies and frames; g is what reaches scale x + shift."""
    bodies, frames, width = x.shape
    zero = x.dtype.type(0)
    of_body, dots_of_body = np.empty(width, x.dtype), np.empty(width, x.dtype)
    for group in range(start, stop):
        for b in range(group * GROUP, min(group * GROUP + GROUP, bodies)):
            of_body[:] = 0
            dots_of_body[:] = 0
            for t in range(frames):
                for i in range(width):
                    g = zero if relu and y[b, t, i] <= 0 else gradient[b, t, i]
                    if draws is not None:
                        g = g * gain if draws[b, t, i] >= threshold else zero
                    of_body[i] += g
                    dots_of_body[i] += g * (x[b, t, i] - centre[i])
            for i in range(width):
                sums[group, i] += of_body[i]
                dots[group, i] += dots_of_body[i]


@compiled
def _apply_backward(
    start: int,
    stop: int,
    gradient: Any,
    x: Any,
    centre: Any,
    from_gradient: Any,
    from_x: Any,
    constant: Any,
    draws: Any,
    threshold: int,
    gain: Any,
    y: Any,
    relu: bool,
    to_x: Any,
    to_residual: Any,
    sums: Any,
) -> None:
    """The gradient from_gradient g + from_x (x - centre) + constant, its sums per group, and the residual's."""
    bodies, frames, width = x.shape
    zero = x.dtype.type(0)
    of_body = np.empty(width, x.dtype)
    for group in range(start, stop):
        for b in range(group * GROUP, min(group * GROUP + GROUP, bodies)):
            of_body[:] = 0
            for t in range(frames):
                for i in range(width):
                    g = zero if relu and y[b, t, i] <= 0 else gradient[b, t, i]
                    if to_residual is not None:
                        to_residual[b, t, i] = g
                    if draws is not None:
                        g = g * gain if draws[b, t, i] >= threshold else zero
                    value = from_gradient[i] * g + from_x[i] * (x[b, t, i] - centre[i]) + constant[i]
                    to_x[b, t, i] = value
                    of_body[i] += value
            for i in range(width):
                sums[group, i] += of_body[i]


class _Normalise(Function):
    """y = relu(dropout(gamma (x + offset - mean) / sqrt(var + eps) + beta) + residual) and its gradients.

    With h the normalised value, n values per channel and g the gradient of gamma h + beta,
    dx = gamma / sqrt(var + eps) (g - sum(g) / n - h sum(g h) / n); beta gets sum(g), gamma sum(g h).
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        offset: Tensor | None,
        gamma: Tensor,
        beta: Tensor,
        residual: Tensor | None,
        norm: nn.modules.batchnorm._BatchNorm,
        p: float,
        relu: bool,
    ) -> Tensor:
        b, t, v, c = x.shape
        n = b * t * v
        rows = x.detach().view(b, t, -1)  # B T V C -> B T (V C)
        bias = torch.zeros(v, c, dtype=torch.float64) if offset is None else offset.detach().double()
        mean, variance = _moments(rows, bias, channels=c)
        _update_running(norm, mean, variance, n)
        scale = gamma.detach().double() / (variance + norm.eps).sqrt()  # C
        shift = beta.detach().double() + scale * (bias - mean)  # V C
        draws, threshold = draw_bytes(rows.shape, p) if p else (None, 0)
        gain = rows.new_tensor(1 / (1 - p)).numpy()[()]
        dropout = (draws, threshold, gain)
        y = torch.empty_like(rows)
        added = None if residual is None else residual.detach().reshape(rows.shape)
        per_value = (scale.expand(v, c).flatten().to(x.dtype), shift.flatten().to(x.dtype))  # (V C)
        spread(_apply, b, rows, *per_value, *dropout, added, relu, y)
        ctx.save_for_backward(x, gamma, y, mean - bias, variance)
        ctx.dropout, ctx.relu, ctx.eps = dropout, relu, norm.eps
        return y.view(b, t, v, c)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, gamma, y, centre, variance = ctx.saved_tensors
        b, t, v, c = x.shape
        n = b * t * v
        rows, gradient = x.view(b, t, -1), gradient.contiguous().view(b, t, -1)  # B T V C -> B T (V C)
        centre = centre.flatten().to(x.dtype)  # (V C)
        groups = _groups(b)
        sums, dots = torch.zeros(2, groups, v * c, dtype=torch.float64)
        spread(_sum_gradients, groups, gradient, rows, centre, *ctx.dropout, y, ctx.relu, sums, dots)
        to_beta = _per_channel(sums, c)
        rate = (variance + ctx.eps).rsqrt()
        to_gamma = _per_channel(dots, c) * rate
        scale = gamma.double() * rate
        affine = (scale, -scale * rate * to_gamma / n, -scale * to_beta / n)  # C each
        per_value = (factor.repeat(v).to(x.dtype) for factor in affine)  # (V C) each
        to_x = torch.empty_like(rows)
        to_residual = torch.empty_like(rows) if ctx.needs_input_grad[4] else None
        sums = torch.zeros_like(sums)
        spread(
            _apply_backward,
            groups,
            gradient,
            rows,
            centre,
            *per_value,
            *ctx.dropout,
            y,
            ctx.relu,
            to_x,
            to_residual,
            sums,
        )
        to_offset = sums.sum(dim=0).view(v, c).to(x.dtype) if ctx.needs_input_grad[1] else None
        return (
            to_x.view(x.shape),
            to_offset,
            to_gamma.to(x.dtype),
            to_beta.to(x.dtype),
            None if to_residual is None else to_residual.view(x.shape),
            None,
            None,
            None,
        )


def normalise(
    x: Tensor,
    norm: nn.modules.batchnorm._BatchNorm,
    *,
    offset: Tensor | None = None,
    residual: Tensor | None = None,
    dropout: float = 0.0,
    relu: bool = True,
) -> Tensor:
    """Batch normalisation in training mode of (B, T, V, C) with what follows it, in one pass after the statistics.

    `offset` (V, C) is added to x first, `dropout` and then `residual` come after, then a ReLU. The running statistics
    of `norm` are updated.
    """
    arguments = (x, offset, norm.weight, norm.bias, residual, norm, dropout, relu)
    y: Tensor = _Normalise.apply(*arguments)  # type: ignore[no-untyped-call]
    return y


def _groups(bodies: int) -> int:
    return -(-bodies // GROUP)


def _per_channel(sums: Tensor, channels: int) -> Tensor:
    """(G, V C) partial sums to (C,)."""
    return sums.sum(dim=0).view(-1, channels).sum(dim=0)


def _moments(rows: Tensor, offset: Tensor, *, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and biased variance (C,) of rows + offset (V, C), from exact sums of short pieces (Chan et al., 1983).

    A piece is one value of the frame in one body; with its mean m and its variance s over t frames, the variance of all
    is the mean of s + (m - mean)^2 over the pieces.
    """
    b, t, width = rows.shape
    within, means, squares = torch.zeros(3, _groups(b), width, dtype=torch.float64)
    spread(_sum_moments, len(within), rows, within, means, squares)
    within, means, squares = (sums.sum(dim=0).view(-1, channels) for sums in (within, means, squares))  # V C each
    pieces = b * len(offset)
    mean = (means + b * offset).sum(dim=0) / pieces
    around = offset - mean  # m + offset - mean, squared and summed over the bodies:
    between = squares + 2 * around * means + b * around.square()
    variance = (within / t + between).sum(dim=0) / pieces
    return mean, variance.clamp(min=0)  # rounding may leave less than nothing of a constant


def _update_running(norm: nn.modules.batchnorm._BatchNorm, mean: Tensor, variance: Tensor, n: int) -> None:
    """Move the running statistics towards those of the batch, the variance without bias, as torch does."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = 1 / int(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
    norm.running_var.lerp_((variance * n / max(n - 1, 1)).to(norm.running_var.dtype), momentum)
