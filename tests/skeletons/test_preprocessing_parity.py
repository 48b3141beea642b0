"""The published 50-frame preparation against arrays made by the published code (AimCLR at 6cd7376)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skeltext.errors import SkeltextError
from skeltext.skeletons import steps
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25
from skeltext.skeletons.preprocessing import Preprocessing, preprocessing_named

CLIPS = (
    "two_persons_T71",
    "one_person_T30",
    "one_person_T50",
    "two_persons_T300",
    "two_persons_T7",
    "second_person_intermittent_T90",
    "interior_gap_T80",
    "one_frame_T1",
    "facing_sideways_T64",
)


@pytest.mark.parametrize("name", CLIPS)
def test_the_whole_preparation(golden: Path, name: str) -> None:
    arrays = np.load(golden / "preprocessing" / "aimclr_frame50.npz")
    raw = arrays[f"{name}/raw_C_T_V_M"].transpose(3, 1, 2, 0)
    clip = Clip(positions=raw, layout=NTU25, fps=30.0)
    ours = preprocessing_named("published50", layout="ntu25", bodies=2)(clip)
    np.testing.assert_allclose(ours, arrays[f"{name}/output"], atol=2e-6)


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 25, 49, 50, 51, 64, 99, 100, 137, 300])
def test_resampling(golden: Path, frames: int) -> None:
    arrays = np.load(golden / "preprocessing" / "resize_to_50.npz")
    given = arrays[f"len{frames}/input"].transpose(3, 1, 2, 0)  # C T V M -> M T V C
    ours = steps.resample(given, NTU25, frames=50).transpose(3, 1, 2, 0)
    np.testing.assert_allclose(ours, arrays[f"len{frames}/output"], atol=2e-6)


@pytest.mark.parametrize(("name", "tolerance"), [("random", 2e-6), ("short_shoulder", 1e-4), ("all_zero", 2e-6)])
def test_rotation(golden: Path, name: str, tolerance: float) -> None:
    arrays = np.load(golden / "preprocessing" / "y_rotation.npz")
    given = arrays[f"{name}/input"].transpose(1, 2, 0)[None]
    ours = steps.face_forward_published(given, NTU25)[0].transpose(2, 0, 1)
    np.testing.assert_allclose(ours, arrays[f"{name}/output"], atol=tolerance)


def test_a_clip_without_a_counted_frame_is_one_sentence() -> None:
    clip = Clip(positions=np.zeros((1, 9, 25, 3), np.float32), layout=NTU25, fps=30.0, source="void.npz")
    with pytest.raises(SkeltextError, match=r"void\.npz: no frame has its first joint tracked"):
        preprocessing_named("published50", layout="ntu25", bodies=2)(clip)


def test_a_recipe_survives_json() -> None:
    recipe = preprocessing_named("sound50-torso", layout="kinect20", bodies=1, frames=64)
    assert Preprocessing.from_json(recipe.to_json()) == recipe
    with pytest.raises(SkeltextError, match="no preprocessing of skeltext"):
        Preprocessing.from_json("{}")
