"""Two people described together: who is first does not count, what they do to each other does."""

from __future__ import annotations

import numpy as np
import pytest

from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.encoders.fixed import Floats
from skeltext.encoders.kinematic import Kinematic
from skeltext.encoders.kinematic_pair import KinematicPair, together
from skeltext.skeletons.layouts import KINECT20
from skeltext.skeletons.preprocessing import preprocessing_named

ALONE, PAIR = Kinematic(layout=KINECT20), KinematicPair(layout=KINECT20)
ABOUT_BOTH = slice(ALONE.width, None)


def body(action: str) -> Floats:
    """(C, T, V, M) of a built-in motion that starts above the origin."""
    prepare = preprocessing_named("gaps64", layout="kinect20", bodies=1)
    clip = prepare(builtin_clip(action=action, subject=0, repetition=0))
    return moved(clip, -clip[0, 0, 0, 0], -clip[2, 0, 0, 0])


def turned(clip: Floats, angle: float) -> Floats:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    return np.einsum("dc,ctvm->dtvm", turn, clip).astype(np.float32)


def moved(clip: Floats, x: float, z: float) -> Floats:
    return clip + np.array([x, 0, z], np.float32)[:, None, None, None]


@pytest.fixture(scope="module")
def two() -> Floats:
    """Somebody walks towards a person who stands opposite and waves."""
    walk, wave = body("walk forward"), body("wave the right hand")
    return np.concatenate([walk, moved(turned(wave, np.pi), 0.1, -3.0)], axis=3)


def described(clip: Floats) -> Floats:
    return np.asarray(PAIR.encode(clip[None])[0])


def test_who_is_first_does_not_count(two: Floats) -> None:
    np.testing.assert_allclose(described(two), described(two[..., ::-1]), atol=1e-5)


@pytest.mark.parametrize("angle", [0.7, -2.5])
def test_where_they_are_does_not_count(two: Floats, angle: float) -> None:
    other = moved(turned(1.2 * two, angle), 2.0, -1.0)
    np.testing.assert_allclose(described(other), described(two), atol=5e-3)


def test_a_body_alone_is_described_as_ever(two: Floats) -> None:
    for clip in (two[..., :1], np.concatenate([two[..., :1], np.zeros_like(two[..., :1])], axis=3)):
        found = described(clip)
        assert not found[ABOUT_BOTH].any()
        np.testing.assert_allclose(found[: ALONE.width], ALONE.encode(clip[None])[0], atol=1e-6)
    assert np.abs(described(two)[ABOUT_BOTH]).max() > 1


def test_of_three_bodies_every_two_count(two: Floats) -> None:
    three = np.concatenate([two, moved(two[..., :1], 1.0, 0.5)], axis=3)
    pairs = [described(three[..., [a, b]])[ABOUT_BOTH] for a, b in ((0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(described(three)[ABOUT_BOTH], np.mean(pairs, axis=0), atol=1e-5)


def test_it_tells_facing_from_turning_away_and_coming_from_going() -> None:
    still = body("wave the right hand")[:, :1].repeat(16, axis=1).transpose(3, 1, 2, 0)  # M T V C
    far = np.array([0, 0, -1.5], np.float32)  # where the right hand is at +x, ahead is -z
    back = turned(still.transpose(3, 1, 2, 0), np.pi).transpose(3, 1, 2, 0)
    facing, behind = together(still, back + far, KINECT20)[0], together(still, still + far, KINECT20)[0]
    least = {"they see each other": 4, "headings alike": 1}  # first segment means of these numbers
    assert facing[least["they see each other"]] > 0.9 > 0 > behind[least["they see each other"]]
    assert facing[least["headings alike"]] < -0.9 < 0.9 < behind[least["headings alike"]]
    steps = np.linspace(0, -1, 16, dtype=np.float32)[:, None, None] * np.array([0, 0, 1], np.float32)
    coming, going = (together(still, back + far - sign * steps, KINECT20)[0] for sign in (1, -1))
    pelvises = slice(0, None, 16)  # the distance of the pelvises, segment by segment
    assert (np.diff(coming[pelvises][:8]) < 0).all()
    assert (np.diff(going[pelvises][:8]) > 0).all()
