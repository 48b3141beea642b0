"""Elementary motions of the legs and of the whole body on them. Places are in leg lengths over the floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skeltext.datasets.builtin.arms import sway
from skeltext.datasets.builtin.pose import FOOTING, LEFT, RIGHT, STANCE, Array, Y, Z, sign
from skeltext.datasets.builtin.stage import Stage, arc, ease, line, pulse, swing

_OUT = float(FOOTING[0])
_STRIDE = 0.6


def kick_forward(stage: Stage, sides: Sequence[int]) -> None:
    """The knee up, the foot forward to the height of the hips, and back; the other leg stands."""
    for side in sides:
        stage.stand_on(1 - side, pulse(stage.phase, 0.0, 0.25, 0.8, 1.0))
        chamber, kick = (_OUT, 0.42, 0.12), (0.1, 0.76, 0.94)
        stage.foot(
            side, (0.1, None), (0.36, chamber), (0.52, kick), (0.58, kick), (0.76, (_OUT, 0.3, 0.1)), (0.95, None)
        )
        kicked = pulse(stage.phase, 0.3, 0.52, 0.58, 0.8)
        stage.pose.trunk[:, 0] -= 0.2 * kicked
        stage.pose.toes[:, side] += 0.5 * kicked
        _balance(stage, side=side, weight=kicked)


def kick_sideways(stage: Stage, sides: Sequence[int]) -> None:
    """The knee up, the foot outward to the height of the hips, and back; the trunk leans away."""
    for side in sides:
        stage.stand_on(1 - side, pulse(stage.phase, 0.0, 0.25, 0.8, 1.0))
        chamber, kick = (0.2, 0.38, 0.06), (0.95, 0.62, 0.04)
        stage.foot(
            side, (0.1, None), (0.36, chamber), (0.52, kick), (0.58, kick), (0.76, (0.22, 0.26, 0.04)), (0.95, None)
        )
        kicked = pulse(stage.phase, 0.3, 0.52, 0.58, 0.8)
        stage.pose.trunk[:, 1] -= sign(side) * 0.35 * kicked
        _balance(stage, side=side, weight=kicked)


def _balance(stage: Stage, *, side: int, weight: Array) -> None:
    """Lift the arms a little, the one across from the busy leg forward, the other outward."""
    for arm, place in ((side, (0.45, -0.75, -0.05)), (1 - side, (0.25, -0.7, 0.4))):
        stage.pose.wrists[:, arm] = arc(stage.pose.wrists[:, arm], np.asarray(place), weight[:, None])


def hop(stage: Stage, sides: Sequence[int]) -> None:
    """Up and down on one foot; the other shin is folded back."""
    hops = stage.count(4)
    wave = np.sin(np.pi * hops * np.clip((stage.phase - 0.22) / 0.58, 0.0, 1.0)) ** 2
    for side in sides:
        free = 1 - side
        stage.stand_on(side, pulse(stage.phase, 0.0, 0.18, 0.84, 1.0))
        folded = (_OUT, 0.4, -0.3)
        stage.foot(free, (0.05, None), (0.22, folded), (0.8, folded), (0.97, None))
        stage.pose.toes[:, free] += 0.9 * pulse(stage.phase, 0.05, 0.22, 0.8, 0.97)
        flight = 0.17 * stage.manner.amplitude * np.clip((wave - 0.3) / 0.7, 0.0, 1.0)
        stage.pose.ankles[:, :, Y] += flight[:, None]
        stage.pose.toes[:, side] += 2.0 * flight
        crouch = 0.05 * pulse(stage.phase, 0.1, 0.22, 0.8, 0.95) * (1 - wave)
        stage.pose.pelvis[:, Y] += flight - crouch
        for arm in (LEFT, RIGHT):
            held = pulse(stage.phase, 0.05, 0.2, 0.85, 1.0)[:, None]
            stage.pose.wrists[:, arm] = arc(stage.pose.wrists[:, arm], np.array([0.35, -0.6, 0.3]), held)


def jump(stage: Stage, sides: Sequence[int]) -> None:
    """A crouch with the arms back, both feet off the floor with the arms up in front, and a soft landing."""
    flight = 0.3 * stage.manner.amplitude * np.sin(np.pi * np.clip((stage.phase - 0.4) / 0.24, 0.0, 1.0)) ** 2
    crouch = 0.28 * pulse(stage.phase, 0.08, 0.28, 0.3, 0.42) + 0.24 * pulse(stage.phase, 0.6, 0.7, 0.72, 0.92)
    stage.pose.pelvis[:, Y] += flight - crouch
    stage.pose.pelvis[:, Z] -= 0.3 * crouch
    stage.pose.trunk[:, 0] += 2.2 * crouch
    for side in sides:
        stage.pose.ankles[:, side, Y] += flight
        stage.pose.toes[:, side] += 1.6 * flight
        stage.hand(side, (0.05, None), (0.27, (0.2, -0.85, -0.3)), (0.55, (0.1, 0.35, 0.85)), (0.92, None))
        stage.elbow(side, (1.0, -0.2, -0.1), begin=0.2, end=0.6)


def jumping_jacks(stage: Stage, sides: Sequence[int]) -> None:
    """Feet apart and arms up sideways over the head, feet together and arms down, again and again."""
    spread = np.sin(np.pi * stage.count(3) * np.clip((stage.phase - 0.04) / 0.92, 0.0, 1.0)) ** 2
    for side in sides:
        stage.pose.ankles[:, side, 0] += 0.34 * min(stage.manner.amplitude, 1.05) * spread
        stage.pose.ankles[:, side, Y] += 0.22 * spread * (1 - spread)
        angle = 0.12 + 2.75 * min(stage.manner.amplitude * stage.manner.arms[side], 1.05) * spread
        fan = 0.94 * np.stack([np.sin(angle), -np.cos(angle), 0.1 * np.ones_like(angle)], axis=-1)
        share = pulse(stage.phase, 0.0, 0.08, 0.92, 1.0)[:, None]
        stage.pose.wrists[:, side] = arc(stage.pose.wrists[:, side], fan, share)
    stage.pose.pelvis[:, Y] += 0.2 * spread * (1 - spread) - 0.085 * spread


def squat(stage: Stage, sides: Sequence[int]) -> None:
    """The hips down between the heels and up again, the arms stretched forward for balance."""
    down = pulse(stage.phase, 0.0, 0.42, 0.56, 1.0) * min(stage.manner.amplitude, 1.05)
    stage.pose.pelvis[:, Y] -= 0.52 * down
    stage.pose.pelvis[:, Z] -= 0.2 * down
    stage.pose.trunk[:, 0] += 0.55 * down
    for side in sides:
        stage.pose.knees[:, side, 0] += 0.35 * down
        forward = np.array([0.0, 0.25, 0.9])  # level, seen from a trunk that is bent
        stage.pose.wrists[:, side] = arc(stage.pose.wrists[:, side], forward, down[:, None])


def sit_down(stage: Stage, sides: Sequence[int]) -> None:
    """From standing onto a seat, the trunk bent forward on the way."""
    stage.seat(ease(stage.phase, 0.08, 0.75))
    stage.pose.trunk[:, 0] += 0.6 * pulse(stage.phase, 0.05, 0.42, 0.5, 0.9)


def stand_up(stage: Stage, sides: Sequence[int]) -> None:
    """From a seat to standing, the trunk bent forward on the way."""
    stage.seat(1.0 - ease(stage.phase, 0.28, 0.9))
    stage.pose.trunk[:, 0] += 0.65 * pulse(stage.phase, 0.04, 0.38, 0.48, 0.92)


def kneel_down(stage: Stage, sides: Sequence[int]) -> None:
    """The other foot forward, then down until the knee of the given side rests on the floor; stays there."""
    for side in sides:
        front, back = 1 - side, side
        down = ease(stage.phase, 0.15, 0.8)
        stage.foot(front, (0.05, None), (0.22, (_OUT, 0.1, 0.4)), (0.42, (_OUT, 0.0, 0.82)), (2.0, (_OUT, 0.0, 0.82)))
        stage.pose.pelvis[:, Y] -= (STANCE - 0.5) * down
        stage.pose.pelvis[:, Z] += 0.44 * ease(stage.phase, 0.1, 0.5)
        stage.pose.ankles[:, back] += down[:, None] * [0.0, 0.05, 0.0]
        stage.pose.toes[:, back] += 0.6 * down
        stage.pose.knees[:, back] = line(stage.pose.knees[:, back], np.array([0.0, -0.6, 0.8]), down[:, None])
        stage.pose.trunk[:, 0] += 0.35 * pulse(stage.phase, 0.1, 0.45, 0.55, 0.9)
        stage.hand(front, (0.3, None), (0.85, (0.0, -0.72, 0.5)), (2.0, (0.0, -0.72, 0.5)), near=True)


def lunge(stage: Stage, sides: Sequence[int]) -> None:
    """A long step forward onto a bent knee, held, and back; the other foot stays behind."""
    for side in sides:
        far = (_OUT, 0.0, 0.78)
        stage.foot(
            side,
            (0.04, None),
            (0.2, (_OUT, 0.14, 0.4)),
            (0.36, far),
            (0.62, far),
            (0.8, (_OUT, 0.14, 0.3)),
            (0.96, None),
        )
        down = pulse(stage.phase, 0.1, 0.44, 0.56, 0.9)
        stage.pose.pelvis[:, Z] += 0.36 * down
        stage.pose.pelvis[:, Y] -= 0.3 * down
        stage.pose.trunk[:, 0] += 0.12 * down


def march(stage: Stage, sides: Sequence[int]) -> None:
    """Knees up to the height of the hips in turn, on the spot, the arms swinging against them."""
    _step_in_place(stage, steps=2 * stage.count(2), lift=(0.46, 0.4), bounce=0.0, size=0.75, bent=False)


def run(stage: Stage, sides: Sequence[int]) -> None:
    """Quick steps on the spot with the heels back, a bounce, and bent arms pumping."""
    _step_in_place(stage, steps=2 * stage.count(4), lift=(0.34, -0.22), bounce=0.05, size=0.6, bent=True)
    stage.pose.trunk[:, 0] += 0.12 * pulse(stage.phase, 0.0, 0.15, 0.85, 1.0)


def _step_in_place(
    stage: Stage, *, steps: int, lift: tuple[float, float], bounce: float, size: float, bent: bool
) -> None:
    """Right and left foot in turn up and forward by `lift`."""
    time = np.clip((stage.phase - 0.05) / 0.9, 0.0, 1.0)
    beat = np.sin(np.pi * steps * time)
    for side in (LEFT, RIGHT):
        up = np.clip(sign(side) * beat, 0.0, 1.0) ** 1.5
        stage.pose.ankles[:, side, Y] += lift[0] * stage.manner.amplitude * up
        stage.pose.ankles[:, side, Z] += lift[1] * stage.manner.amplitude * up
        stage.pose.toes[:, side] += 0.4 * up
        stage.stand_on(1 - side, 0.6 * up)
    air = bounce * np.abs(beat)
    stage.pose.pelvis[:, Y] += air - 0.02
    stage.pose.ankles[:, :, Y] += np.maximum(air - 0.02, 0.0)[:, None]
    sway(stage, beat=beat, size=size, bent=bent)


def walk(stage: Stage, sides: Sequence[int]) -> None:
    """Four steps or so forward, the arms swinging against the legs."""
    where, lift = _steps(stage.phase, steps=stage.count(4), size=_STRIDE * min(stage.manner.amplitude, 1.05))
    stage.pose.ankles[:, :, Z] += where
    stage.pose.ankles[:, :, Y] += 0.12 * lift
    stage.pose.toes += 0.25 * lift
    stage.pose.pelvis[:, Z] += where.mean(axis=1)
    apart = (where[:, RIGHT] - where[:, LEFT]) / _STRIDE
    stage.pose.pelvis[:, Y] -= 0.045 * apart**2
    sway(stage, beat=apart, size=0.45, bent=False)


def turn_around(stage: Stage, sides: Sequence[int]) -> None:
    """Half a turn to the left on the spot in small steps, and stays turned."""
    steps = 4
    where, lift = _steps(stage.phase, steps=steps, size=np.pi / (steps - 1))
    stage.pose.feet -= where
    stage.pose.ankles[:, :, 0] = _OUT * np.cos(where)
    for side in (LEFT, RIGHT):
        stage.pose.ankles[:, side, Z] = sign(side) * _OUT * np.sin(where[:, side])
    stage.pose.ankles[:, :, Y] += 0.1 * lift
    stage.pose.heading -= where.mean(axis=1)
    stage.pose.head[:, 2] -= 0.35 * np.abs(swing(stage.phase, 0.0, 1.0, 0.5))


def _steps(phase: Array, *, steps: int, size: float) -> tuple[Array, Array]:
    """How far each foot is (T, 2) and how high, from 0 to 1, when the left foot begins and the last step closes up."""
    where, lift = np.zeros((len(phase), 2)), np.zeros((len(phase), 2))
    reached = [0.0, 0.0]
    for step in range(steps):
        side, goal = step % 2, min(step + 1, steps - 1) * size
        moved = ease(phase, step / steps, (step + 1) / steps)
        where[:, side] += moved * (goal - reached[side])
        lift[:, side] += 4 * moved * (1 - moved)
        reached[side] = goal
    return where, lift
