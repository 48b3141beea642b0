"""Elementary motions of the trunk and the head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skeltext.datasets.builtin.pose import Y, Z, sign
from skeltext.datasets.builtin.stage import Stage, arc, pulse, swing


def bow(stage: Stage, sides: Sequence[int]) -> None:
    """The trunk slowly forward by some 55 degrees, held, and upright again; arms at the sides."""
    down = pulse(stage.phase, 0.0, 0.4, 0.6, 1.0) * stage.manner.amplitude
    stage.pose.trunk[:, 0] += 0.95 * down
    stage.pose.head[:, 0] += 0.2 * down
    stage.pose.pelvis[:, Z] -= 0.08 * down
    stage.pose.pelvis[:, Y] -= 0.01 * down


def touch_toes(stage: Stage, sides: Sequence[int]) -> None:
    """The trunk down over straight legs until both hands are at the feet, and up again."""
    down = pulse(stage.phase, 0.0, 0.45, 0.58, 1.0)
    stage.pose.trunk[:, 0] += 2.1 * down * min(stage.manner.amplitude, 1.05)
    stage.pose.pelvis[:, Z] -= 0.13 * down
    stage.pose.pelvis[:, Y] -= 0.02 * down
    for side in sides:
        stage.hand(side, (0.0, None), (0.45, (-0.1, 0.05, 0.98)), (0.58, (-0.1, 0.05, 0.98)), (1.0, None), near=True)


def pick_up(stage: Stage, sides: Sequence[int]) -> None:
    """Hips down, trunk forward, one hand to the floor before the feet, and up again with the hand drawn in."""
    down = pulse(stage.phase, 0.0, 0.42, 0.52, 0.95)
    stage.pose.pelvis[:, Y] -= 0.5 * down
    stage.pose.pelvis[:, Z] -= 0.12 * down
    stage.pose.trunk[:, 0] += 1.1 * down
    stage.pose.knees[:, :, 0] += 0.25 * down[:, None]
    for side in sides:
        held = (0.0, -0.45, 0.45)
        stage.hand(
            side,
            (0.0, None),
            (0.42, (-0.1, -0.25, 0.94)),
            (0.52, (-0.1, -0.25, 0.94)),
            (0.86, held),
            (1.0, None),
            near=True,
        )
        thigh = np.array([0.0, -0.5, 0.5])
        stage.pose.wrists[:, 1 - side] = arc(stage.pose.wrists[:, 1 - side], thigh, down[:, None])


def lean(stage: Stage, sides: Sequence[int]) -> None:
    """The trunk sideways to one side, that arm hanging free, held, and upright again."""
    for side in sides:
        over = pulse(stage.phase, 0.0, 0.38, 0.62, 1.0) * stage.manner.amplitude
        stage.pose.trunk[:, 1] += sign(side) * 0.52 * over
        stage.pose.head[:, 1] += sign(side) * 0.2 * over
        stage.pose.pelvis[:, 0] -= sign(side) * 0.07 * over
        stage.pose.wrists[:, side] = arc(stage.pose.wrists[:, side], np.array([0.46, -0.83, 0.06]), over[:, None])


def nod(stage: Stage, sides: Sequence[int]) -> None:
    """The head down and up, again and again."""
    course = swing(stage.phase, 0.0, 1.0, stage.count(3))
    stage.pose.head[:, 0] += (0.16 * np.abs(course) + 0.4 * course) * stage.manner.amplitude
    stage.pose.trunk[:, 0] += 0.03 * course


def shake_head(stage: Stage, sides: Sequence[int]) -> None:
    """The head to the left and to the right, again and again."""
    course = swing(stage.phase, 0.0, 1.0, stage.count(3)) * stage.manner.amplitude
    stage.pose.head[:, 2] += 0.75 * course
    stage.pose.head[:, 1] += 0.1 * course
    stage.pose.trunk[:, 2] += 0.05 * course
