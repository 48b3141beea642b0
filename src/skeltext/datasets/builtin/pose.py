"""A pose over time, in units of the body that strikes it, so that one pose fits a child and a tall adult."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEFT, RIGHT = 0, 1
X, Y, Z = 0, 1, 2  # right, up, forward

STANCE = 0.992  # height of the hips over the ankles of somebody who stands, in leg lengths: knees not quite straight
FOOTING = np.array([0.13, 0.0, 0.0])  # where an ankle rests: out, up, forward
ELBOW_HINT = np.array([0.5, -0.6, -0.6])  # an elbow points outward, down and backward
KNEE_HINT = np.array([0.12, 0.0, 1.0])  # a knee points forward, a little outward


def sign(side: int) -> int:
    """-1 for LEFT, +1 for RIGHT: where that side lies on the axis that points to the subject's right.

    >>> sign(LEFT), sign(RIGHT)
    (-1, 1)
    """
    return 1 if side == RIGHT else -1


@dataclass(kw_only=True)
class Pose:
    """What a body does over T frames; angles in radians, every (T, 2, ...) array has the sides LEFT and RIGHT.

    ``pelvis`` (T, 3) is right, up, forward from the rest point between the ankles, in leg lengths; ``heading`` (T,)
    turns it to its right. ``trunk`` (T, 3) bends forward, leans right, twists right; ``head`` (T, 3) nods, tilts
    right and turns right on top of that. ``wrists`` (T, 2, 3) are outward, up, forward from the own shoulder, in the
    chest's axes and arm lengths; ``ankles`` (T, 2, 3) are outward, up, forward on the floor, in leg lengths above
    their rest height. ``elbows`` and ``knees`` (T, 2, 3) are the directions these joints point to. ``feet`` (T, 2)
    is the heading of a foot, ``toes`` (T, 2) how far it points down.
    """

    pelvis: Array
    heading: Array
    trunk: Array
    head: Array
    wrists: Array
    elbows: Array
    ankles: Array
    knees: Array
    feet: Array
    toes: Array


def standing(frames: int, *, hang: Array) -> Pose:
    """Somebody who stands still for so many frames with the wrists at `hang` (3,) below the shoulders.

    >>> standing(40, hang=np.array([0.1, -0.9, 0.1])).wrists.shape
    (40, 2, 3)
    """
    pelvis = np.tile([0.0, STANCE, 0.0], (frames, 1))
    return Pose(
        pelvis=pelvis,
        heading=np.zeros(frames),
        trunk=np.zeros((frames, 3)),
        head=np.zeros((frames, 3)),
        wrists=np.tile(hang, (frames, 2, 1)),
        elbows=np.tile(ELBOW_HINT, (frames, 2, 1)),
        ankles=np.tile(FOOTING, (frames, 2, 1)),
        knees=np.tile(KNEE_HINT, (frames, 2, 1)),
        feet=np.zeros((frames, 2)),
        toes=np.zeros((frames, 2)),
    )
