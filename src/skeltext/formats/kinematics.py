"""From joint angles to joint positions, for all frames at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.skeletons.clip import Floats

Array = npt.NDArray[np.float64]
BLOCK = 4096  # frames whose rotations are held at once
MAX_POSITIONS = 1 << 26  # joints times frames, an hour of 80 joints at 200 Hz; joints that never turn cost no bytes


def rotations(order: str, degrees: Array) -> Array:
    """(..., 3, 3) matrices that turn about the axes of `order`, the first one outermost.

    ``degrees`` is (..., len(order)). ``rotations("ZXY", a)`` is Rz(a0) Rx(a1) Ry(a2), which is how BVH lists its
    channels; ASF/AMC lists the same product from the inside out.

    >>> rotations("Z", np.array([90.0])).round(6) @ [1.0, 0.0, 0.0]
    array([0., 1., 0.])
    """
    angles = np.radians(degrees)
    turned = np.broadcast_to(np.eye(3), (*angles.shape[:-1], 3, 3))
    for place, axis in enumerate(order):
        turned = turned @ _about(axis, angles[..., place])
    return np.asarray(turned)


def _about(axis: str, radians: Array) -> Array:
    """(..., 3, 3) rotation about one axis, right-handed."""
    first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
    matrix = np.zeros((*radians.shape, 3, 3))
    matrix[..., range(3), range(3)] = 1.0
    matrix[..., first, first] = matrix[..., second, second] = np.cos(radians)
    matrix[..., second, first] = np.sin(radians)
    matrix[..., first, second] = -matrix[..., second, first]
    return matrix


def chain(parents: tuple[int, ...], steps: Array, turns: Array) -> tuple[Array, Array]:
    """World positions (V, T, 3) and orientations (V, T, 3, 3) of joints that hang from each other.

    ``steps`` (V, T, 3) is each joint in the frame of its parent, ``turns`` (V, T, 3, 3) how it is turned there;
    every parent comes before its children.
    """
    places, frames = np.empty_like(steps), np.empty_like(turns)
    for joint, parent in enumerate(parents):
        if parent < 0:
            places[joint], frames[joint] = steps[joint], turns[joint]
        else:
            places[joint] = places[parent] + np.einsum("tij,tj->ti", frames[parent], steps[joint])
            frames[joint] = frames[parent] @ turns[joint]
    return places, frames


def positions_in_blocks(places: Callable[[slice], Array], *, frames: int, joints: int, path: Path) -> Floats:
    """(T, V, 3) float32 from a function that gives (t, V, 3) positions for a slice of the frames.

    What float32 cannot hold becomes infinite. Raises :class:`SkeltextError` if the whole would not fit into memory.
    """
    require(
        frames * joints <= MAX_POSITIONS,
        f"{path} has {frames} frames of {joints} joints, more than a clip may have; cut the recording into clips",
    )
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        blocks = [places(slice(start, start + BLOCK)).astype(np.float32) for start in range(0, frames, BLOCK)]
    return np.concatenate(blocks)
