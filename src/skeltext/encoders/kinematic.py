"""A fixed description of a motion: where joints are, how far apart, which way bones point, and where the body goes.

A clip becomes some two thousand numbers that a closed-form head can learn from. Nothing here is learned, and numpy is
all it needs. The body is turned to face forward in every frame and its torso has length one, so that place, direction
and size of a person do not count. The path of the pelvis and the heading are described apart, because walking is not
marching on the spot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from skeltext.encoders.fixed import FixedEncoder, Floats
from skeltext.errors import require
from skeltext.skeletons.layout import Layout

LARGEST = 4.0  # torso lengths from the pelvis; a joint beyond was tracked wrongly
SHORTEST = 0.1  # torso lengths between the shoulders seen from above, below which they show no heading
SPEED = 8.0  # what differences of frames are multiplied by, so that they weigh as much as places
_HANDS, _FEET, _KNEES = ((f"left_{part}", f"right_{part}") for part in ("hand", "foot", "knee"))
DISTANCES: tuple[tuple[str, str], ...] = (
    _HANDS,
    *product(_HANDS, ("head", "pelvis", *_KNEES, *_FEET, "left_shoulder", "right_shoulder")),
    ("left_hand", "right_elbow"),
    ("right_hand", "left_elbow"),
    _FEET,
    *product(_FEET, ("head",)),
    _KNEES,
    *product(_KNEES, ("head",)),
)
"""Pairs of joints whose distance is described."""
ANGLES = tuple(
    (f"{side}_{above}", f"{side}_{joint}", f"{side}_{below}")
    for side in ("left", "right")
    for above, joint, below in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
)
"""Joints, in the middle of three, whose angle is described."""


@dataclass(frozen=True, kw_only=True)
class FacingForward:
    """N bodies seen from themselves: ``joints`` (N, T, V, 3) from the pelvis, in torso lengths, facing forward.

    ``root`` (N, T, 4) is the path of the pelvis from its first frame, turned by the first heading, in torso lengths,
    and the heading less the first one, in radians.
    """

    joints: Floats
    root: Floats


class Kinematic(FixedEncoder):
    """Segment means, spreads and extremes of joints, distances, angles, bone directions and the path of the body.

    Clips have three coordinates with y up. Of several bodies the mean is taken over those that are there. Raises
    :class:`SkeltextError` for a layout that is flat or lacks one of the joints.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> Kinematic(layout=KINECT20).width
    1922
    """

    about = "Kinematic: places, distances, angles, directions and the path of the body, in numpy; nothing is learned."

    def __init__(self, *, layout: Layout) -> None:
        needed = {"pelvis", *(joint for pair in (*DISTANCES, *ANGLES) for joint in pair)}
        missing = ", ".join(sorted(needed - set(layout.joints)))
        require(
            layout.C == 3 and not missing,
            f"the kinematic encoder describes motion in three dimensions by the joints it knows, and {layout.name} has"
            f" {layout.C} dimensions{f' and lacks {missing}' if missing else ''}; train in another layout, for instance"
            " --layout kinect20",
        )
        self.layout = layout
        self.alone = self.width = self.describe(np.zeros((1, 2, layout.V, 3), np.float32)).shape[1]

    def encode(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to features (N, D)."""
        return mean_of_bodies(clips, self.describe, width=self.alone)

    def describe(self, bodies: Floats) -> Floats:
        """(N, T, V, 3) to (N, D)."""
        seen = facing_forward(bodies, self.layout)
        x, root = seen.joints.reshape(*seen.joints.shape[:2], -1), seen.root  # N T (V C), N T 4
        parts = [
            segment_means(x, 8),
            SPEED * segment_means(np.abs(steps(x)), 4),
            *(2 * x.std(axis=1), x.max(axis=1), x.min(axis=1)),
            *(root.std(axis=1), root[:, -1] - root[:, 0], root.min(axis=1), root.max(axis=1)),
            summary(distances(seen.joints, self.layout)),
            summary(cosines(seen.joints, self.layout)),
            summary(directions(seen.joints, self.layout)),
            summary(root),
            segment_means(SPEED * steps(root), 4),
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def mean_of_bodies(clips: Floats, describe: Callable[[Floats], Floats], *, width: int) -> Floats:
    """(N, C, T, V, M) to (N, D), D the `width` of what `describe` makes of bodies (N, T, V, C); one absent is zero.

    A clip that shows nobody is described by an absent body.
    """
    bodies = clips.transpose(4, 0, 2, 3, 1)  # M N T V C
    present = np.asarray(bodies.any(axis=(2, 3, 4)), np.bool_)  # M N
    present[0] |= ~present.any(axis=0)
    found = np.zeros((len(clips), width))
    for body, there in zip(bodies, present, strict=True):
        if there.any():
            found[there] += describe(body[there])
    return np.asarray(found / present.sum(axis=0)[:, None], np.float32)


def facing_forward(bodies: Floats, layout: Layout) -> FacingForward:
    """(N, T, V, 3) bodies in any unit, y up, to how they move seen from themselves."""
    pelvis = bodies[:, :, layout.index("pelvis")]
    size = torso_lengths(bodies, layout)[:, None, None]  # N 1 1
    heading = headings(bodies / size[..., None], layout)  # N T
    first = np.median(heading[:, : max(1, bodies.shape[1] // 8)], axis=1)
    joints = turned((bodies - pelvis[:, :, None]) / size[..., None], heading[:, :, None])
    path = turned((pelvis - pelvis[:, :1]) / size, first[:, None])
    root = np.concatenate([path, (heading - heading[:, :1])[..., None]], axis=2)
    return FacingForward(joints=np.clip(joints, -LARGEST, LARGEST), root=root)


def torso_lengths(bodies: Floats, layout: Layout) -> Floats:
    """(N, T, V, 3) to (N,) the median way from mid-hips to mid-shoulders, never zero."""
    torso = _middle(bodies, layout, "shoulder") - _middle(bodies, layout, "hip")
    return np.asarray(np.maximum(np.median(np.linalg.norm(torso, axis=2), axis=1), 1e-6), np.float32)


def headings(bodies: Floats, layout: Layout) -> Floats:
    """(N, T) the angle about y from +x to the shoulders, left to right; bridged where they do not show it."""
    across = bodies[:, :, layout.index("right_shoulder")] - bodies[:, :, layout.index("left_shoulder")]
    clear = np.hypot(across[..., 0], across[..., 2]) > SHORTEST
    found = np.zeros(across.shape[:2])
    frames = np.arange(across.shape[1])
    for n in np.flatnonzero(clear.any(axis=1)):
        seen = np.flatnonzero(clear[n])
        angle = np.unwrap(np.arctan2(across[n, seen, 2], across[n, seen, 0]))
        found[n] = np.interp(frames, seen, angle)
    return found.astype(np.float32)


def turned(points: Floats, angle: Floats) -> Floats:
    """Points (..., 3) turned about y by minus an angle (...)."""
    x, y, z = np.moveaxis(points, -1, 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([cosine * x + sine * z, y, cosine * z - sine * x], axis=-1)


def segment_means(x: Floats, segments: int) -> Floats:
    """(N, T, F) to the means of so many parts of the time, (N, segments F); a part has one frame at least."""
    edges = np.linspace(0, x.shape[1], segments + 1).astype(int)
    starts = np.minimum(edges[:-1], x.shape[1] - 1)
    spans = zip(starts, np.maximum(edges[1:], starts + 1), strict=True)
    return np.concatenate([x[:, start:stop].mean(axis=1) for start, stop in spans], axis=1)


def steps(x: Floats) -> Floats:
    """(N, T, F) to the differences from frame to frame, (N, T-1, F), one of nothing for a single frame."""
    return np.diff(x, axis=1) if x.shape[1] > 1 else np.zeros_like(x)


def summary(x: Floats) -> Floats:
    """(N, T, F) to eight segment means, deviation, maximum and minimum, (N, 11 F)."""
    return np.concatenate([segment_means(x, 8), x.std(axis=1), x.max(axis=1), x.min(axis=1)], axis=1)


def distances(joints: Floats, layout: Layout) -> Floats:
    """(N, T, P) how far apart the joints of :data:`DISTANCES` are."""
    one, other = (joints[:, :, [layout.index(pair[end]) for pair in DISTANCES]] for end in (0, 1))
    return np.asarray(np.linalg.norm(one - other, axis=3))


def cosines(joints: Floats, layout: Layout) -> Floats:
    """(N, T, A) cosines of the angles of :data:`ANGLES`."""
    above, at, below = (joints[:, :, [layout.index(names[part]) for names in ANGLES]] for part in range(3))
    return np.asarray((unit(above - at) * unit(below - at)).sum(axis=3))


def directions(joints: Floats, layout: Layout) -> Floats:
    """(N, T, 3 B) the unit directions of all bones, from parent to child."""
    child, parent = (joints[:, :, [bone[end] for bone in layout.bones]] for end in (0, 1))
    return unit(child - parent).reshape(*joints.shape[:2], -1)


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3) of length one; one without length stays zero."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))


def _middle(bodies: Floats, layout: Layout, part: str) -> Floats:
    left, right = (bodies[:, :, layout.index(f"{side}_{part}")] for side in ("left", "right"))
    return np.asarray((left + right) / 2, np.float32)
