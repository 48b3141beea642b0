"""Frame rate, noise of joints and the tilt of a camera hardly change what a motion is described by."""

from __future__ import annotations

import numpy as np
import pytest

from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.encoders.kinematic import Kinematic
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import COCO17, KINECT20, NTU25
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.skeletons.steadying import remove_jitter, stand_upright

ACTIONS = ("walk forward", "wave the right hand", "squat", "jump", "bow", "kick forward with the right leg")
ENCODER = Kinematic(layout=KINECT20)


def motions() -> list[np.ndarray]:
    """(M, T, V, C) of every action."""
    clips = [builtin_clip(action=action, subject=0, repetition=0) for action in ACTIONS]
    return [convert(clip, KINECT20).positions for clip in clips]


def described(motions: list[np.ndarray], recipe: str = "steady64") -> np.ndarray:
    prepare = preprocessing_named(recipe, layout="kinect20", bodies=1)
    return ENCODER.encode(np.stack([prepare(Clip(positions=x, layout=KINECT20, fps=None)) for x in motions]))


def likeness(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(N,) cosines of standardized descriptions."""
    mean, scale = ours.mean(axis=0), ours.std(axis=0) + 0.05
    one, other = ((features - mean) / scale for features in (ours, theirs))
    return (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def at_rate(x: np.ndarray, factor: float) -> np.ndarray:
    """The same time with `factor` times as many frames."""
    at = np.linspace(0, x.shape[1] - 1, round(x.shape[1] * factor))
    before = np.minimum(at.astype(int), x.shape[1] - 2)
    share = (at - before)[None, :, None, None]
    return (x[:, before] * (1 - share) + x[:, before + 1] * share).astype(np.float32)


def noisy(x: np.ndarray, millimetres: float = 20.0) -> np.ndarray:
    return (x + millimetres / 1000 * np.random.default_rng(0).normal(size=x.shape)).astype(np.float32)


def tilted(x: np.ndarray, *, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    a, b = np.radians([pitch, roll])
    one = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    other = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    return (x @ (one @ other).T).astype(np.float32)


@pytest.mark.parametrize("factor", [1 / 3, 2, 4])
def test_the_frame_rate_hardly_counts(factor: float) -> None:
    assert likeness(described(motions()), described([at_rate(x, factor) for x in motions()])).min() > 0.9


def test_noise_of_two_centimetres_hardly_counts() -> None:
    shaken = [noisy(at_rate(x, factor)) for x, factor in zip(motions(), (1, 4, 1, 4, 1, 4), strict=True)]
    kept = likeness(described(motions()), described(shaken))
    assert kept.min() > 0.85
    assert likeness(described(motions(), "gaps64"), described(shaken, "gaps64")).mean() < kept.mean() - 0.1


@pytest.mark.parametrize("tilt", [{"pitch": 20.0}, {"pitch": -20.0}, {"roll": 20.0}, {"pitch": 12.0, "roll": -12.0}])
def test_a_tilted_camera_hardly_counts(tilt: dict[str, float]) -> None:
    shown = [tilted(x, **tilt) for x in motions()]
    kept = likeness(described(motions()), described(shown))
    assert kept.min() > 0.95
    assert likeness(described(motions(), "gaps64"), described(shown, "gaps64")).mean() < kept.mean() - 0.1


def test_a_clean_path_stays_and_noise_goes() -> None:
    path = np.sin(np.linspace(0, 9, 90))[None, :, None, None] * np.ones((1, 1, 20, 3), np.float32)
    np.testing.assert_allclose(remove_jitter(path, KINECT20), path, atol=5e-3)
    left = np.abs(remove_jitter(noisy(path), KINECT20) - path).mean()
    assert left < 0.6 * np.abs(noisy(path) - path).mean()
    both = np.concatenate([noisy(path), np.full_like(path, np.nan)])
    assert np.isnan(remove_jitter(both, KINECT20)[1]).all()
    np.testing.assert_allclose(remove_jitter(both, KINECT20)[0], remove_jitter(noisy(path), KINECT20)[0], atol=1e-5)
    np.testing.assert_array_equal(remove_jitter(path[:, :5], KINECT20), path[:, :5])


def test_who_lies_or_sits_or_has_no_legs_is_left_as_they_are() -> None:
    walk = motions()[0]
    lying = tilted(walk, roll=80)
    np.testing.assert_array_equal(stand_upright(lying, KINECT20), lying)
    sitting = tilted(walk, pitch=20)
    for side in ("left", "right"):
        sitting[:, :, KINECT20.index(f"{side}_ankle")] = sitting[:, :, KINECT20.index(f"{side}_hip")]
    np.testing.assert_array_equal(stand_upright(sitting, KINECT20), sitting)
    for layout in (COCO17, NTU25):
        nobody = np.full((2, 4, layout.V, layout.C), np.nan, np.float32)
        assert np.isnan(stand_upright(nobody, layout)).all()


def test_two_people_are_turned_as_one() -> None:
    walk, wave = motions()[0], motions()[1]
    frames = min(walk.shape[1], wave.shape[1])
    level = np.concatenate([walk[:, :frames], wave[:, :frames] + np.float32(1)])
    shown, upright = (stand_upright(x, KINECT20) for x in (tilted(level, roll=20), level))
    ways = [x[1] - x[0] for x in (shown, upright)]
    np.testing.assert_allclose(ways[0], ways[1], atol=0.02)
