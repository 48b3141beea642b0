"""The stage on which elementary motions move a pose, and the courses through time that they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from skeltext.datasets.builtin.pose import FOOTING, LEFT, RIGHT, STANCE, Array, Pose, X, Z, sign

Key = tuple[float, tuple[float, float, float] | None]  # phase and place; None is where the limb would be anyway

_LAP = np.array([-0.02, -0.8, 0.4])  # a wrist on the thigh of somebody who sits


def ease(phase: Array, start: float, stop: float) -> Array:
    """(T,) minimum-jerk course from 0 at phase `start` to 1 at `stop` (Flash and Hogan 1985).

    >>> ease(np.array([0.0, 0.5, 1.0]), 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    s = np.clip((phase - start) / (stop - start), 0.0, 1.0)
    return np.asarray(s**3 * (10.0 - 15.0 * s + 6.0 * s**2))


def pulse(phase: Array, begin: float, reached: float, leave: float, end: float) -> Array:
    """(T,) from 0 at `begin` to 1 at `reached`, held until `leave`, 0 again at `end`."""
    return ease(phase, begin, reached) - ease(phase, leave, end)


def swing(phase: Array, start: float, stop: float, cycles: float) -> Array:
    """(T,) so many sine waves between two phases, which fade in and out at both ends; 0 elsewhere."""
    edge = 0.15 * (stop - start)
    course = np.sin(2 * np.pi * cycles * np.clip((phase - start) / (stop - start), 0.0, 1.0))
    return np.asarray(course * pulse(phase, start, start + edge, stop - edge, stop))


def arc(start: Array, goal: Array, share: Array) -> Array:
    """(..., 3) the place that lies `share` (..., 1) of the way along the arc from `start` to `goal` around the origin.

    The direction turns evenly and the length changes evenly, as when an arm is swung from a shoulder.

    >>> arc(np.array([0, -1.0, 0]), np.array([0, 0, 1.0]), np.array([0.5])).round(2).tolist()
    [0.0, -0.71, 0.71]
    """
    lengths = np.linalg.norm(start, axis=-1, keepdims=True), np.linalg.norm(goal, axis=-1, keepdims=True)
    one, two = start / lengths[0], goal / lengths[1]
    angle = np.arccos(np.clip((one * two).sum(axis=-1, keepdims=True), -1.0, 1.0)) + 1e-6
    direction = (np.sin((1 - share) * angle) * one + np.sin(share * angle) * two) / np.sin(angle)
    return np.asarray(direction * (lengths[0] + share * (lengths[1] - lengths[0])))


def line(start: Array, goal: Array, share: Array) -> Array:
    """(..., 3) the place that lies `share` (..., 1) of the way from `start` to `goal`."""
    return np.asarray(start + share * (goal - start))


def pendulum(angle: Array, *, out: float = 0.12, reach: float = 0.94) -> Array:
    """(T, 3) a wrist whose nearly straight arm hangs at angle 0, points forward at pi/2 and up at pi."""
    return np.stack([np.full_like(angle, out), -reach * np.cos(angle), reach * np.sin(angle)], axis=-1)


def _course(phase: Array, path: Array, keys: tuple[Key, ...], between: Callable[[Array, Array, Array], Array]) -> Array:
    """(T, 3) `path` where no key speaks, else eased from key to key."""
    moved = path.copy()
    for (begin, start), (end, goal) in pairwise(keys):
        inside = (phase >= begin) & (phase <= end)
        one, two = (path[inside] if place is None else np.asarray(place) for place in (start, goal))
        moved[inside] = between(one, two, ease(phase[inside], begin, end)[:, None])
    return moved


@dataclass(frozen=True, kw_only=True, eq=False)
class Manner:
    """How one performance departs from the plain form of an action: all zero and one where it does not.

    ``amplitude`` scales how far limbs go; ``arms`` (left, right) scales it again for each arm and ``lag`` (left,
    right) delays each arm, in phase. ``cycles`` is added to the number of repetitions; ``shift`` (2, 3) moves the
    places that hands go to, in arm lengths.
    """

    amplitude: float = 1.0
    arms: tuple[float, float] = (1.0, 1.0)
    lag: tuple[float, float] = (0.0, 0.0)
    cycles: int = 0
    shift: Array = field(default_factory=lambda: np.zeros((2, 3)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """A pose over T frames that motions move in place, the phase (T,) of the action from 0 to 1, and the manner.

    >>> from skeltext.datasets.builtin.pose import standing
    >>> pose = standing(5, hang=np.array([0.1, -0.9, 0.1]))
    >>> stage = Stage(phase=np.linspace(0, 1, 5), pose=pose, manner=Manner())
    >>> stage.hand(RIGHT, (0, None), (0.5, (0.1, 0.9, 0.2)), (1, None))
    >>> pose.wrists[::2, RIGHT, 1].round(1).tolist(), pose.wrists[2, LEFT].tolist()
    ([-0.9, 0.9, -0.9], [0.1, -0.9, 0.1])
    """

    phase: Array
    pose: Pose
    manner: Manner

    def count(self, plain: int) -> int:
        """How often something is repeated whose plain form repeats it `plain` times."""
        return max(2, plain + self.manner.cycles)

    def hand(self, side: int, *keys: Key, near: bool = False) -> None:
        """Lead a wrist through keyed places along arcs around its shoulder.

        A place is a point that must be met if `near` (a mouth, an ear, the floor); else the manner decides how far
        the wrist goes towards it.
        """
        rest = self.pose.wrists[:, side]
        wish = [(at, None if place is None else self._wish(rest, place, side=side, near=near)) for at, place in keys]
        self.pose.wrists[:, side] = _course(self.late(side), rest, tuple(wish), arc)

    def _wish(
        self, rest: Array, place: tuple[float, float, float], *, side: int, near: bool
    ) -> tuple[float, float, float]:
        shift = self.manner.shift[side] * (0.4 if near else 1.0)
        far = 1.0 if near else min(self.manner.amplitude * self.manner.arms[side], 1.06)
        out, up, forward = arc(rest[0], np.asarray(place) + shift, np.array([far]))
        return float(out), float(up), float(forward)

    def elbow(self, side: int, hint: tuple[float, float, float], *, begin: float, end: float) -> None:
        """Point an elbow another way between two phases, turning there and back just outside of them."""
        weight = pulse(self.phase, begin - 0.15, begin, end, end + 0.15)[:, None]
        self.pose.elbows[:, side] = line(self.pose.elbows[:, side], np.asarray(hint), weight)

    def foot(self, side: int, *keys: Key) -> None:
        """Lead an ankle through keyed places over the floor on straight lines."""
        far = min(self.manner.amplitude, 1.0)
        wish: list[Key] = []
        for at, place in keys:
            out, up, forward = line(FOOTING, np.asarray(place or FOOTING), np.array([far]))
            wish.append((at, None if place is None else (float(out), float(up), float(forward))))
        self.pose.ankles[:, side] = _course(self.phase, self.pose.ankles[:, side], tuple(wish), line)

    def late(self, side: int) -> Array:
        """(T,) the phase as an arm sees it that starts late and arrives with the action."""
        lag = self.manner.lag[side]
        return np.clip((self.phase - lag) / (1.0 - lag), 0.0, 1.0)

    def stand_on(self, side: int, weight: Array) -> None:
        """Carry the hips over one foot, as far as `weight` (T,) says, so that the other foot may leave the floor."""
        self.pose.pelvis[:, 0] += sign(side) * 0.09 * weight

    def seat(self, weight: Array) -> None:
        """Lower the hips onto a seat behind the feet, hands on the thighs, as far as `weight` (T,) says."""
        self.pose.pelvis[:, 1] += (0.5 - STANCE) * weight
        self.pose.pelvis[:, 2] -= 0.46 * weight
        for side in (LEFT, RIGHT):
            self.pose.wrists[:, side] = arc(self.pose.wrists[:, side], _LAP, weight[:, None])


def idle_sway(pose: Pose, *, size: float, rng: np.random.Generator) -> None:
    """The small slow movements of somebody who thinks to stand still; `size` 1 is usual, 0 is none."""
    time = np.arange(len(pose.heading)) / 30.0
    rate, start = rng.uniform(0.15, 0.6, size=9), rng.uniform(0.0, 2 * np.pi, size=9)
    waves = size * np.sin(2 * np.pi * rate * time[:, None] + start)  # (T, 9)
    pose.pelvis[:, [X, Z]] += 0.008 * waves[:, :2]
    pose.trunk += 0.012 * waves[:, 2:5]
    pose.head[:, :2] += 0.03 * waves[:, 5:7]
    pose.wrists += 0.015 * waves[:, 7:, None]
