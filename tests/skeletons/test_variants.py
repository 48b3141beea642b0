"""The forms in which a training clip is shown: through other layouts, and as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.skeletons.clip import Clip
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
def test_a_picture_never_lengthens_and_from_ahead_loses_depth_alone(yaw: float, pitch: float) -> None:
    clip = a_clip()
    picture = seen_from(clip, yaw=yaw, pitch=pitch)
    assert picture.positions.shape == (1, 9, 20, 2)
    lengths = [np.linalg.norm(one.positions, axis=3) for one in (clip, picture)]
    assert (lengths[1] <= lengths[0] * (1 + 1e-5) + 1e-6).all()
    ahead = seen_from(clip).positions
    np.testing.assert_allclose(ahead, clip.positions[..., :2] * [1, -1], atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(yaw=ANGLES)
def test_walking_the_camera_is_turning_the_body(yaw: float) -> None:
    clip = a_clip()
    a = np.radians(yaw)
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]], np.float32)
    turned = Clip(positions=clip.positions @ turn.T, layout=KINECT20, fps=30.0)
    np.testing.assert_allclose(seen_from(clip, yaw=yaw).positions, seen_from(turned).positions, atol=1e-5)


def test_up_is_up_whatever_axis_a_layout_has() -> None:
    standing = np.zeros((1, 2, H36M17.V, 3), np.float32)
    standing[..., 2] = 1.7  # z is up in h36m17
    picture = seen_from(Clip(positions=standing, layout=H36M17, fps=None))
    np.testing.assert_allclose(picture.positions[..., 1], -1.7, atol=1e-6)
    assert picture.layout == flat(H36M17)


def test_views_differ_and_are_the_same_in_every_run() -> None:
    clip, other = a_clip(source="a"), a_clip(source="b")
    first = [seen_from_somewhere(clip, number).positions for number in range(4)]
    again = [seen_from_somewhere(clip, number).positions for number in range(4)]
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    np.testing.assert_array_equal(first[0], seen_from(clip).positions)
    assert all(np.abs(first[a] - first[b]).max() > 1e-2 for a in range(4) for b in range(a))
    assert np.abs(first[1] - seen_from_somewhere(other, 1).positions).max() > 1e-2
    assert YAW < 90  # a camera stays before the body
    assert PITCH < 45


@pytest.mark.parametrize("name", [name for name, layout in LAYOUTS.items() if layout.C == 3])
def test_through_any_layout_a_clip_keeps_its_own(name: str) -> None:
    clip = a_clip()
    come = through(clip, LAYOUTS[name])
    assert come.layout == KINECT20
    shared = [KINECT20.index(joint) for joint in ("left_elbow", "right_knee", "left_wrist", "right_hip")]
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
