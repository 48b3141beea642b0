"""The flat kinematic description: what does not count in a picture does not change it, and what counts does."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.encoders.fixed import Floats
from skeltext.encoders.kinematic_flat import BONES, DISTANCES, POINTS, KinematicFlat, seen_from_before
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import BODY25, COCO17, HALPE26, MEDIAPIPE33_FLAT, PENN13
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.skeletons.variants import seen_from

ENCODER = KinematicFlat(layout=COCO17)
PREPARE = preprocessing_named("flat64", layout="coco17", bodies=1)


def picture(action: str, *, yaw: float = 30.0, layout: Layout = COCO17) -> Clip:
    """A built-in motion as a camera sees it, in a flat layout."""
    return convert(seen_from(builtin_clip(action=action, subject=0, repetition=0), yaw=yaw), layout)


def prepared(action: str, *, yaw: float = 30.0) -> Floats:
    """(C, T, V, M) of such a picture."""
    return PREPARE(picture(action, yaw=yaw))


def described(clip: Floats) -> Floats:
    """(D,) the description of one clip."""
    return np.asarray(ENCODER.encode(clip[None].astype(np.float32))[0])


@pytest.fixture(scope="module")
def walk() -> Floats:
    return prepared("walk forward")


@pytest.fixture(scope="module")
def wave() -> Floats:
    return prepared("wave the right hand")


def test_place_and_size_do_not_count(walk: Floats) -> None:
    moved = 170 * walk + np.array([300.0, -20.0])[:, None, None, None]
    np.testing.assert_allclose(described(moved), described(walk), atol=5e-3)


def test_from_behind_it_is_the_same_as_from_before(walk: Floats) -> None:
    np.testing.assert_allclose(described(prepared("walk forward", yaw=210.0)), described(walk), atol=5e-3)


def test_the_side_of_the_body_counts(wave: Floats) -> None:
    swapped = [COCO17.index(swap(name)) for name in COCO17.joints]
    other = wave[:, :, swapped] * np.array([-1, 1])[:, None, None, None]
    assert np.abs(described(other) - described(wave)).max() > 1


def swap(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{ {'left': 'right', 'right': 'left'}.get(side, side) }_{rest}" if rest else name


def test_what_is_described_on_one_side_is_on_the_other() -> None:
    for pairs in (DISTANCES, BONES):
        found = {frozenset(pair) for pair in pairs}
        assert len(found) == len(pairs)
        assert {frozenset(map(swap, pair)) for pair in found} == found


def test_walking_is_not_marching_on_the_spot(walk: Floats) -> None:
    hips = walk[:, :, [COCO17.index(f"{side}_hip") for side in ("left", "right")]].mean(axis=2, keepdims=True)
    marching = walk - (hips - hips[:, :1]) * np.array([1, 0])[:, None, None, None]
    changed = np.abs(described(marching) - described(walk)) > 0.05
    assert 10 < changed.sum() < 0.1 * len(changed)


def test_the_left_side_is_on_the_right_and_the_torso_has_length_one() -> None:
    for yaw in (0.0, 150.0):
        joints = picture("walk forward", yaw=yaw, layout=PENN13).positions
        points, path = seen_from_before(joints)
        left, right, neck, pelvis = (
            points[0][:, POINTS.index(name)] for name in ("left_shoulder", "right_shoulder", "neck", "pelvis")
        )
        assert np.median(left[:, 0] - right[:, 0]) > 0
        assert np.median(np.linalg.norm(neck - pelvis, axis=1)) == pytest.approx(1, abs=1e-4)
        np.testing.assert_allclose(path[:, 0], 0, atol=1e-6)


@pytest.mark.parametrize("layout", [PENN13, HALPE26, BODY25, MEDIAPIPE33_FLAT], ids=lambda layout: layout.name)
def test_other_layouts_of_key_points_are_described_alike(layout: Layout, walk: Floats, wave: Floats) -> None:
    prepare = preprocessing_named("flat64", layout=layout.name, bodies=1)
    found = KinematicFlat(layout=layout).encode(prepare(picture("walk forward", layout=layout))[None])[0]
    assert np.abs(found - described(walk)).mean() < 0.2 * np.abs(described(wave) - described(walk)).mean()
    came = PREPARE(convert(picture("walk forward", layout=layout), COCO17))
    assert np.abs(described(came) - described(walk)).mean() < 0.2 * np.abs(described(wave) - described(walk)).mean()


@pytest.mark.parametrize("lost", ["right_wrist", "left_ankle", "nose", "ear", "eye", "at random"])
def test_a_motion_is_described_alike_with_and_without_some_joints(lost: str, walk: Floats, wave: Floats) -> None:
    clip = picture("walk forward")
    gone = np.random.default_rng(0).random(clip.positions.shape[:3]) < 0.22
    if lost != "at random":
        gone[:] = [lost in joint for joint in COCO17.joints]
    holes = replace(clip, positions=np.where(gone[..., None], np.nan, clip.positions).astype(np.float32))
    far = np.abs(described(wave) - described(walk)).mean()
    assert np.abs(described(PREPARE(holes)) - described(walk)).mean() < 0.3 * far


@pytest.mark.parametrize("frames", [1, 2, 7, 300])
def test_still_and_short_and_long_clips_have_finite_numbers(walk: Floats, frames: int) -> None:
    still = np.repeat(walk[:, :1], frames, axis=1)
    for clip in (still, np.zeros_like(still)):
        found = described(clip)
        assert found.shape == (ENCODER.width,)
        assert np.isfinite(found).all()


def test_of_two_bodies_the_mean_counts_and_nobody_does_not(walk: Floats, wave: Floats) -> None:
    both = np.concatenate([walk, wave], axis=3)
    np.testing.assert_allclose(described(both), (described(walk) + described(wave)) / 2, rtol=1e-4, atol=1e-5)
    alone = np.concatenate([walk, np.zeros_like(walk)], axis=3)
    np.testing.assert_allclose(described(alone), described(walk), atol=1e-6)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np\nfrom skeltext.encoders.kinematic_flat import KinematicFlat\n"
        "from skeltext.skeletons.layouts import COCO17\n"
        "KinematicFlat(layout=COCO17).encode(np.ones((1, 2, 9, 17, 1), np.float32))\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
