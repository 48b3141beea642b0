"""Preprocessing steps against cameras: joints that tremble, and a picture that is tilted.

Both leave a good recording nearly as it is, and neither has to know the frame rate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.skeletons.layout import Layout

Array = npt.NDArray[Any]
NOISE = 2.0  # times the noise that is found is taken away, because power in a few frequencies is found by chance
FEWEST_FRAMES = 8  # in which noise can be told from motion
SMOOTHED = 5  # neighbouring frequencies whose power is averaged
ALIGNED, STRETCHED = 0.94, 0.93  # cosine of legs and trunk, and share of the legs' length, of somebody who stands
SHARE = 0.1  # of the frames must show somebody who stands
TILTED = 40.0  # degrees; who is farther from upright leans or lies


def remove_jitter(x: Array, layout: Layout) -> Array:
    """Take away what noise adds to the frequencies of every joint's path (M, T, V, C), by a Wiener filter.

    People hardly move in the upper half of the frequencies, so the median power there is that of the noise. A body with
    a missing joint is left as it is.
    """
    if x.shape[1] < FEWEST_FRAMES:
        return x
    x = x.copy()
    for body in np.flatnonzero(~np.isnan(x).any(axis=(1, 2, 3))):
        x[body] = _filtered(x[body])
    return x


def _filtered(path: Array) -> Array:
    """(T, V, C) without noise. The path goes there and back, so that it has no jump between its ends."""
    frames, mean = len(path), path.mean(axis=0)
    spectrum = np.fft.rfft(np.concatenate([path - mean, (path - mean)[::-1]]), axis=0)  # F V C
    power = (np.abs(spectrum) ** 2).mean(axis=2)  # F V
    noise = np.median(power[len(power) // 2 :], axis=0)
    around = np.pad(power, ((SMOOTHED // 2, SMOOTHED // 2), (0, 0)), mode="edge")
    power = np.lib.stride_tricks.sliding_window_view(around, SMOOTHED, axis=0).mean(axis=-1)
    kept = np.clip(1 - NOISE * noise / np.maximum(power, 1e-12), 0, 1)
    clean = np.fft.irfft(spectrum * kept[..., None], n=2 * frames, axis=0)[:frames]
    return np.asarray(clean + mean, path.dtype)


def stand_upright(x: Array, layout: Layout) -> Array:
    """Turn a tilted clip (M, T, V, C) until people who stand are upright; y is up.

    Who stands has stretched legs in line with the trunk. A clip that shows too little of that, whose people are farther
    than 40 degrees from upright, or of a layout that is flat or without legs is left as it is.
    """
    ends = [f"{side}_{joint}" for joint in ("shoulder", "hip", "knee", "ankle") for side in ("left", "right")]
    if layout.C != 3 or not set(ends) <= set(layout.joints):
        return x
    shoulders, hips, knees, ankles = (
        x[:, :, [layout.index(joint) for joint in ends[part : part + 2]]] for part in range(0, 8, 2)
    )  # M T 2 C
    with np.errstate(invalid="ignore"):
        legs, trunk = (hips - ankles).mean(axis=2), (shoulders - hips).mean(axis=2)  # M T C
        stretched = (_length(hips - knees) + _length(knees - ankles)).mean(axis=2)
        aligned = (legs * trunk).sum(axis=2) / np.maximum(_length(legs) * _length(trunk), 1e-6)
        stands = (aligned > ALIGNED) & (_length(legs) > STRETCHED * stretched)  # False for NaN
    if stands.sum() < SHARE * np.isfinite(aligned).sum() or not stands.any():
        return x
    up = np.median((legs + trunk)[stands] / _length(legs + trunk)[stands][:, None], axis=0)
    up /= np.linalg.norm(up)
    if up[1] < np.cos(np.radians(TILTED)):
        return x
    return np.asarray(x @ _turn_to_y(up).T, x.dtype)


def _length(vectors: Array) -> Array:
    return np.asarray(np.linalg.norm(vectors, axis=-1))


def _turn_to_y(up: Array) -> Array:
    """The rotation of the shortest way from a direction, not -y, to +y."""
    a, b, c = np.cross(up, [0.0, 1.0, 0.0])
    cross = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + up[1]))
