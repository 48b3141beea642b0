"""From rows of (frame, body, skeleton) to one track per body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons.sources.frames import MAX_SKELETONS


def stack_tracks(
    skeletons: npt.NDArray[np.floating],
    *,
    frames: Sequence[int],
    bodies: Sequence[str],
    tracks: Sequence[str],
    length: int,
    source: str,
) -> npt.NDArray[np.float64]:
    """(M, T, V, C), T being `length`, of the bodies named in `tracks`, NaN in the frames where a body is absent.

    Row r of `skeletons` (R, V, C) is the body ``bodies[r]`` in frame ``frames[r]``. A body may come and go, so
    a small file can ask for a huge array: more than 2^18 skeletons raise :class:`SkeltextError`.

    >>> two = np.arange(2.0).reshape(2, 1, 1)
    >>> stacked = stack_tracks(two, frames=[0, 1], bodies="ab", tracks="ab", length=2, source="doc")
    >>> stacked[:, :, 0, 0].tolist()
    [[0.0, nan], [nan, 1.0]]
    """
    if len(tracks) * length > MAX_SKELETONS:
        raise SkeltextError(
            f"{source} has {len(tracks)} bodies in {length} frames, more than the {MAX_SKELETONS} skeletons of a clip;"
            " cut the recording into clips first"
        )
    row_of = {body: row for row, body in enumerate(tracks)}
    stacked = np.full((len(tracks), length, *skeletons.shape[1:]), np.nan)
    stacked[[row_of[body] for body in bodies], list(frames)] = skeletons
    return stacked
