"""The forms in which a motion may reach a recogniser: through another layout, or as a flat picture from some side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import layout_named

Variant = Callable[[Clip], Clip]
YAW, PITCH = 90.0, 15.0  # degrees by which a camera may stand aside, and above or below


def flat(layout: Layout) -> Layout:
    """The layout of a camera picture of a skeleton: the same joints with two coordinates, y downwards.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> flat(KINECT20).C, flat(KINECT20).up
    (2, '-y')
    """
    return layout if layout.C == 2 else replace(layout, name=f"{layout.name}-flat", unit="px", up="-y")


def through(clip: Clip, layout: Layout) -> Clip:
    """The clip as it would be had it come in another layout: what that layout lacks is derived from what it has.

    A joint that the layout makes the middle of others, such as a pelvis between the hips, comes as that.

    >>> from skeltext.skeletons.layouts import H36M17, KINECT20
    >>> clip = Clip(positions=np.random.default_rng(0).normal(size=(1, 4, 20, 3)).astype("f"), layout=KINECT20, fps=30)
    >>> come = through(clip, H36M17).positions  # which has wrists and no hands
    >>> elbow, wrist, hand = (come[0, 0, KINECT20.index(f"left_{joint}")] for joint in ("elbow", "wrist", "hand"))
    >>> bool(np.allclose(hand - elbow, 1.3 * (wrist - elbow), atol=1e-4))
    True
    """
    return convert(convert(clip, layout), clip.layout)


def seen_from(clip: Clip, *, yaw: float = 0.0, pitch: float = 0.0) -> Clip:
    """A clip of three dimensions as an orthographic camera sees it: x to the right, y down, the depth is lost.

    With both angles 0 the camera stands before the first body and looks at it on a level, so that its left shoulder is
    on the right of the picture. `yaw` walks the camera about the vertical axis and `pitch` lifts it, in degrees.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> standing = np.zeros((1, 1, 20, 3), np.float32)
    >>> standing[..., KINECT20.index("left_shoulder"), :] = [-0.2, 1.4, 2.0]
    >>> standing[..., KINECT20.index("right_shoulder"), :] = [0.2, 1.4, 2.0]
    >>> picture = seen_from(Clip(positions=standing, layout=KINECT20, fps=30.0)).positions[0, 0]
    >>> picture[KINECT20.index("left_shoulder")].astype(float).round(2).tolist()
    [0.2, -1.4]
    """
    upright = convert(clip, replace(clip.layout, up="+y"))
    a, b = np.radians([yaw, pitch])
    x, z = _across(upright)  # which a camera before the body sees from right to left
    right = np.array([z * np.sin(a) - x * np.cos(a), 0.0, -x * np.sin(a) - z * np.cos(a)])
    up = np.array([0.0, 1.0, 0.0])
    ahead = np.cross(up, right)
    camera = np.stack([right, -np.cos(b) * up - np.sin(b) * ahead], axis=1).astype(np.float32)  # (3, 2)
    return replace(clip, positions=upright.positions @ camera, layout=flat(clip.layout))


def _across(clip: Clip) -> tuple[float, float]:
    """The direction in the ground plane, (x, z), from the left to the right shoulder of the first body: the median."""
    left, right = (clip.positions[0, :, clip.layout.index(f"{side}_shoulder")] for side in ("left", "right"))
    across = (right - left)[:, [0, 2]]
    across = across[~np.isnan(across).any(axis=1)]
    x, z = np.median(across, axis=0) if len(across) else (1.0, 0.0)
    length = float(np.hypot(x, z))
    return (x / length, z / length) if length > 1e-6 else (1.0, 0.0)


def seen_from_somewhere(clip: Clip, number: int) -> Clip:
    """View `number` of a clip: from before it for 0, else from a side that follows from number and source alone."""
    digest = hashlib.sha256(f"{number}:{clip.source}".encode()).digest()
    yaw, pitch = np.frombuffer(digest[:4], np.uint16) / 2**15 - 1 if number else (0.0, 0.0)
    return seen_from(clip, yaw=YAW * yaw, pitch=PITCH * pitch)


def variants(*, layouts: tuple[str, ...] = (), views: int = 0) -> list[Variant]:
    """The forms of a training clip: as it is and through each of the `layouts`; with `views`, so many pictures of it.

    >>> len(variants(layouts=("h36m17", "mediapipe33"))), len(variants(views=4)), len(variants())
    (3, 4, 1)
    """
    if views:
        return [partial(seen_from_somewhere, number=number) for number in range(views)]
    return [_unchanged, *(partial(through, layout=layout_named(name)) for name in layouts)]


def _unchanged(clip: Clip) -> Clip:
    return clip
