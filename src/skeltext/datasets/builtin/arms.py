"""Elementary motions of the arms; each moves the arms of the given sides on a stage. Places are in arm lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skeltext.datasets.builtin.pose import LEFT, RIGHT, Array, Z, sign
from skeltext.datasets.builtin.stage import Stage, arc, pendulum, pulse, swing

_OVERHEAD = (0.1, 0.95, 0.16)
_BESIDE_HEAD = (0.42, 0.42, 0.25)
_GUARD = (-0.16, -0.12, 0.38)
_STRETCHED = (-0.12, 0.0, 0.96)
_MOUTH = (-0.2, 0.12, 0.38)
_EAR = (0.0, 0.34, 0.16)
_THROWING_ELBOW = (0.7, -0.8, 0.5)


def raise_hands(stage: Stage, sides: Sequence[int]) -> None:
    """From hanging to overhead, held, and down again."""
    for side in sides:
        stage.hand(side, (0.0, None), (0.38, _OVERHEAD), (0.66, _OVERHEAD), (1.0, None))
    stage.pose.head[:, 0] -= 0.15 * pulse(stage.phase, 0.1, 0.4, 0.6, 0.9)


def wave(stage: Stage, sides: Sequence[int]) -> None:
    """The hand beside the head, the forearm from side to side."""
    for side in sides:
        stage.hand(side, (0.0, None), (0.22, _BESIDE_HEAD), (0.8, _BESIDE_HEAD), (1.0, None))
        stage.elbow(side, (0.7, -0.8, -0.2), begin=0.2, end=0.8)
        course = swing(stage.late(side), 0.15, 0.85, stage.count(4)) * stage.manner.amplitude
        stage.pose.wrists[:, side] += course[:, None] * [0.24, -0.05, 0.0]


def punch(stage: Stage, sides: Sequence[int]) -> None:
    """The fist to the chest, straight forward at shoulder height, and back."""
    for side in sides:
        fist = stage.phase, 0.32, 0.5, 0.56, 0.76
        stage.hand(side, (0.0, None), (0.3, _GUARD), (0.5, _STRETCHED), (0.58, _STRETCHED), (0.78, _GUARD), (1.0, None))
        stage.pose.trunk[:, 2] -= sign(side) * 0.32 * pulse(*fist)
        stage.pose.trunk[:, 0] += 0.08 * pulse(*fist)


def box(stage: Stage, sides: Sequence[int]) -> None:
    """Both fists before the chest, punching forward in turn."""
    rounds = stage.count(3)
    course = np.sin(2 * np.pi * rounds * np.clip((stage.phase - 0.18) / 0.64, 0.0, 1.0))
    for side in sides:
        stage.hand(side, (0.0, None), (0.18, _GUARD), (0.82, _GUARD), (1.0, None))
        strike = np.clip(sign(side) * course, 0.0, 1.0) ** 1.5 * min(stage.manner.amplitude, 1.0)
        wrists = stage.pose.wrists[:, side]
        stage.pose.wrists[:, side] = wrists + strike[:, None] * (np.asarray(_STRETCHED) - wrists)
        stage.pose.trunk[:, 2] -= sign(side) * 0.22 * strike


def push(stage: Stage, sides: Sequence[int]) -> None:
    """The palms before the chest, slowly forward until the arms are straight, and back."""
    for side in sides:
        stage.hand(
            side,
            (0.0, None),
            (0.25, (0.0, -0.2, 0.32)),
            (0.55, (0.02, 0.0, 0.96)),
            (0.7, (0.02, 0.0, 0.96)),
            (1.0, None),
        )
        stage.elbow(side, (1.0, -0.6, -0.1), begin=0.2, end=0.75)
    stage.pose.trunk[:, 0] += 0.18 * pulse(stage.phase, 0.25, 0.55, 0.7, 1.0)


def swipe(stage: Stage, sides: Sequence[int]) -> None:
    """The arm stretched out sideways at shoulder height, then across before the chest to the other side."""
    for side in sides:
        stage.hand(
            side,
            (0.0, None),
            (0.32, (0.88, 0.02, 0.28)),
            (0.62, (-0.52, -0.04, 0.68)),
            (0.7, (-0.52, -0.04, 0.68)),
            (1.0, None),
        )
        course = pulse(stage.phase, 0.1, 0.3, 0.34, 0.5) - 1.3 * pulse(stage.phase, 0.34, 0.62, 0.7, 1.0)
        stage.pose.trunk[:, 2] += sign(side) * 0.22 * course


def circle(stage: Stage, sides: Sequence[int]) -> None:
    """The hand before the chest around a large circle that faces forward."""
    for side in sides:
        stage.hand(side, (0.0, None), (0.2, (-0.05, 0.02, 0.72)), (0.86, (-0.05, 0.02, 0.72)), (1.0, None))
        late = stage.late(side)
        angle = 2 * np.pi * stage.count(2) * np.clip((late - 0.16) / 0.74, 0.0, 1.0)
        radius = 0.36 * stage.manner.amplitude * pulse(late, 0.08, 0.22, 0.84, 0.96)
        stage.pose.wrists[:, side] += radius[:, None] * np.stack(
            [np.sin(angle), np.cos(angle), -0.25 * np.ones_like(angle)], axis=-1
        )


def rotate(stage: Stage, sides: Sequence[int]) -> None:
    """Straight arms full circle at the sides: up in front, down behind."""
    turns = stage.count(2)
    for side in sides:
        late = stage.late(side)
        wheel = pendulum(2 * np.pi * turns * np.clip((late - 0.04) / 0.92, 0.0, 1.0), out=0.26, reach=0.92)
        share = pulse(late, 0.0, 0.1, 0.9, 1.0)[:, None]
        stage.pose.wrists[:, side] = arc(stage.pose.wrists[:, side], wheel, share)
        stage.elbow(side, (1.0, -0.05, 0.0), begin=0.1, end=0.9)


def swing_forward(stage: Stage, sides: Sequence[int]) -> None:
    """Straight arms forward up to shoulder height and back behind the hips, again and again."""
    course = swing(stage.phase, 0.0, 1.0, stage.count(3))
    for side in sides:
        angle = (0.45 * np.abs(course) + 0.9 * course) * stage.manner.amplitude
        wheel = pendulum(angle, out=0.14)
        stage.pose.wrists[:, side] = arc(stage.pose.wrists[:, side], wheel, pulse(stage.phase, 0, 0.1, 0.9, 1)[:, None])
        stage.elbow(side, (1.0, -0.2, -0.1), begin=0.1, end=0.9)
    stage.pose.pelvis[:, 1] -= 0.03 * course**2
    stage.pose.trunk[:, 0] += 0.06 * course


def clap(stage: Stage, sides: Sequence[int]) -> None:
    """Both palms before the chest, apart and together."""
    course = 0.5 - 0.5 * np.cos(2 * np.pi * stage.count(4) * np.clip((stage.phase - 0.2) / 0.62, 0.0, 1.0))
    for side in sides:
        stage.hand(side, (0.0, None), (0.2, (0.08, -0.16, 0.6)), (0.82, (0.08, -0.16, 0.6)), (1.0, None))
        inside = pulse(stage.phase, 0.15, 0.2, 0.8, 0.85) * course
        gap = stage.pose.wrists[:, side, 0] + 0.19  # where the fingers, which point inward, meet at the midline
        stage.pose.wrists[:, side, 0] -= gap * inside
        stage.elbow(side, (0.6, -0.9, -0.1), begin=0.2, end=0.8)


def throw(stage: Stage, sides: Sequence[int]) -> None:
    """The hand behind the head, then over the shoulder forward and down across the body."""
    for side in sides:
        stage.hand(
            side,
            (0.0, None),
            (0.4, (0.4, 0.42, -0.3)),
            (0.58, (0.0, 0.42, 0.82)),
            (0.72, (-0.42, -0.5, 0.62)),
            (1.0, None),
        )
        stage.elbow(side, _THROWING_ELBOW, begin=0.3, end=0.55)
        stage.hand(1 - side, (0.05, None), (0.38, (0.25, -0.3, 0.7)), (0.44, (0.25, -0.3, 0.7)), (0.75, None))
        course = pulse(stage.phase, 0.1, 0.4, 0.42, 0.56) - pulse(stage.phase, 0.44, 0.66, 0.74, 1.0)
        stage.pose.trunk[:, 2] += sign(side) * 0.45 * course
        stage.pose.trunk[:, 0] -= 0.2 * course
        stage.pose.pelvis[:, Z] -= 0.05 * course


def drink(stage: Stage, sides: Sequence[int]) -> None:
    """The hand slowly to the mouth, the head tipped back, and down again."""
    for side in sides:
        stage.hand(side, (0.0, None), (0.35, _MOUTH), (0.7, _MOUTH), (1.0, None), near=True)
        stage.elbow(side, (0.75, -0.7, 0.1), begin=0.3, end=0.7)
        sip = pulse(stage.phase, 0.34, 0.46, 0.6, 0.7)
        stage.pose.head[:, 0] -= 0.4 * sip
        stage.pose.wrists[:, side] += sip[:, None] * [0.0, 0.08, 0.0]


def answer_phone(stage: Stage, sides: Sequence[int]) -> None:
    """The hand to the ear and kept there, the head tilted towards it."""
    for side in sides:
        stage.hand(side, (0.0, None), (0.28, _EAR), (0.8, _EAR), (1.0, None), near=True)
        stage.elbow(side, (0.85, -0.7, 0.3), begin=0.25, end=0.8)
        held = pulse(stage.phase, 0.15, 0.32, 0.78, 0.95)
        stage.pose.head[:, 1] += sign(side) * 0.22 * held
        stage.pose.head[:, 2] -= sign(side) * 0.15 * held


def sway(stage: Stage, *, beat: Array, size: float, bent: bool) -> None:
    """Arms that swing against the legs: the left arm forward while `beat` (T,) is positive."""
    weight = pulse(stage.phase, 0.0, 0.15, 0.85, 1.0)[:, None]
    for side in (LEFT, RIGHT):
        angle = -sign(side) * size * beat * stage.manner.amplitude
        wheel = pendulum(angle + (0.55 if bent else 0.05), reach=0.72 if bent else 0.94)
        stage.pose.wrists[:, side] = arc(stage.pose.wrists[:, side], wheel, weight)
