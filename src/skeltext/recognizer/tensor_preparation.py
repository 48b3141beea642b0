"""Preprocessing steps on tensors, so that the graph of an exported model holds them.

Each does to a batch (N, M, T, V, C) what its namesake in :mod:`skeltext.skeletons.steps` does to one clip (M, T, V, C),
in operations that ONNX has. A step is missing here where it decides how many frames there are: ``fill_gaps`` and
``keep_counted_frames`` stay in numpy with whatever comes before them, and so does ``centre_clip``, which refuses clips
that a graph could not refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from skeltext.skeletons.layout import Layout
from skeltext.skeletons.preprocessing import Step


def zero_missing(x: Tensor, layout: Layout) -> Tensor:
    """Missing joints become zeros."""
    return torch.where(x.isnan(), 0.0, x)


def centre_each_frame(x: Tensor, layout: Layout) -> Tensor:
    """Every body has the centre joint of the layout at the origin in every frame."""
    centre = layout.index(layout.centre)
    return x - x[..., centre : centre + 1, :]


def resample(x: Tensor, layout: Layout, *, frames: int) -> Tensor:
    """Linear interpolation over time to so many frames.

    The position (t + 1/2) T / frames - 1/2 is a fraction over 2 frames, so that whole numbers hold it exactly.
    """
    length, parts = x.shape[2], 2 * frames
    at = ((2 * torch.arange(frames) + 1) * length - frames).clamp(min=0)
    at = torch.minimum(at, torch.full_like(at, parts) * (length - 1))
    before = at // parts
    after = (before + 1).clamp(max=length - 1)
    share = ((at - before * parts).to(x.dtype) / parts)[:, None, None]
    return x[:, :, before] * (1 - share) + x[:, :, after] * share


def _across(x: Tensor, layout: Layout) -> tuple[Tensor, Tensor, Tensor]:
    """(N, M, T) x, z and length in that plane, in double precision, of the way from the left to the right shoulder."""
    shoulders = (x[..., layout.index("right_shoulder"), :] - x[..., layout.index("left_shoulder"), :]).double()
    across, depth = shoulders[..., 0], shoulders[..., 2]
    return across, depth, (across.square() + depth.square()).sqrt()


def _turn(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate about y by rows [cos 0 -sin], [0 1 0], [sin 0 cos], which are (N, M, T)."""
    cosine, sine = cosine.unsqueeze(-1), sine.unsqueeze(-1)
    turned = cosine * x[..., 0] - sine * x[..., 2], x[..., 1].double(), sine * x[..., 0] + cosine * x[..., 2]
    return torch.stack(turned, dim=-1).to(x.dtype)


def face_forward_published(x: Tensor, layout: Layout) -> Tensor:
    """The rotation of AimCLR, by the sine and cosine of its angle without the angle itself."""
    across, depth, length = _across(x, layout)
    cosine = (across / (length + 1e-4)).clamp(-1.0, 1.0)
    sign = torch.where(depth.sum(dim=2, keepdim=True) >= 0, -1.0, 1.0)
    return _turn(x, cosine, sign * ((1 - cosine) * (1 + cosine)).sqrt())


def face_forward(x: Tensor, layout: Layout, *, shortest: float = 0.05) -> Tensor:
    """Every frame is turned until its shoulders lie along +x.

    Between two frames that show the direction, it turns evenly by the shorter way from one to the other, which is what
    interpolating unwrapped angles does. The angle itself is needed there only.
    """
    across, depth, length = _across(x, layout)
    clear = length > shortest  # False for NaN
    ever = clear.any(dim=2, keepdim=True)
    cosine, sine = (torch.where(clear, part / length, 0.0) for part in (across, depth))
    before, after, share = _neighbours(clear)
    c0, s0, c1, s1 = (part.gather(2, at) for at in (before, after) for part in (cosine, sine))
    angle = share * torch.atan2((c0 * s1 - s0 * c1).float(), (c0 * c1 + s0 * s1).float())
    c, s = angle.cos(), angle.sin()
    return _turn(x, torch.where(ever, c0 * c - s0 * s, 1.0), -torch.where(ever, s0 * c + c0 * s, 0.0))


def _neighbours(clear: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of flags (N, M, T) the nearest flagged frames before and after every frame, and how far it is between them.

    A flagged frame is its own neighbour on both sides; before the first and after the last there is one neighbour.
    """
    length = clear.shape[2]
    frames = torch.arange(length).expand(clear.shape)
    flagged = torch.where(clear, frames, length).sort(dim=2).values  # those that are flagged come first
    ahead = clear.long().cumsum(dim=2)  # flagged frames up to here
    last = (ahead[..., -1:] - 1).clamp(min=0)
    before, after = (
        flagged.gather(2, torch.minimum(rank.clamp(min=0), last)).clamp(max=length - 1)
        for rank in (ahead - 1, ahead - clear.long())
    )
    share = (frames - before).clamp(min=0).float() / (after - before).clamp(min=1)
    return before, after, share.clamp(max=1.0)


def scale_by_torso(x: Tensor, layout: Layout) -> Tensor:
    """Divide by the median distance from the first body's hips to its shoulders.

    Where no frame has such a distance the numpy step refuses the clip; here nothing but zeros is left of it.
    """
    ends = [
        (x[:, 0, :, layout.index(f"left_{name}")] + x[:, 0, :, layout.index(f"right_{name}")]) / 2
        for name in ("shoulder", "hip")
    ]  # N T C
    lengths = torch.linalg.vector_norm(ends[0] - ends[1], dim=-1)
    lengths = torch.where(lengths > 0, lengths, torch.inf).sort(dim=1).values  # NaN compares false
    count = lengths.isfinite().sum(dim=1, keepdim=True)
    low, high = (lengths.gather(1, rank.clamp(min=0)) for rank in ((count - 1) // 2, count // 2))
    return x / ((low + high) / 2).view(-1, 1, 1, 1, 1)


TENSOR_STEPS: dict[str, Callable[..., Tensor]] = {
    step.__name__: step
    for step in (zero_missing, centre_each_frame, resample, face_forward_published, face_forward, scale_by_torso)
}


def tensor_suffix(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The last steps of a recipe, as many as tensors can do.

    >>> from skeltext.skeletons.preprocessing import RECIPES
    >>> [step.name for step in tensor_suffix(RECIPES["published50"])]
    ['centre_each_frame', 'resample', 'face_forward_published']
    """
    first = max((number for number, step in enumerate(steps, start=1) if step.name not in TENSOR_STEPS), default=0)
    return tuple(steps[first:])


def prepared(clips: Tensor, steps: Sequence[Step], layout: Layout) -> Tensor:
    """Clips (N, C, T, V, M) after the given steps."""
    x = clips.permute(0, 4, 2, 3, 1)  # N C T V M -> N M T V C
    for step in steps:
        x = TENSOR_STEPS[step.name](x, layout, **step.options)
    return x.permute(0, 4, 2, 3, 1)  # N M T V C -> N C T V M
