"""The preprocessing steps, each a function of positions (M, T, V, C) and the layout.

Positions are in the unit of the layout with NaN where a joint was not tracked; the up axis is y, as in the
layouts that networks are trained on. Turning is about that axis, so x and z are the ground plane.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Floats
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.missing import completed

Array = npt.NDArray[Any]


def motion(x: Floats) -> Array:
    """(M,) how much every body moves: the variance of its tracked positions over time, summed over joints and axes."""
    counted = np.maximum((~np.isnan(x)).sum(axis=1), 1)
    mean = np.nansum(x, axis=1) / counted  # (M, V, C)
    return np.asarray((np.nansum((x - mean[:, None]) ** 2, axis=1) / counted).sum(axis=(1, 2)))


def most_moving(x: Floats, *, bodies: int) -> npt.NDArray[np.int64]:
    """The numbers of the `bodies` bodies with the most motion, in the order of the clip; all if there are no more."""
    if len(x) <= bodies:
        return np.arange(len(x))
    return np.asarray(np.sort(np.argsort(-motion(x), kind="stable")[:bodies]))


FAR = 8.0  # spreads of a body, about 3.5 m; people who are farther apart do nothing together


def the_one_who_moves_most(x: Floats, *, bodies: int) -> npt.NDArray[np.int64]:
    """The number of the body with the most motion, however many `bodies` there is room for."""
    return most_moving(x, bodies=1)


def those_together(x: Floats, *, bodies: int) -> npt.NDArray[np.int64]:
    """The numbers of the `bodies` bodies with the most motion that are together, else of the one with the most motion.

    They are together if each is there in half of the frames of any other, and no farther from it than :data:`FAR` times
    the usual distance of its joints from their middle, in the median over these frames.
    """
    kept = most_moving(x, bodies=bodies)
    joints = x[kept].astype(np.float64)  # M T V C
    there = np.asarray(np.isfinite(joints).all(axis=-1) & joints.any(axis=-1), np.bool_)  # M T V
    counted = there.sum(axis=2)  # M T
    middles = np.where(there[..., None], joints, 0).sum(axis=2) / np.maximum(counted, 1)[..., None]  # M T C
    away = np.linalg.norm(np.where(there[..., None], joints - middles[:, :, None], 0), axis=-1)  # M T V
    spread = away.sum() / max(1, there.sum())
    for one, other in combinations(range(len(kept)), 2):
        both = (counted[one] > 0) & (counted[other] > 0)
        seldom = 2 * both.sum() < max((counted[one] > 0).sum(), (counted[other] > 0).sum())
        if seldom or np.median(np.linalg.norm(middles[one] - middles[other], axis=-1)[both]) > FAR * spread:
            return the_one_who_moves_most(x, bodies=bodies)
    return kept


def missing_joints(x: Array) -> npt.NDArray[np.bool_]:
    """(..., V, C) to (..., V): True where a joint was not tracked."""
    return np.asarray(np.isnan(x).any(axis=-1), np.bool_)


def zero_missing(x: Array, layout: Layout) -> Array:
    """Missing joints become zeros, which is how the published arrays mark them."""
    return np.nan_to_num(x, nan=0.0)


def keep_counted_frames(x: Array, layout: Layout) -> Array:
    """The first L frames, where L counts the frames in which joint 0 of body 0 is not zero (AimCLR).

    Published as it is: with an empty stretch in the middle, the stretch stays and the end of the clip is lost.
    """
    length = int((x[0, :, 0] != 0).any(axis=1).sum())
    if length == 0:
        raise SkeltextError("no frame has its first joint tracked; the published preparation cannot use such a clip")
    return np.asarray(x[:, :length])


def centre_each_frame(x: Array, layout: Layout) -> Array:
    """Every body has the centre joint of the layout at the origin in every frame."""
    centre = layout.index(layout.centre)
    return np.asarray(x - x[:, :, centre : centre + 1])


def centre_clip(x: Array, layout: Layout) -> Array:
    """The centre joint in the first body's first tracked frame is the origin, so that paths in the room stay."""
    path = x[0, :, layout.index(layout.centre)]
    tracked = np.flatnonzero(~np.isnan(path).any(axis=1))
    if len(tracked) == 0:
        raise SkeltextError(f"the joint {layout.centre} is never tracked, so the clip has no origin")
    return np.asarray(x - path[tracked[0]])


def resample(x: Array, layout: Layout, *, frames: int) -> Array:
    """Linear interpolation over time to `frames` frames with half-pixel centres and clamped ends.

    Frame t of the result reads position (t + 1/2) T / frames - 1/2 of the T frames there are.
    """
    length = x.shape[1]
    at = np.clip((np.arange(frames) + 0.5) * (length / frames) - 0.5, 0, length - 1)
    before = np.floor(at).astype(int)
    after = np.minimum(before + 1, length - 1)
    share = (at - before).astype(x.dtype)[:, None, None]
    return np.asarray(x[:, before] * (1 - share) + x[:, after] * share)


def _turn(x: Array, cosine: Array, sine: Array) -> Array:
    """Rotate about y by rows [cos 0 -sin], [0 1 0], [sin 0 cos]; the angles are (M, T)."""
    cosine, sine = cosine[..., None], sine[..., None]
    turned = x.copy()
    turned[..., 0] = cosine * x[..., 0] - sine * x[..., 2]
    turned[..., 2] = sine * x[..., 0] + cosine * x[..., 2]
    return turned


def _across(x: Array, layout: Layout) -> tuple[Array, Array]:
    """(M, T) x and z of the vector from the left to the right shoulder."""
    shoulders = x[:, :, layout.index("right_shoulder")] - x[:, :, layout.index("left_shoulder")]
    return shoulders[..., 0], shoulders[..., 2]


def face_forward_published(x: Array, layout: Layout) -> Array:
    """The rotation of AimCLR: angle arccos(v_x / (|v_xz| + 1e-4)) of the shoulders, one sign per body and clip.

    Frames whose shoulders lean to the other side than most stay misaligned; :func:`face_forward` has no such rest.
    """
    across, depth = _across(x.astype(np.float64), layout)
    angle = np.arccos(np.clip(across / (np.hypot(across, depth) + 1e-4), -1.0, 1.0))
    angle *= np.where(depth.sum(axis=1, keepdims=True) >= 0, -1.0, 1.0)
    return _turn(x, np.cos(angle), np.sin(angle))


def face_forward(x: Array, layout: Layout, *, shortest: float = 0.05) -> Array:
    """Every frame is turned until its shoulders lie along +x, left to right.

    Where the shoulders seen from above are nearer than `shortest` (in the unit of the layout) or missing, the
    direction is interpolated from the frames around; a body that never shows it is left as it is.
    """
    across, depth = _across(x.astype(np.float64), layout)
    clear = np.nan_to_num(np.hypot(across, depth)) > shortest
    angle = np.zeros_like(across)
    for body in np.flatnonzero(clear.any(axis=1)):
        seen = np.flatnonzero(clear[body])
        heading = np.unwrap(np.arctan2(depth[body, seen], across[body, seen]))
        angle[body] = np.interp(np.arange(across.shape[1]), seen, heading)
    return _turn(x, np.cos(angle), -np.sin(angle))


def fill_gaps(x: Array, layout: Layout) -> Array:
    """Missing joints are put where others tell that they are; frames before anybody appears or after go.

    See :mod:`skeltext.skeletons.missing`. A body that never appears stays NaN. Raises :class:`SkeltextError` if no
    joint of any body is ever tracked, or a body shows nothing of its trunk.
    """
    tracked = ~missing_joints(x)  # (M, T, V)
    anybody = np.flatnonzero(tracked.any(axis=(0, 2)))
    if len(anybody) == 0:
        raise SkeltextError("no joint is tracked in any frame, so there is nothing to recognise")
    x = x[:, anybody[0] : anybody[-1] + 1].copy()
    tracked = tracked[:, anybody[0] : anybody[-1] + 1]
    for body in np.flatnonzero(tracked.any(axis=(1, 2)) & ~tracked.all(axis=(1, 2))):
        x[body] = completed(x[body], tracked[body], layout)
    return x


def scale_by_torso(x: Array, layout: Layout) -> Array:
    """Divide by the median distance from the first body's hips to its shoulders, so that the torso has length 1."""
    ends = [_middle(x[0], layout, names) for names in (("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"))]
    lengths = np.linalg.norm(ends[0] - ends[1], axis=-1)
    lengths = lengths[lengths > 0]  # NaN compares false
    if len(lengths) == 0:
        raise SkeltextError("shoulders and hips are never tracked together, so the torso has no length to scale by")
    return np.asarray(x / np.median(lengths).astype(x.dtype))


def _middle(x: Array, layout: Layout, names: tuple[str, str]) -> Array:
    """(T, C) point halfway between two joints of one body (T, V, C)."""
    return np.asarray((x[:, layout.index(names[0])] + x[:, layout.index(names[1])]) / 2)
