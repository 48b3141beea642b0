"""When somebody moves, and when they are still."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.change_points import runs
from skeltext.recognizer.model import Floats
from skeltext.skeletons.clip import Clip

STILL = 0.15  # torso lengths per second; people who stand still in front of a depth camera seldom exceed it
_PLACES, _SPEEDS = 0.3, 0.5  # seconds over which places, and then speeds, are averaged
_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_FASTEST = 5  # one joint of so many: an arm that moves is enough

Array = npt.NDArray[np.float64]


def moving_stretches(clip: Clip, *, still: float = STILL, least: float = 0.0) -> list[tuple[float, float]]:
    """From when to when somebody moves, in seconds, without the times in which all are still for at least `least`.

    Still is who has a speed (:func:`speed`) below `still`; what that averages into the rest before and after a motion
    is rest, too. The whole clip moves where the layout does not show how large a body is, and with `still` at 0. The
    clip has a frame rate.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> positions = np.zeros((1, 120, 20, 3), np.float32) + np.arange(20, dtype=np.float32)[:, None]
    >>> positions[0, :60, KINECT20.index("left_hand")] += 9 * np.sin(np.arange(60.0) / 4)[:, None]
    >>> stretches = moving_stretches(Clip(positions=positions, layout=KINECT20, fps=30.0))
    >>> [(start, round(end, 1)) for start, end in stretches]
    [(0.0, 1.9)]
    """
    assert clip.fps is not None
    if still <= 0 or not set(_TORSO) <= set(clip.layout.joints):
        return [(0.0, clip.T / clip.fps)]
    moves = speed(clip) >= still
    for run in runs(moves):
        moves[run] |= (run.stop - run.start) / clip.fps < least
    spread = round((_PLACES + _SPEEDS) / 2 * clip.fps)  # what the averages add to a motion on both sides
    found = [
        (run.start + spread * (run.start > 0), run.stop - spread * (run.stop < clip.T))
        for run in runs(moves)
        if moves[run.start]
    ]
    return [(start / clip.fps, end / clip.fps) for start, end in found if start < end]


def speed(clip: Clip) -> Floats:
    """(T,) how fast the fastest fifth of the joints of whoever moves most is, in torso lengths per second.

    Places are averaged over 0.3 s and speeds over 0.5 s, so that a camera that shakes counts little. A joint that is
    not tracked is where it was, or will be, tracked.
    """
    fps, layout = clip.fps or 30.0, clip.layout
    fastest = np.zeros(clip.T, np.float32)
    for body in clip.positions:  # (T, V, C)
        left, right, *hips = (body[:, layout.index(joint)] for joint in _TORSO)
        lengths = np.linalg.norm(left + right - sum(hips), axis=1) / 2
        if not np.isfinite(lengths).any():
            continue
        torso = max(float(np.nanmedian(lengths)), 1e-6)
        speeds = np.stack([_speed(body[:, v], fps=fps) for v in range(layout.V)], axis=1)  # T V
        few = max(layout.V // _FASTEST, 1)
        fastest = np.maximum(fastest, np.partition(speeds, -few, axis=1)[:, -few:].mean(axis=1) / torso)
    return np.asarray(_averaged(fastest.astype(np.float64), _SPEEDS * fps), np.float32)


def _speed(joint: Floats, *, fps: float) -> Floats:
    """(T,) the speed of a joint (T, C), nothing for one that is never tracked."""
    there = np.flatnonzero(np.isfinite(joint).all(axis=1))
    if len(there) == 0 or len(joint) < 2:
        return np.zeros(len(joint), np.float32)
    frames = np.arange(len(joint))
    steps = [
        np.gradient(_averaged(np.interp(frames, there, joint[there, axis]), _PLACES * fps))
        for axis in range(joint.shape[1])
    ]
    return np.asarray(fps * np.linalg.norm(steps, axis=0), np.float32)


def _averaged(values: Array, frames: float) -> Array:
    """(T,) values averaged over an odd number of frames around each, the ends going on as they are."""
    side = max(round(frames), 1) // 2
    padded = np.pad(values, side, mode="edge")
    return np.asarray(np.convolve(padded, np.full(2 * side + 1, 1 / (2 * side + 1)), "valid"))
