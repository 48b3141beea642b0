"""Convolution over time that needs fewer multiplications when there are few frames.

A convolution of T frames with k taps (odd, padded so that T stays T) is a circular one of any length n >= T + k // 2:
what wraps around meets taps that are zero or outputs that are cut off. A discrete Fourier transform of odd n turns it
into products of one real and (n - 1) / 2 complex numbers. A complex product (a + ib)(c + id) takes three real ones,

    k1 = c (a + b),   k2 = a (d - c),   k3 = b (c + d),   real part k1 - k3,   imaginary part k1 + k2,

so that P = 1 + 3 (n - 1) / 2 channel products remain. For T = 13 and 9 taps P is 25, where the direct form has 97
products that do not fall on padding. The transform is orthogonal, so precision does not suffer: in float64 both forms
agree to 1e-14.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn

LONGEST = 16  # frames; beyond, the transform itself costs what it saves
NARROWEST = 64  # channels; below, the passes over memory cost more than the multiplications


@cache
def _transforms(frames: int, taps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Matrices in float64: frames to points (P, T), taps to points (P, k), products of points to frames (T, P)."""
    half = taps // 2
    n = frames + half + (frames + half + 1) % 2  # odd
    frequency = np.arange(1, (n + 1) // 2)[:, None]
    turns = 2 * np.pi / n
    a, b = (wave(turns * frequency * np.arange(frames)) for wave in (np.cos, lambda angle: -np.sin(angle)))
    shift = half - np.arange(taps)  # tap j reaches frame t from frame t + j - half
    c, d = (wave(turns * frequency * shift) for wave in (np.cos, lambda angle: -np.sin(angle)))
    to_points = np.concatenate([np.ones((1, frames)), a + b, a, b])
    taps_to_points = np.concatenate([np.ones((1, taps)), c, d - c, c + d])
    real, imaginary = a.T * 2 / n, b.T * 2 / n  # inverse transform of a real sequence
    to_frames = np.concatenate([np.full((frames, 1), 1 / n), real + imaginary, imaginary, -real], axis=1)
    with torch.inference_mode(False):  # kept for a training that follows a prediction, too
        return torch.from_numpy(to_points), torch.from_numpy(taps_to_points), torch.from_numpy(to_frames)


def transforms(frames: int, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of taps (C', C, k, 1): the matrix to points (P, T), the taps as points (P, C, C') and the matrix back (T, P)."""
    to_points, taps_to_points, to_frames = (
        matrix.to(weight.device, weight.dtype) for matrix in _transforms(frames, weight.shape[2])
    )
    taps = weight.squeeze(3).permute(2, 1, 0)  # C' C k -> k C C'
    return to_points, (taps_to_points @ taps.flatten(1)).view(-1, *taps.shape[1:]), to_frames


def short_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(N, C, T, V) with taps (C', C, k, 1) to (N, C', T, V): a convolution over T of stride one, padded by k // 2."""
    n, c, t, v = x.shape
    to_points, taps, to_frames = transforms(t, weight)
    points = (to_points @ x.permute(2, 0, 3, 1).reshape(t, -1)).view(-1, n * v, c)  # P (N V) C
    products = torch.bmm(points, taps)  # P (N V) C'
    y = (to_frames @ products.flatten(1)).view(t, n, v, -1) + bias  # T N V C'
    return y.permute(1, 3, 0, 2)  # -> N C' T V


class TemporalConvolution(nn.Conv2d):
    """A convolution of k taps over the frames of (N, C, T, V), padded by k // 2.

    With ``direct`` it does without the transform.

    >>> TemporalConvolution(4, 6, taps=9, stride=2)(torch.zeros(1, 4, 25, 20)).shape
    torch.Size([1, 6, 13, 20])
    """

    def __init__(self, channels: int, out_channels: int, *, taps: int, stride: int = 1) -> None:
        super().__init__(channels, out_channels, kernel_size=(taps, 1), stride=(stride, 1), padding=(taps // 2, 0))
        self.direct = False

    def is_short(self, frames: int) -> bool:
        """Whether the transform pays for that many frames on a processor."""
        return frames <= LONGEST and self.stride == (1, 1) and min(self.in_channels, self.out_channels) >= NARROWEST

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, T, V) to (N, C', T / stride, V)."""
        if not self.direct and x.device.type == "cpu" and self.bias is not None and self.is_short(x.shape[2]):
            return short_convolution(x, self.weight, self.bias)
        return super().forward(x)
