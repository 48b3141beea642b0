"""The kinematic description: what does not count does not change it, and what counts does."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.encoders.fixed import Floats
from skeltext.encoders.kinematic import DISTANCES, Kinematic, cosines, distances, facing_forward, segment_means
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20
from skeltext.skeletons.preprocessing import preprocessing_named

ENCODER = Kinematic(layout=KINECT20)
PREPARE = preprocessing_named("gaps64", layout="kinect20", bodies=1)


def prepared(action: str, *, subject: int = 0) -> Floats:
    """(C, T, V, M) of a built-in motion."""
    return PREPARE(builtin_clip(action=action, subject=subject, repetition=0))


def described(clip: Floats) -> Floats:
    """(D,) the description of one clip."""
    return np.asarray(ENCODER.encode(clip[None])[0])


@pytest.fixture(scope="module")
def walk() -> Floats:
    return prepared("walk forward")


@pytest.mark.parametrize("angle", [0.5, 2.0, -3.0])
def test_place_size_and_direction_do_not_count(walk: Floats, angle: float) -> None:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    moved = 1.3 * np.einsum("dc,ctvm->dtvm", turn, walk) + np.array([3.0, 0.2, -5.0])[:, None, None, None]
    np.testing.assert_allclose(described(moved.astype(np.float32)), described(walk), atol=2e-3)


def test_the_frame_rate_hardly_counts(walk: Floats) -> None:
    clip = builtin_clip(action="walk forward", subject=0, repetition=0)
    half = Clip(positions=clip.positions[:, ::2], layout=clip.layout, fps=15.0)
    other = described(prepared("wave the right hand"))
    assert np.abs(described(PREPARE(half)) - described(walk)).mean() < 0.1 * np.abs(other - described(walk)).mean()


def test_walking_is_not_marching_on_the_spot(walk: Floats) -> None:
    pelvis = walk[:, :, :1]
    marching = walk - (pelvis - pelvis[:, :1]) * np.array([1, 0, 1])[:, None, None, None]
    one, other = described(walk), described(marching.astype(np.float32))
    changed = np.flatnonzero(np.abs(one - other) > 0.05)
    assert len(changed) > 10
    still = facing_forward(marching.transpose(3, 1, 2, 0).astype(np.float32), KINECT20).root[..., [0, 2]]
    assert np.abs(still).max() < 1e-4 < 0.5 < np.abs(root_of(walk)[..., [0, 2]]).max()


def root_of(clip: Floats) -> Floats:
    return facing_forward(clip.transpose(3, 1, 2, 0), KINECT20).root


def test_the_body_faces_forward_from_its_pelvis_with_a_torso_of_one(walk: Floats) -> None:
    joints = facing_forward(walk.transpose(3, 1, 2, 0), KINECT20).joints[0]  # T V C
    across = joints[:, KINECT20.index("right_shoulder")] - joints[:, KINECT20.index("left_shoulder")]
    assert (across[:, 0] > 0).all()
    np.testing.assert_allclose(across[:, 2], 0, atol=1e-4)
    np.testing.assert_allclose(joints[:, KINECT20.index("pelvis")], 0, atol=1e-6)
    middle = [
        (joints[:, KINECT20.index(f"left_{part}")] + joints[:, KINECT20.index(f"right_{part}")]) / 2
        for part in ("shoulder", "hip")
    ]
    assert np.median(np.linalg.norm(middle[0] - middle[1], axis=1)) == pytest.approx(1, abs=1e-4)


def test_a_mirrored_motion_has_mirrored_distances(walk: Floats) -> None:
    swapped = [KINECT20.index(swap(name)) for name in KINECT20.joints]
    mirrored = walk[:, :, swapped] * np.array([-1, 1, 1])[:, None, None, None]
    one, other = (
        distances(facing_forward(clip.transpose(3, 1, 2, 0).astype(np.float32), KINECT20).joints, KINECT20)[0]
        for clip in (walk, mirrored)
    )
    pairs = [frozenset(map(swap, pair)) for pair in DISTANCES]
    for place, pair in enumerate(DISTANCES):
        np.testing.assert_allclose(one[:, place], other[:, pairs.index(frozenset(pair))], atol=1e-4)


def swap(name: str) -> str:
    side, _, rest = name.partition("_")
    return f"{ {'left': 'right', 'right': 'left'}.get(side, side) }_{rest}" if rest else name


@pytest.mark.parametrize("frames", [1, 2, 7, 300])
def test_still_and_short_and_long_clips_have_finite_numbers(walk: Floats, frames: int) -> None:
    still = np.repeat(walk[:, :1], frames, axis=1)
    for clip in (still, np.zeros_like(still)):
        found = described(clip)
        assert found.shape == (1922,)
        assert np.isfinite(found).all()


def test_of_two_bodies_the_mean_counts_and_nobody_does_not(walk: Floats) -> None:
    wave = prepared("wave the right hand")
    both = np.concatenate([walk, wave], axis=3)
    np.testing.assert_allclose(described(both), (described(walk) + described(wave)) / 2, rtol=1e-4, atol=1e-5)
    alone = np.concatenate([walk, np.zeros_like(walk)], axis=3)
    np.testing.assert_allclose(described(alone), described(walk), atol=1e-6)


def test_parts_of_the_time_and_angles_are_what_they_say() -> None:
    x = np.arange(8, dtype=np.float32).reshape(1, 8, 1)
    assert segment_means(x, 4).tolist() == [[0.5, 2.5, 4.5, 6.5]]
    joints = np.zeros((1, 1, 20, 3), np.float32)
    for name, place in (("left_shoulder", (0, 1, 0)), ("left_elbow", (0, 0, 0)), ("left_wrist", (0, 1, 0))):
        joints[0, 0, KINECT20.index(name)] = place
    assert cosines(joints, KINECT20)[0, 0, 0] == pytest.approx(1)  # a folded arm
    joints[0, 0, KINECT20.index("left_wrist")] = (0, -1, 0)
    assert cosines(joints, KINECT20)[0, 0, 0] == pytest.approx(-1)  # a straight one


def test_it_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np\nfrom skeltext.encoders.kinematic import Kinematic\n"
        "from skeltext.skeletons.layouts import KINECT20\n"
        "Kinematic(layout=KINECT20).encode(np.ones((1, 3, 9, 20, 1), np.float32))\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
