"""The motion of a recording is found between its stretches of rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skeltext.datasets.trimming import active_frames
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20


def clip_of(positions: np.ndarray, fps: float | None = 30.0) -> Clip:  # type: ignore[type-arg]
    return Clip(positions=positions.astype(np.float32), layout=KINECT20, fps=fps)


@pytest.mark.parametrize("fps", [15.0, 30.0, 120.0])
def test_rest_is_cut_off_to_a_third_of_a_second(fps: float) -> None:
    seconds = np.arange(round(6 * fps)) / fps
    path = np.interp(seconds, (2, 4), (0, 1))
    positions = np.zeros((1, len(seconds), 20, 3)) + path[:, None, None]
    positions += np.random.default_rng(0).normal(scale=1e-4, size=positions.shape)
    positions[:, ::9, 3] = np.nan
    found = active_frames(clip_of(positions, fps))
    assert 2 - 0.4 <= found.start / fps <= 2
    assert 4 <= found.stop / fps <= 4 + 0.4


@pytest.mark.parametrize("frames", [1, 2, 50])
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_clip_that_never_moves_is_kept_whole(frames: int, value: float) -> None:
    assert active_frames(clip_of(np.full((1, frames, 20, 3), value), None)) == slice(0, frames)


def test_agrees_with_the_estimate_of_the_pack(real_data: Path) -> None:
    pack = np.load(real_data / "kinder_gator" / "kinder_gator.npz")
    joints, offsets, starts, ends = (pack[name] for name in ("joints", "offsets", "active_start", "active_end"))
    differences = []
    for index in range(0, len(starts), 20):
        found = active_frames(clip_of(joints[None, offsets[index] : offsets[index + 1]]))
        differences += [abs(found.start - starts[index]), abs(found.stop - ends[index])]
    assert np.median(differences) <= 1
    assert np.mean(differences) < 4
