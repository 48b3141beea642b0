"""The clips of many sources brought together: one layout, one origin, one direction to face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skeltext.datasets.trimming import active_frames
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import KINECT20 as LAYOUT

FEWEST_FRAMES = 8
_PELVIS, _LEFT_HIP, _RIGHT_HIP = (LAYOUT.index(joint) for joint in ("pelvis", "left_hip", "right_hip"))


def brought_together(read: Callable[[], Clip], *, trim: bool = False, bodies: int = 1) -> Clip:
    """The clip in the layout of the unions, only frames that show the first body, at the origin, facing the same way.

    Further bodies, of which at most `bodies` are kept, keep their place beside the first one. With `trim` the rest at
    the start and the end is left out.
    """
    clip = read()
    if trim:
        clip = replace(clip, positions=clip.positions[:, active_frames(clip)], confidence=None)
    clip = convert(clip, LAYOUT)
    x = clip.positions[:bodies, clip.tracked[0].any(axis=1)]  # (M, T, V, C)
    if x.shape[1] < FEWEST_FRAMES:
        raise SkeltextError(f"{clip.source} has {x.shape[1]} tracked frames, expected at least {FEWEST_FRAMES}")
    return Clip(positions=_faced(x, clip.source), layout=LAYOUT, fps=clip.fps, source=clip.source)


def _faced(x: Floats, source: str) -> Floats:
    """The first pelvis at the origin and the right hip on +x of it, turned about y; the path in the room stays."""
    known = ~np.isnan(x[0][:, [_PELVIS, _LEFT_HIP, _RIGHT_HIP]]).any(axis=(1, 2))
    if not known.any():
        raise SkeltextError(f"{source} never shows pelvis and hips together, so it has no origin; leave it out")
    first = x[0, int(known.argmax())].astype(np.float64)
    across = (first[_RIGHT_HIP] - first[_LEFT_HIP])[[0, 2]]
    length = float(np.hypot(*across))
    cosine, sine = across / length if length > 1e-6 else (1.0, 0.0)
    turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    return np.asarray((x - first[_PELVIS]) @ turn, np.float32)
