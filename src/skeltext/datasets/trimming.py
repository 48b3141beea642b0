"""Where in a recording the motion is: recordings of single actions often start and end with the person at rest."""

from __future__ import annotations

import numpy as np

from skeltext.skeletons.clip import Clip

_WINDOW, _MARGIN = 0.3, 1 / 6  # seconds: smoothing of the speed, and what is kept before and after the motion
_SHARE = 0.1  # of the way from the speed at rest to the brisk one


def active_frames(clip: Clip) -> slice:
    """The frames of `clip` from the first that moves to the last, with a sixth of a second around them.

    A frame moves if the mean speed of the tracked joints, smoothed over 0.3 s, is more than a tenth of the way from the
    speed at rest (the 10th percentile of the clip) to a brisk one (the 95th). A clip that never moves is kept whole.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> positions = np.zeros((1, 90, 20, 3), np.float32)
    >>> positions += np.interp(np.arange(90), (40, 60), (0, 1)).astype(np.float32)[:, None, None]
    >>> active_frames(Clip(positions=positions, layout=KINECT20, fps=30.0))
    slice(31, 70, None)
    """
    if clip.T < 2:
        return slice(0, clip.T)
    fps = clip.fps or 30.0
    speed = np.nan_to_num(np.linalg.norm(np.diff(clip.positions, axis=1), axis=-1))  # (M, T - 1, V)
    window = min(max(round(_WINDOW * fps), 1), clip.T - 1)
    smooth = np.convolve(speed.mean(axis=(0, 2)), np.ones(window) / window, "same")
    rest, brisk = np.percentile(smooth, (10, 95))
    moving = np.flatnonzero(smooth > rest + _SHARE * (brisk - rest))
    if not len(moving):
        return slice(0, clip.T)
    margin = round(_MARGIN * fps)
    return slice(max(int(moving[0]) - margin, 0), min(int(moving[-1]) + 2 + margin, clip.T))
