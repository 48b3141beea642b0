"""The forms in which a training clip is shown: through other layouts, and as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, H36M17, KINECT20, LAYOUTS, NTU25
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.skeletons.variants import PITCH, YAW, flat, seen_from, seen_from_somewhere, through, variants

ANGLES = st.floats(-180, 180)


def a_clip(layout=KINECT20, *, seed: int = 0, source: str = "made up") -> Clip:  # type: ignore[no-untyped-def]
    """A body of random joints that drift."""
    x = np.random.default_rng(seed).normal(size=(1, 9, layout.V, layout.C)).astype(np.float32)
    return Clip(positions=x, layout=layout, fps=30.0, source=source)


@settings(max_examples=30, deadline=None)
@given(yaw=ANGLES, pitch=ANGLES)
def test_a_picture_never_lengthens(yaw: float, pitch: float) -> None:
    clip = a_clip()
    picture = seen_from(clip, yaw=yaw, pitch=pitch)
    assert picture.positions.shape == (1, 9, 20, 2)
    lengths = [np.linalg.norm(one.positions, axis=3) for one in (clip, picture)]
    assert (lengths[1] <= lengths[0] * (1 + 1e-5) + 1e-5).all()


def turned(clip: Clip, degrees: float) -> Clip:
    """The clip turned about the vertical axis."""
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]], np.float32)
    return Clip(positions=clip.positions @ turn.T, layout=clip.layout, fps=clip.fps)


def facing(degrees: float = 0.0, *, layout: Layout = KINECT20) -> Clip:
    """A body that stands with its shoulders 0.4 apart, right hand forward, and has been turned."""
    x = np.zeros((1, 3, layout.V, 3), np.float32)
    x[:, :, layout.index("left_shoulder")] = [-0.2, 1.4, 0]
    x[:, :, layout.index("right_shoulder")] = [0.2, 1.4, 0]
    x[:, :, layout.index("right_wrist")] = [0.2, 1.4, -0.6]  # x to its right and y up make -z ahead
    return turned(Clip(positions=x, layout=layout, fps=30.0), degrees)


@settings(max_examples=20, deadline=None)
@given(degrees=ANGLES, yaw=st.floats(-80, 80), pitch=st.floats(-60, 60))
def test_the_camera_stands_before_the_body_however_it_was_turned(degrees: float, yaw: float, pitch: float) -> None:
    plain, other = (seen_from(facing(angle), yaw=yaw, pitch=pitch).positions for angle in (0.0, degrees))
    np.testing.assert_allclose(other, plain, atol=1e-5)


def test_left_is_right_and_a_camera_above_sees_what_is_near_below() -> None:
    left, right, wrist = (KINECT20.index(joint) for joint in ("left_shoulder", "right_shoulder", "right_wrist"))
    ahead = seen_from(facing()).positions[0, 0]
    np.testing.assert_allclose(ahead[[left, right, wrist]], [[0.2, -1.4], [-0.2, -1.4], [-0.2, -1.4]], atol=1e-6)
    above = seen_from(facing(), pitch=30).positions[0, 0]
    assert above[wrist, 1] > above[right, 1] + 0.2  # y is down: the hand that is held out is lower in the picture
    aside = seen_from(facing(), yaw=90).positions[0, 0]
    assert abs(aside[wrist, 0] - aside[right, 0]) > 0.5


def test_up_is_up_whatever_axis_a_layout_has() -> None:
    standing = np.zeros((1, 2, H36M17.V, 3), np.float32)
    standing[..., 2] = 1.7  # z is up in h36m17
    picture = seen_from(Clip(positions=standing, layout=H36M17, fps=None))
    np.testing.assert_allclose(picture.positions[..., 1], -1.7, atol=1e-6)
    assert picture.layout == flat(H36M17)


def test_a_body_whose_shoulders_are_never_seen_is_seen_all_the_same() -> None:
    clip = facing()
    clip.positions[:, :, KINECT20.index("left_shoulder")] = np.nan
    assert np.isfinite(seen_from(clip).positions[0, 0, KINECT20.index("right_wrist")]).all()


def test_views_differ_and_are_the_same_in_every_run() -> None:
    clip, other = a_clip(source="a"), a_clip(source="b")
    first = [seen_from_somewhere(clip, number).positions for number in range(4)]
    again = [seen_from_somewhere(clip, number).positions for number in range(4)]
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    np.testing.assert_array_equal(first[0], seen_from(clip).positions)
    assert all(np.abs(first[a] - first[b]).max() > 1e-2 for a in range(4) for b in range(a))
    assert np.abs(first[1] - seen_from_somewhere(other, 1).positions).max() > 1e-2
    assert YAW <= 90  # a camera stays before the body
    assert PITCH < 45


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.C == 3])
def test_through_any_layout_a_clip_keeps_its_own(name: str) -> None:
    clip = a_clip()
    come = through(clip, LAYOUTS[name])
    assert come.layout == KINECT20
    shared = [KINECT20.index(joint) for joint in ("left_elbow", "right_knee", "left_ankle", "right_hip")]
    np.testing.assert_allclose(come.positions[:, :, shared], clip.positions[:, :, shared], atol=1e-4)


def test_forms_are_the_clip_and_its_ways_or_its_views_alone() -> None:
    clip = a_clip()
    forms = [form(clip) for form in variants(layouts=("h36m17",))]
    assert forms[0] is clip
    assert len(forms) == 2
    assert all(form(clip).layout.C == 2 for form in variants(views=3))


def test_a_flat_recipe_takes_pictures_and_bodies_alike() -> None:
    recipe = preprocessing_named("flat50", layout="coco17", bodies=1)
    body, picture = a_clip(NTU25), a_clip(COCO17)
    assert recipe(body).shape == recipe(picture).shape == (2, 50, 17, 1)
    np.testing.assert_allclose(recipe(body), recipe(seen_from(body)), atol=1e-6)
