"""Augmentations of motion: pure functions of clips (N, C, T, V, M) of any layout, each clip changed in its own way.

A joint whose coordinates are all zero is absent in that frame and stays so: it is not moved, and its neighbours in time
are not mixed with it. What is drawn at random comes from torch's generator of the device that the clips are on, and no
function asks the device for a value, so that a training step can be recorded. Constants are those of AimCLR's released
code (Guo et al., AAAI 2022); its shear and crop are those of SkeletonCLR (Li et al., CVPR 2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_PLANES = {2: ((0, 1),), 3: ((1, 2), (2, 0), (0, 1))}  # that a rotation turns, by the number of coordinates


def present(clips: Tensor) -> Tensor:
    """(N, C, T, V, M) to (N, 1, T, V, M): whether a joint is tracked."""
    return (clips != 0).any(dim=1, keepdim=True)


def uniform(clips: Tensor, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """(N, *shape) numbers, drawn for every clip from `low` to `high`."""
    return torch.rand(len(clips), *shape, device=clips.device) * (high - low) + low


def sometimes(clips: Tensor, changed: Tensor, *, probability: float = 0.5) -> Tensor:
    """Every clip as it was or `changed`, with this `probability`."""
    return torch.where(uniform(clips, 1, 1, 1, 1) < probability, changed, clips)


def transform(clips: Tensor, matrices: Tensor) -> Tensor:
    """Multiply all positions of clip n with `matrices` (N, C, C)."""
    return torch.einsum("ncd,ndtvm->nctvm", matrices.to(clips.dtype), clips)


def shear_matrices(clips: Tensor, *, amplitude: float = 0.5) -> Tensor:
    """(N, C, C) ones on the diagonal, beside it numbers drawn from -`amplitude` to `amplitude`."""
    c = clips.shape[1]
    diagonal = torch.eye(c, dtype=torch.bool, device=clips.device)
    return uniform(clips, c, c, low=-amplitude, high=amplitude).masked_fill(diagonal, 1.0)


def rotation_matrices(angles: Tensor, coordinates: int) -> Tensor:
    """Radians (N, P) to (N, C, C); P = 3 turns about x, y and z in this order, or P = 1 in the plane if C is 2."""
    whole = torch.eye(coordinates, device=angles.device).expand(len(angles), -1, -1)
    for (a, b), angle in zip(_PLANES[coordinates], angles.T, strict=True):
        turn = torch.eye(coordinates, device=angles.device).repeat(len(angles), 1, 1)
        turn[:, a, a] = turn[:, b, b] = angle.cos()
        turn[:, b, a] = angle.sin()
        turn[:, a, b] = -angle.sin()
        whole = turn @ whole
    return whole


def random_angles(clips: Tensor, *, main: float = 30.0, others: float = 1.0) -> Tensor:
    """(N, P) radians: one axis drawn for every clip is turned by up to `main` degrees, the others by up to `others`."""
    planes = len(_PLANES[clips.shape[1]])
    is_main = torch.arange(planes, device=clips.device) == (uniform(clips, 1) * planes).floor()
    return uniform(clips, planes) * torch.where(is_main, math.radians(main), math.radians(others))


def mirror_image(clips: Tensor, mirror: Sequence[int]) -> Tensor:
    """Left and right joints change places, `mirror` being that of the layout, and x its sign.

    AimCLR only exchanges the joints, which leaves a body that no human has; a mirror image is one.
    """
    signs = torch.tensor([-1.0] + [1.0] * (clips.shape[1] - 1), device=clips.device, dtype=clips.dtype)
    return clips[:, :, :, list(mirror)] * signs.view(1, -1, 1, 1, 1)


def shifted_crop(clips: Tensor, shares: Tensor, *, padding: int = 6) -> Tensor:
    """T of the T + 2 P frames that reflecting P = T // `padding` frames at both ends makes; SkeletonCLR's crop.

    `shares` (N,) from 0 up to 1 say which of the 2 P + 1 windows is taken.
    """
    t = clips.shape[2]
    p = t // padding
    first = (shares * (2 * p + 1)).floor().long() - p
    frames = first[:, None] + torch.arange(t, device=clips.device)  # N T, from -P to T + P - 1
    frames = torch.where(frames < 0, -1 - frames, torch.where(frames < t, frames, 2 * t - 1 - frames))
    return clips.gather(2, frames[:, None, :, None, None].expand_as(clips))


def crop_resize(clips: Tensor, starts: Tensor, lengths: Tensor, *, frames: int) -> Tensor:
    """The `lengths` (N,) frames from `starts` (N,) on, both maybe fractions, stretched to (N, C, frames, V, M).

    Frames are interpolated linearly, each standing for the middle of its time, and ends are held. A joint is absent
    where it is so in the nearer frame.
    """
    t = clips.shape[2]
    middles = (torch.arange(frames, device=clips.device) + 0.5) / frames  # T'
    first = starts.clamp(max=t - 1)[:, None]
    last = (starts + lengths - 1).clamp(max=t - 1)[:, None]
    at = (starts[:, None] + middles * lengths[:, None] - 0.5).minimum(last).maximum(first)  # N T'
    weights = (1 - (at[..., None] - torch.arange(t, device=clips.device)).abs()).clamp(min=0)  # N T' T
    mean, weight = _mean_of_present(clips, weights)
    return mean * (weight >= 0.5)


def blur(clips: Tensor, sigmas: Tensor, *, radius: int = 7) -> Tensor:
    """Smooth every path by a Gaussian of `sigmas` (N,) frames, cut off at `radius` frames.

    AimCLR's weights do not sum to one, so that its blur also magnifies; here it is a mean over the frames there are.
    """
    t = torch.arange(clips.shape[2], device=clips.device)
    apart = (t[:, None] - t).abs()
    weights = (-0.5 * (apart / sigmas[:, None, None]) ** 2).exp() * (apart <= radius)  # N T T
    return _mean_of_present(clips, weights)[0] * present(clips)


def _mean_of_present(clips: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Means over the frames in which a joint is present, (N, C, T', V, M), and their sums of `weights` (N, T', T)."""
    weights = weights.to(clips.dtype)
    sums = torch.einsum("nts,ncsvm->nctvm", weights, clips)
    totals = torch.einsum("nts,ncsvm->nctvm", weights, present(clips).to(clips.dtype))
    return sums / totals.clamp(min=1e-12), totals


def noise(clips: Tensor, *, deviation: float = 0.01) -> Tensor:
    """Add normal noise of a standard `deviation`, in the unit of the clips, to every joint that is there."""
    return clips + deviation * torch.randn_like(clips) * present(clips)


def axis_mask(clips: Tensor, axes: Tensor) -> Tensor:
    """Set the coordinate `axes` (N,) of clip n to zero."""
    kept = torch.arange(clips.shape[1], device=clips.device) != axes[:, None]  # N C
    return clips * kept[:, :, None, None, None]


def sheared_crop(clips: Tensor, *, shear: float = 0.5, padding: int = 6) -> Tensor:
    """SkeletonCLR's view of clips: a crop shifted in time, and a shear."""
    return transform(shifted_crop(clips, uniform(clips), padding=padding), shear_matrices(clips, amplitude=shear))


def extreme_view(clips: Tensor, *, mirror: Sequence[int] | None, shear: float = 0.5, padding: int = 6) -> Tensor:
    """AimCLR's extreme view: eight augmentations in their published order, all but three of them sometimes.

    `mirror` is that of the layout; without it there are seven.
    """
    x = sheared_crop(clips, shear=shear, padding=padding)
    if mirror is not None:
        x = sometimes(x, mirror_image(x, mirror))
    x = transform(x, rotation_matrices(random_angles(x), x.shape[1]))
    x = sometimes(x, x.flip(2))
    x = sometimes(x, noise(x))
    x = sometimes(x, blur(x, uniform(x, low=0.1, high=2.0)))
    return sometimes(x, axis_mask(x, (uniform(x) * x.shape[1]).floor()))
