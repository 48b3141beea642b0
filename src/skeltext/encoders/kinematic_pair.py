"""The kinematic description of one body or several, and beside it of every two how they move towards each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from skeltext.encoders.fixed import Floats
from skeltext.encoders.kinematic import SPEED, Kinematic, headings, segment_means, steps, summary, torso_lengths
from skeltext.skeletons.layout import Layout

FAR = 8.0  # torso lengths; people who are farther apart do nothing together
_HANDS, _FEET = ("left_hand", "right_hand"), ("left_foot", "right_foot")
REACHES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (_HANDS, ("left_shoulder", "right_shoulder")),
    (_HANDS, ("spine_shoulder", "spine")),
    (_HANDS, ("head",)),
    (_FEET, ("pelvis",)),
    (_FEET, ("left_knee", "right_knee")),
)
"""Joints of one body and joints of the other whose least distance is described, both ways."""


class KinematicPair(Kinematic):
    """:class:`Kinematic`, and 240 numbers of two bodies together: distances, who reaches where, who faces whom.

    Who is first and who second does not count. Of more than two bodies it is the mean over all pairs, and of a single
    one it is zero, so that a body alone is described as by :class:`Kinematic`.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> KinematicPair(layout=KINECT20).width
    2162
    """

    about = "Kinematic, and of two bodies how they move towards each other; nothing is learned."

    def __init__(self, *, layout: Layout) -> None:
        super().__init__(layout=layout)
        body = np.zeros((1, 2, layout.V, 3), np.float32)
        self.width += together(body, body, layout).shape[1]

    def encode(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to features (N, D)."""
        bodies = clips.transpose(4, 0, 2, 3, 1)  # M N T V C
        present = np.asarray(bodies.any(axis=(2, 3, 4)), np.bool_)  # M N
        pairs = np.zeros((len(clips), self.width - self.alone), np.float32)
        count = np.zeros(len(clips))
        for one, other in combinations(range(len(bodies)), 2):
            both = np.flatnonzero(present[one] & present[other])
            if both.size:
                pairs[both] += together(bodies[one, both], bodies[other, both], self.layout)
            count[both] += 1
        return np.asarray(np.hstack([super().encode(clips), pairs / np.maximum(count, 1)[:, None]]), np.float32)


def together(one: Floats, other: Floats, layout: Layout) -> Floats:
    """(N, T, V, 3) of two bodies to (N, D): segment means, spreads, extremes and changes of what is between them."""
    size = ((torso_lengths(one, layout) + torso_lengths(other, layout)) / 2)[:, None, None, None]
    one, other = (np.asarray(body / size, np.float32) for body in (one, other))
    x = _between(one, other, layout)
    return np.concatenate([summary(x), SPEED * segment_means(steps(x), 4)], axis=1).astype(np.float32)


def _between(one: Floats, other: Floats, layout: Layout) -> Floats:
    """(N, T, F) in every frame, the same whoever is first."""
    way = (other - one)[:, :, layout.index("pelvis")][..., [0, 2]]  # N T 2
    far = np.linalg.norm(way, axis=-1)
    there = way / np.maximum(far, 1e-6)[..., None]
    angles = (headings(body, layout) for body in (one, other))
    ahead = [np.stack([np.sin(angle), -np.cos(angle)], axis=-1) for angle in angles]  # -z where the right hand is at +x
    alike = (
        *(far, (ahead[0] * ahead[1]).sum(axis=-1), _nearest(one, other, ("head",), ("head",), layout)),
        _nearest(one, other, _HANDS, _HANDS, layout),
    )
    directed = [(ahead[0] * there).sum(axis=-1)], [-(ahead[1] * there).sum(axis=-1)]
    for ends in REACHES:
        directed[0].append(_nearest(one, other, *ends, layout))
        directed[1].append(_nearest(other, one, *ends, layout))
    theirs, ours = (np.stack(side, axis=-1) for side in directed)
    found = np.concatenate([np.stack(alike, axis=-1), np.minimum(theirs, ours), np.maximum(theirs, ours)], axis=-1)
    return np.asarray(np.minimum(found, FAR), np.float32)


def _nearest(one: Floats, other: Floats, ours: tuple[str, ...], theirs: tuple[str, ...], layout: Layout) -> Floats:
    """(N, T) the least distance of one of our joints from one of theirs."""
    here, there = (body[:, :, [layout.index(j) for j in names]] for body, names in ((one, ours), (other, theirs)))
    return np.asarray(np.linalg.norm(here[:, :, :, None] - there[:, :, None], axis=-1).min(axis=(2, 3)))
