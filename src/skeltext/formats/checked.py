"""The last step of every reader: numbers out of a file become a Clip, or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.layout import Layout

Reals = npt.NDArray[np.floating]


def _float32(values: Reals) -> Floats:
    """The same numbers as float32; what float32 cannot hold becomes infinite, which a Clip refuses."""
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32)


def absent_where_zero(positions: Reals) -> Reals:
    """(..., V, C) with NaN in every skeleton whose joints all lie exactly at the origin: the sensor saw nobody."""
    empty = (positions == 0).all(axis=(-2, -1), keepdims=True)
    return np.where(empty, np.nan, positions)


def checked_clip(
    positions: Reals,
    *,
    layout: Layout,
    fps: float | None,
    path: Path,
    confidence: Reals | None = None,
    tracks: tuple[str, ...] = (),
) -> Clip:
    """A Clip from (M, T, V, C) positions and (M, T, V) confidence of any float type.

    Raises :class:`SkeltextError` that names `path` if the shape does not fit the layout, a number is infinite,
    a confidence lies outside [0, 1], or no joint is tracked in any frame.
    """
    if confidence is not None:
        inside = bool(((confidence >= 0) & (confidence <= 1)).all())
        require(inside, f"{path} has a confidence outside 0 to 1; the file is damaged, get it again")
    clip = Clip(
        positions=_float32(positions),
        layout=layout,
        fps=fps,
        confidence=None if confidence is None else _float32(confidence),
        tracks=tracks,
        source=str(path),
    )
    require(clip.tracked.any(), f"{path} has nobody in any of its {clip.T} frames; leave it out")
    return clip
