"""What a depth camera makes of a moving body: its place in camera space, jitter, lost joints and lost frames."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from skeltext.datasets.builtin.pose import Array
from skeltext.datasets.builtin.subjects import Subject
from skeltext.skeletons.layouts import NTU25

_MEMORY = 2.5  # frames over which the jitter of a joint stays alike
_FRINGE = ("hand", "tip", "thumb", "foot")  # seen worse than the rest
_LOSABLE = (
    ("left_hand", "left_hand_tip", "left_thumb"),
    ("right_hand", "right_hand_tip", "right_thumb"),
    ("left_foot",),
    ("right_foot",),
    ("left_ankle", "left_foot"),
    ("right_ankle", "right_foot"),
)


def before_camera(places: Array, subject: Subject, *, yaw: float) -> Array:
    """(T, V, 3) joints of a body over its floor, turned by `yaw` degrees and put where the subject stands."""
    cosine, sine = np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))
    rotation = np.array([[cosine, 0.0, -sine], [0.0, 1.0, 0.0], [sine, 0.0, cosine]])  # forward, -z, towards right, +x
    return np.asarray(places @ rotation.T + [subject.aside, -subject.mount, subject.distance])


@lru_cache(maxsize=128)
def _memory(frames: int) -> Array:
    """(T, T) matrix that makes white noise of T frames correlated in time and leaves its variance."""
    apart = np.subtract.outer(np.arange(frames), np.arange(frames)) / _MEMORY
    kernel = np.exp(-0.5 * apart**2)
    return np.asarray(kernel / np.sqrt((kernel**2).sum(axis=1, keepdims=True)))


def jitter(frames: int, *, size: float, rng: np.random.Generator) -> Array:
    """(T, V, 3) correlated noise of standard deviation `size` metres, twice as large at hands, thumbs and feet."""
    worse = np.array([2.0 if joint.rsplit("_", 1)[-1] in _FRINGE else 1.0 for joint in NTU25.joints])
    white = rng.normal(size=(frames, NTU25.V * 3))
    smooth = (_memory(frames) @ white).reshape(frames, NTU25.V, 3)
    return np.asarray(size * worse[:, None] * (0.8 * smooth + 0.3 * white.reshape(smooth.shape)))


def lose(places: Array, *, chance: float, rng: np.random.Generator) -> None:
    """Set to NaN, with so much chance each, a hand or foot for up to 20 frames and the whole body for up to 3.

    The first and the last three frames are always whole.
    """
    frames = len(places)
    if rng.uniform() < chance:
        group = _LOSABLE[rng.integers(len(_LOSABLE))]
        length = int(rng.integers(4, 21))
        start = int(rng.integers(3, frames - length - 3))
        places[start : start + length, [NTU25.index(joint) for joint in group]] = np.nan
    if rng.uniform() < chance / 2:
        length = int(rng.integers(1, 4))
        start = int(rng.integers(3, frames - length - 3))
        places[start : start + length] = np.nan
