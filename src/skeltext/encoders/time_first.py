"""Steps of ST-GCN on activations (T, B, V, C) of B bodies, without gradients.

Channels are last, so that 1x1 convolutions are matrix products and nothing is copied between two steps; time is first,
so that the transform of :mod:`skeltext.encoders.temporal_convolution` is one matrix product too.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def dense(x: Tensor, *, weight: Tensor) -> Tensor:
    """From every joint and channel to every other: y[w] = sum_v x[v] W_vw, with weights (V, C, V, C')."""
    y: Tensor = torch.tensordot(x, weight, dims=2)
    return y


def messages_first(x: Tensor, *, messages: Tensor, weight: Tensor) -> Tensor:
    """Messages ((V K), V) of C channels along K graphs, then a 1x1 convolution ((K C), C')."""
    t, b, v, c = x.shape
    received = torch.bmm(messages.expand(t * b, -1, -1), x.view(t * b, v, c))  # (T B) (V K) C
    return (received.view(t * b * v, -1) @ weight).view(t, b, v, -1)


def convolution_first(x: Tensor, *, messages: Tensor, weight: Tensor) -> Tensor:
    """A 1x1 convolution (C, (K C')), then messages (V, (V K)) of C' channels along K graphs."""
    t, b, v, c = x.shape
    sent = (x.view(t * b * v, c) @ weight).view(t * b, messages.shape[1], -1)  # (T B V) (K C') -> (T B) (V K) C'
    return torch.bmm(messages.expand(t * b, -1, -1), sent).view(t, b, v, -1)


def direct(x: Tensor, *, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """A convolution over time with taps (C', C, k, 1), as of one image with T rows and B V columns."""
    t, b, v, c = x.shape
    image = x.view(1, t, b * v, c).permute(0, 3, 1, 2)  # 1 C T (B V), channels last in memory
    y = F.conv2d(image, weight, bias, stride=(stride, 1), padding=(weight.shape[2] // 2, 0))
    return y.permute(0, 2, 3, 1).contiguous().view(-1, b, v, len(bias))


def transformed(x: Tensor, *, to_points: Tensor, taps: Tensor, to_frames: Tensor, bias: Tensor) -> Tensor:
    """The same at stride one through P points (P, T), (P, C, C'), (T, P).

    The first point is the sum over a period, so `bias` is added to that one only, as many times as a period is long.
    """
    t, b, v, c = x.shape
    points = (to_points @ x.view(t, -1)).view(-1, b * v, c)  # P (B V) C
    products = torch.bmm(points, taps)  # P (B V) C'
    products[0] += bias
    return (to_frames @ products.flatten(1)).view(t, b, v, -1)


def add_projected(y: Tensor, x: Tensor, *, weight: Tensor, stride: int) -> Tensor:
    """Add a 1x1 convolution (C, C') of every so-many-th frame of x to y, in place."""
    y.flatten(0, 2).addmm_(x[::stride].flatten(0, 2), weight)  # (T' B V) C'
    return y


def mean_over_frames_and_joints(x: Tensor) -> Tensor:
    """(T, B, V, C) to (B, C) in single precision at least; first over joints, which are neighbours in memory."""
    return x.mean(dim=2, dtype=torch.promote_types(x.dtype, torch.float32)).mean(dim=0)
