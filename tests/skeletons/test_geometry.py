"""Properties that hold for every skeleton: conversion by name, turning, gaps, resampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.errors import SkeltextError
from skeltext.skeletons import steps
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert, joint_mixture
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, KINECT20, LAYOUTS, MEDIAPIPE33, NTU25, layout_named
from skeltext.skeletons.preprocessing import preprocessing_named


def walk(seed: int, *, frames: int = 20, layout: Layout = NTU25, bodies: int = 1) -> np.ndarray:
    """Random smooth paths around random joint positions."""
    generator = np.random.default_rng(seed)
    home = generator.normal(size=(bodies, 1, layout.V, layout.C))
    return (home + 0.05 * generator.normal(size=(bodies, frames, layout.V, layout.C)).cumsum(axis=1)).astype(np.float32)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_a_layout_is_a_tree_with_mirror_pairs(layout: Layout) -> None:
    assert len(layout.bones) == layout.V - 1
    assert [layout.mirror[image] for image in layout.mirror] == list(range(layout.V))
    assert any(image != joint for joint, image in enumerate(layout.mirror))


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(LAYOUTS, 2)))
def test_every_layout_becomes_every_other_of_its_dimension(source: str, target: str) -> None:
    rows = joint_mixture(layout_named(source), layout_named(target))
    np.testing.assert_allclose(rows.sum(axis=1), 1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_conversion_carries_units_axes_and_shared_joints(seed: int) -> None:
    clip = Clip(positions=walk(seed), layout=NTU25, fps=30.0)
    azure = convert(clip, layout_named("azure32"))
    elbow = azure.positions[:, :, azure.layout.index("left_elbow")]
    np.testing.assert_allclose(elbow, clip.positions[:, :, 5] * [1000, -1000, -1000], rtol=1e-5, atol=1e-3)
    back = convert(azure, NTU25)
    shared = [joint for joint, name in enumerate(NTU25.joints) if name in azure.layout.joints]
    np.testing.assert_allclose(back.positions[:, :, shared], clip.positions[:, :, shared], atol=1e-5)


def test_a_missing_joint_spreads_only_to_joints_mixed_from_it() -> None:
    positions = walk(0, layout=MEDIAPIPE33)
    positions[:, 3, MEDIAPIPE33.index("left_hip")] = np.nan
    converted = convert(Clip(positions=positions, layout=MEDIAPIPE33, fps=None), KINECT20)
    lost = {KINECT20.joints[joint] for joint in np.flatnonzero(~converted.tracked[0, 3])}
    assert lost == {"left_hip", "pelvis", "spine_shoulder", "spine"}  # the trunk is measured between hips and shoulders
    assert converted.tracked[0, 2].all()


def standing(layout: Layout) -> Clip:
    """Three frames of somebody who stands in a T in a Kinect's proportions, in any layout that has limbs and head."""
    places = {"pelvis": (0, 0.19), "spine": (0, 0.349), "spine_shoulder": (0, 1.25), "head": (0, 1.76)}
    arm, leg = {"shoulder": 0.4, "elbow": 1.1, "wrist": 1.7, "hand": 1.88}, {"hip": 0, "knee": -1, "ankle": -2}
    for side, sign in (("left", -1), ("right", 1)):
        places |= {f"{side}_{joint}": (sign * x, 1) for joint, x in arm.items()}
        places |= {f"{side}_{joint}": (sign * 0.2, y) for joint, y in leg.items()}
        places[f"{side}_foot"] = (sign * 0.2, -2.16)
    positions = np.array([[(*places[joint], 0) for joint in KINECT20.joints]] * 3, np.float32)
    return convert(Clip(positions=positions[None], layout=KINECT20, fps=30.0), layout)


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.C == 3])
def test_joints_that_a_kinect_has_elsewhere_or_alone_come_where_it_has_them(name: str) -> None:
    back = convert(standing(LAYOUTS[name]), KINECT20)
    np.testing.assert_allclose(back.positions, standing(KINECT20).positions, atol=0.05)


def test_a_pelvis_between_the_hips_is_that_in_both_directions() -> None:
    human = standing(layout_named("h36m17"))  # z is up
    np.testing.assert_allclose(human.positions[0, 0, human.layout.index("pelvis")], 0, atol=1e-6)
    np.testing.assert_allclose(human.positions[0, 0, human.layout.index("spine_shoulder")], [0, 0, 1], atol=1e-6)
    optical = convert(human, layout_named("hdm31"))
    np.testing.assert_allclose(optical.positions[0, 0, optical.layout.index("pelvis")], 0, atol=1e-6)


@pytest.mark.parametrize("name", ["ntu25", "hdm31", "azure32"])
def test_joints_of_their_own_are_taken_as_they_are(name: str) -> None:
    layout = layout_named(name)
    mixture = joint_mixture(layout, KINECT20)
    for joint in set(KINECT20.joints) & set(layout.joints):
        assert mixture[KINECT20.index(joint)].nonzero()[0].tolist() == [layout.index(joint)]


def test_pixels_do_not_become_metres() -> None:
    flat = Clip(positions=walk(0, layout=COCO17), layout=COCO17, fps=30.0, source="pose.json")
    with pytest.raises(SkeltextError, match=r"pose\.json: layout coco17 has 2 coordinates"):
        convert(flat, NTU25)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-3.1, 3.1))
def test_the_sound_preparation_does_not_see_where_a_body_stands_or_faces(seed: int, angle: float) -> None:
    recipe = preprocessing_named("sound50", layout="ntu25", bodies=1)
    x = walk(seed)
    somewhere = np.array([1.5, 0.2, 3])
    turned = somewhere + steps._turn(x, np.full((1, 20), np.cos(angle)), np.full((1, 20), np.sin(angle)))
    ours, theirs = (
        recipe(Clip(positions=positions.astype(np.float32), layout=NTU25, fps=30.0)) for positions in (x, turned)
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_facing_forward_leaves_no_depth_between_the_shoulders(seed: int) -> None:
    turned = steps.face_forward(walk(seed), NTU25, shortest=0.0)
    across = turned[:, :, 8] - turned[:, :, 4]
    np.testing.assert_allclose(across[..., 2], 0, atol=1e-5)
    assert (across[..., 0] >= 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_gaps_are_bridged_and_what_was_tracked_is_kept(seed: int) -> None:
    x = walk(seed, bodies=2)
    generator = np.random.default_rng(seed)
    holes = x.copy()
    holes[generator.random(x.shape[:3]) < 0.3] = np.nan
    holes[0, :, 7] = np.nan
    holes[:, 0, 0], holes[:, -1, 0] = x[:, 0, 0], x[:, -1, 0]
    filled = steps.fill_gaps(holes, NTU25)
    assert not np.isnan(filled).any()
    kept = ~np.isnan(holes)
    np.testing.assert_array_equal(filled[kept], holes[kept])


def test_an_empty_stretch_at_the_ends_is_cut_and_an_absent_body_stays_absent() -> None:
    x = walk(0, bodies=2)
    x[1] = np.nan
    x[:, :4] = np.nan
    x[:, 17:] = np.nan
    filled = steps.fill_gaps(x, NTU25)
    assert filled.shape[1] == 13
    assert np.isnan(filled[1]).all()
    with pytest.raises(SkeltextError, match="no joint is tracked"):
        steps.fill_gaps(np.full_like(x, np.nan), NTU25)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 90), st.integers(1, 70))
def test_resampling_keeps_a_straight_line_straight(length: int, frames: int) -> None:
    line = np.arange(length, dtype=np.float32)[None, :, None, None] * np.ones((1, 1, 20, 3), np.float32)
    resampled = steps.resample(line, KINECT20, frames=frames)[0, :, 0, 0]
    assert resampled.shape == (frames,)
    assert (np.diff(resampled) >= 0).all()
    assert resampled[0] >= 0
    assert resampled[-1] <= length - 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.1, 1000))
def test_scaling_by_the_torso_forgets_the_size(seed: int, size: float) -> None:
    x = walk(seed)
    np.testing.assert_allclose(
        steps.scale_by_torso(x * np.float32(size), NTU25), steps.scale_by_torso(x, NTU25), rtol=1e-3, atol=1e-4
    )


def test_of_three_bodies_the_two_that_move_most_are_kept_in_order() -> None:
    x = np.concatenate([walk(1), walk(2) * 0 + 1, walk(3)])
    assert steps.most_moving(x, bodies=2).tolist() == [0, 2]
    assert steps.the_one_who_moves_most(x, bodies=2).tolist() == [int(steps.motion(x).argmax())]


@pytest.mark.parametrize(
    ("apart", "absent", "kept"),
    [(0.1, 0, [0, 1]), (0.8, 0, [0, 1]), (1.2, 0, [0]), (0.1, 20, [0, 1]), (0.1, 40, [0])],
)
def test_two_people_are_together_where_they_are_near_and_both_there(apart: float, absent: int, kept: list[int]) -> None:
    one = walk(1, frames=60)
    spread = np.linalg.norm(one - one.mean(axis=2, keepdims=True), axis=-1).mean()
    other = one[:, :1] + np.float32([0, 0, apart * steps.FAR * spread]) + 0 * one
    other[:, :absent] = np.nan
    assert steps.those_together(np.concatenate([one, other]), bodies=2).tolist() == kept


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"joints": ("a", "a")}, "2 joints with 1 different names"),
        ({"parents": (-1, 7)}, "lead nowhere"),
        ({"parents": (1, 0)}, "lead nowhere"),
        ({"parents": (-1, -1)}, "2 roots"),
        ({"centre": "c"}, "none of its joints"),
        ({"unit": "ell"}, "unit 'ell'"),
        ({"midpoints": ("a",)}, "midpoints a, expected joints of it among neck, pelvis"),
    ],
)
def test_a_layout_that_is_no_skeleton_is_refused(change: dict[str, object], sentence: str) -> None:
    fields: dict[str, object] = {"name": "x", "joints": ("a", "b"), "parents": (-1, 0), "centre": "a"}
    with pytest.raises(SkeltextError, match=sentence):
        Layout(**(fields | change))  # type: ignore[arg-type]
