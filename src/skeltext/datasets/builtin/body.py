"""The body: its bone lengths, and where its 25 joints are in a pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skeltext.datasets.builtin.pose import LEFT, RIGHT, Array, Pose, X, Y, Z, sign
from skeltext.skeletons.layouts import NTU25

_HINGE = 0.75  # share of a bend that happens in the hips; the rest bends the spine
_REACH = 0.999  # a limb is never locked straight, so that its elbow or knee always has a side to point to


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body by its height in metres and by how its limbs depart from the average (1 is average).

    Bone lengths are shares of the height close to anthropometric tables (Winter, Biomechanics and Motor Control of
    Human Movement), with the joints where a Kinect v2 sees them.

    >>> Body(height=1.8).leg > Body(height=1.8, legs=0.95).leg
    True
    """

    height: float
    arms: float = 1.0
    legs: float = 1.0
    shoulders: float = 1.0
    skull: float = 1.0

    @property
    def arm(self) -> float:
        """Metres from shoulder to wrist of a straight arm."""
        return 0.325 * self.height * self.arms

    @property
    def leg(self) -> float:
        """Metres from hip to ankle of a straight leg."""
        return 0.475 * self.height * self.legs

    @property
    def ankle(self) -> float:
        """Metres from the floor to the ankle of a planted foot."""
        return 0.05 * self.height


def turn(angle: Array, axis: int, towards: int) -> Array:
    """(T, 3, 3) rotations by `angle` (T,) that carry one axis towards another.

    >>> (turn(np.array([np.pi / 2]), X, Y)[0] @ [1, 0, 0]).round().tolist()
    [0.0, 1.0, 0.0]
    """
    rotation = np.zeros((len(angle), 3, 3))
    rotation[:, range(3), range(3)] = 1.0
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation[:, axis, axis] = rotation[:, towards, towards] = cosine
    rotation[:, towards, axis], rotation[:, axis, towards] = sine, -sine
    return rotation


def unit(vectors: Array) -> Array:
    """(..., 3) vectors of length one."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def across(hint: Array, direction: Array) -> Array:
    """(T, 3) unit vectors: the part of `hint` that is perpendicular to the unit vectors `direction`."""
    return unit(hint - (hint * direction).sum(axis=-1, keepdims=True) * direction)


def two_link(start: Array, goal: Array, hint: Array, *, upper: float, lower: float) -> tuple[Array, Array]:
    """Middle and end (T, 3) of a limb from `start` whose end is at `goal`, or as near as its two bones reach.

    The middle joint lies on the side of the limb that `hint` (T, 3) points to.

    >>> middle, end = two_link(np.zeros((1, 3)), np.array([[0, 0, 1.2]]), np.array([[0, -1.0, 0]]), upper=1, lower=1)
    >>> middle.round(2).tolist(), end.round(2).tolist()
    ([[0.0, -0.8, 0.6]], [[0.0, 0.0, 1.2]])
    """
    span = goal - start
    direction = unit(span)
    least = abs(upper - lower) + 0.05 * (upper + lower)
    reach = np.clip(np.linalg.norm(span, axis=-1, keepdims=True), least, _REACH * (upper + lower))
    along = (upper**2 + reach**2 - lower**2) / (2 * reach)  # law of cosines
    aside = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    return start + along * direction + aside * across(hint, direction), start + reach * direction


def _apply(rotation: Array, vector: Array) -> Array:
    """(T, 3): `vector` (3,) or (T, 3) rotated frame by frame."""
    return np.asarray((rotation @ np.broadcast_to(vector, (len(rotation), 3))[..., None])[..., 0])


def _trunk(body: Body, pose: Pose) -> tuple[dict[str, Array], Array, Array]:
    """The joints of the trunk and the head, and the axes of hips and chest (T, 3, 3)."""
    height = body.height
    bend, lean, twist = pose.trunk.T
    nod, tilt, look = pose.head.T
    hips = turn(pose.heading, Z, X)
    chest = hips @ turn(bend, Y, Z) @ turn(lean, Y, X) @ turn(twist, Z, X)
    lumbar = hips @ turn(_HINGE * bend, Y, Z) @ turn(_HINGE * lean, Y, X)
    neck = chest @ turn(0.4 * nod, Y, Z) @ turn(0.4 * tilt, Y, X)
    skull = chest @ turn(nod, Y, Z) @ turn(tilt, Y, X) @ turn(look, Z, X)
    at = {"pelvis": pose.pelvis * body.leg + [0.0, body.ankle + 0.01 * height, 0.0]}
    at["spine"] = at["pelvis"] + _apply(lumbar, np.array([0.0, 0.165 * height, 0.0]))
    at["spine_shoulder"] = at["spine"] + _apply(chest, np.array([0.0, 0.135 * height, -0.01 * height]))
    at["neck"] = at["spine_shoulder"] + _apply(neck, np.array([0.0, 0.04 * height, 0.008 * height]))
    at["head"] = at["neck"] + _apply(skull, np.array([0.0, 0.078, 0.032]) * height * body.skull)
    return at, hips, chest


def _arm(body: Body, pose: Pose, *, side: int, chest: Array, root: Array) -> dict[str, Array]:
    """The joints of one arm, hung at `root` (T, 3), with a rigid hand whose thumb points away from the elbow."""
    outward = np.array([sign(side), 1.0, 1.0])
    shoulder = root + _apply(chest, np.array([0.105 * body.shoulders, -0.02, 0.0]) * body.height * outward)
    goal = shoulder + _apply(chest, pose.wrists[:, side] * outward) * body.arm
    hint = _apply(chest, pose.elbows[:, side] * outward)
    elbow, wrist = two_link(shoulder, goal, hint, upper=0.535 * body.arm, lower=0.465 * body.arm)
    fingers = unit(wrist - elbow)
    thumb = across(-hint, fingers)
    hand = wrist + 0.045 * body.height * fingers
    return {
        "shoulder": shoulder,
        "elbow": elbow,
        "wrist": wrist,
        "hand": hand,
        "hand_tip": hand + 0.045 * body.height * fingers,
        "thumb": hand + 0.03 * body.height * (0.5 * fingers + 0.85 * thumb),
    }


def _leg(body: Body, pose: Pose, *, side: int, hips: Array, root: Array) -> dict[str, Array]:
    """The joints of one leg, hung at `root` (T, 3), with its ankle where the pose plants it."""
    outward = np.array([sign(side), 1.0, 1.0])
    hip = root + _apply(hips, np.array([0.052, -0.01, 0.0]) * body.height * outward)
    goal = pose.ankles[:, side] * outward * body.leg + [0.0, body.ankle, 0.0]
    heading = turn(pose.feet[:, side], Z, X)
    hint = _apply(heading, pose.knees[:, side] * outward)
    knee, ankle = two_link(hip, goal, hint, upper=0.51 * body.leg, lower=0.49 * body.leg)
    sole = np.array([0.0, -0.65 * body.ankle, 0.075 * body.height])
    return {
        "hip": hip,
        "knee": knee,
        "ankle": ankle,
        "foot": ankle + _apply(heading @ turn(pose.toes[:, side], Y, Z), sole),
    }


def joints(body: Body, pose: Pose) -> Array:
    """(T, 25, 3) joints of layout ntu25 in metres: x to the subject's right, y up from the floor, z backward."""
    at, hips, chest = _trunk(body, pose)
    for side, name in ((LEFT, "left"), (RIGHT, "right")):
        limbs = _arm(body, pose, side=side, chest=chest, root=at["spine_shoulder"])
        limbs |= _leg(body, pose, side=side, hips=hips, root=at["pelvis"])
        at |= {f"{name}_{joint}": place for joint, place in limbs.items()}
    return np.stack([at[joint] for joint in NTU25.joints], axis=1) * [1.0, 1.0, -1.0]
