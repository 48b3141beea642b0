"""The five parts that every layout has: torso with head, two arms and two legs, found by the names of its joints."""

from __future__ import annotations

import torch
from torch import Tensor

from skeltext.skeletons.layout import Layout

_LEG = ("hip", "knee", "ankle", "foot", "toes", "small_toe", "heel")
_FACE = ("eye", "eye_inner", "eye_outer", "ear", "mouth")
_SIDES = ("left", "right")


def _part_of(joint: str) -> str:
    side, _, name = joint.partition("_")
    if side not in _SIDES or name in _FACE:
        return "torso"
    return f"{side} leg" if name in _LEG else f"{side} arm"


def body_parts(layout: Layout) -> dict[str, list[int]]:
    """The joints of each part that a layout has; every joint is in one of them.

    >>> from skeltext.skeletons.layouts import NTU25
    >>> {name: len(joints) for name, joints in body_parts(NTU25).items()}
    {'torso': 5, 'left arm': 6, 'right arm': 6, 'left leg': 4, 'right leg': 4}
    """
    parts: dict[str, list[int]] = {}
    for index, joint in enumerate(layout.joints):
        parts.setdefault(_part_of(joint), []).append(index)
    return parts


def part_means(layout: Layout) -> Tensor:
    """(P, V) the matrix that takes the mean over the joints of every part."""
    means = torch.zeros(len(parts := body_parts(layout)), layout.V)
    for row, joints in zip(means, parts.values(), strict=True):
        row[joints] = 1 / len(joints)
    return means
