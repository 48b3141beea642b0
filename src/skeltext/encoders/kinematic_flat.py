"""A fixed description of a motion in a picture: where joints are, how far apart, which way bones point, where all go.

It is :mod:`skeltext.encoders.kinematic` for key points. A picture has no depth, so the body cannot be turned to face
forward. It is mirrored until its left side is on the right, as somebody is seen from before: from behind a camera sees
the mirror image of that. Place and size do not count. The path of the pelvis is described apart, with the distance from
its start, as who walks to the left of one picture walks to the right of another.

Every layout of key points is brought to the same thirteen joints, so that clips of different layouts can be compared.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from skeltext.encoders.fixed import FixedEncoder, Floats
from skeltext.encoders.kinematic import (
    LARGEST,
    SPEED,
    mean_of_bodies,
    segment_means,
    steps,
    summary,
    torso_lengths,
    unit,
)
from skeltext.errors import require
from skeltext.skeletons.conversion import joint_mixture
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import PENN13

FAR = 8.0  # torso lengths from the start; whoever seems to go beyond is followed wrongly
SIDES = ("left", "right")
POINTS = (*PENN13.joints, "pelvis", "neck")
"""What is described: thirteen joints, and the middles of hips and of shoulders."""
_WRISTS, _ANKLES, _KNEES, _SHOULDERS, _HIPS = (
    tuple(f"{side}_{part}" for side in SIDES) for part in ("wrist", "ankle", "knee", "shoulder", "hip")
)
DISTANCES = (
    *(_WRISTS, _ANKLES, _KNEES, _SHOULDERS, _HIPS),
    *product(_WRISTS, ("head", "pelvis", *_KNEES, *_ANKLES, *_SHOULDERS)),
    ("left_wrist", "right_elbow"),
    ("right_wrist", "left_elbow"),
    *product((*_ANKLES, *_KNEES), ("head",)),
)
"""Pairs of points whose distance is described."""
ANGLES = tuple(
    (f"{side}_{above}", f"{side}_{joint}", f"{side}_{below}")
    for side in SIDES
    for above, joint, below in (
        ("shoulder", "elbow", "wrist"),
        ("hip", "knee", "ankle"),
        ("hip", "shoulder", "elbow"),
        ("shoulder", "hip", "knee"),
    )
)
"""Points, in the middle of three, whose angle is described."""
BONES = (
    *(
        (f"{side}_{start}", f"{side}_{end}")
        for side in SIDES
        for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    ),
    *(("neck", "head"), ("pelvis", "neck"), _SHOULDERS, _HIPS),
)
"""Points, from the first to the second of which a direction is described."""


class KinematicFlat(FixedEncoder):
    """Segment means, spreads and extremes of points, distances, angles, bone directions and the path of the body.

    Clips have two coordinates with y down. Of several bodies the mean is taken over those that are there. Raises
    :class:`SkeltextError` for a layout that is not flat or has nothing to derive one of the joints from.

    >>> from skeltext.skeletons.layouts import COCO17, PENN13
    >>> KinematicFlat(layout=COCO17).width == KinematicFlat(layout=PENN13).width
    True
    """

    about = "Kinematic of key points in a picture, from whatever side they are seen; nothing is learned."

    def __init__(self, *, layout: Layout) -> None:
        require(
            layout.C == 2,
            f"the encoder kinematic_flat describes key points in a picture, and {layout.name} has {layout.C} dimensions"
            "; take the encoder kinematic, or train in a flat layout, for instance --layout coco17",
        )
        self.mixture = joint_mixture(layout, PENN13).astype(np.float32)  # 13 V
        self.width = self.describe(np.zeros((1, 2, layout.V, 2), np.float32)).shape[1]

    def encode(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to features (N, D)."""
        return mean_of_bodies(clips, self.describe, width=self.width)

    def describe(self, bodies: Floats) -> Floats:
        """(N, T, V, 2) to (N, D)."""
        points, root = seen_from_before(np.einsum("pv,ntvc->ntpc", self.mixture, bodies))
        x = points[:, :, [place for place, name in enumerate(POINTS) if name != "pelvis"]]
        x = x.reshape(*x.shape[:2], -1)  # N T F
        path = np.concatenate([root, np.abs(root)], axis=2)  # N T 4
        parts = [
            segment_means(x, 8),
            SPEED * segment_means(np.abs(steps(x)), 4),
            *(2 * x.std(axis=1), x.max(axis=1), x.min(axis=1)),
            *map(summary, (distances(points), cosines(points), directions(points), path)),
            root[:, -1] - root[:, 0],
            segment_means(SPEED * steps(root), 4),
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def seen_from_before(joints: Floats) -> tuple[Floats, Floats]:
    """(N, T, 13, 2) joints of penn13 in any unit to the :data:`POINTS` (N, T, P, 2) and the path of the pelvis.

    Points are from the pelvis, the path (N, T, 2) from its first frame, both in torso lengths, mirrored until shoulders
    and hips have their left end at +x in most frames.
    """
    left, right = (joints[:, :, [PENN13.index(f"{side}_{part}") for part in ("shoulder", "hip")]] for side in SIDES)
    neck, pelvis = np.moveaxis((left + right) / 2, 2, 0)  # N T 2
    size = torso_lengths(joints, PENN13)[:, None, None]  # N 1 1
    across = np.median((left - right)[..., 0].sum(axis=2), axis=1)  # N
    mirror = np.stack([np.where(across < 0, -1, 1), np.ones(len(across))], axis=1)[:, None]  # N 1 2
    points = np.concatenate([joints, pelvis[:, :, None], neck[:, :, None]], axis=2) - pelvis[:, :, None]
    points = np.clip(points * (mirror / size)[:, None], -LARGEST, LARGEST)
    path = np.clip((pelvis - pelvis[:, :1]) * (mirror / size), -FAR, FAR)
    return points.astype(np.float32), path.astype(np.float32)


def distances(points: Floats) -> Floats:
    """(N, T, P, 2) to (N, T, F) how far apart the points of :data:`DISTANCES` are."""
    one, other = (_taken(points, [pair[end] for pair in DISTANCES]) for end in (0, 1))
    return np.asarray(np.linalg.norm(one - other, axis=3))


def cosines(points: Floats) -> Floats:
    """(N, T, P, 2) to (N, T, F) cosines of the angles of :data:`ANGLES`."""
    above, at, below = (_taken(points, [names[part] for names in ANGLES]) for part in range(3))
    return np.asarray((unit(above - at) * unit(below - at)).sum(axis=3))


def directions(points: Floats) -> Floats:
    """(N, T, P, 2) to (N, T, F) the unit directions of all :data:`BONES`."""
    start, end = (_taken(points, [bone[part] for bone in BONES]) for part in (0, 1))
    return unit(end - start).reshape(*points.shape[:2], -1)


def _taken(points: Floats, names: list[str]) -> Floats:
    return points[:, :, [POINTS.index(name) for name in names]]
