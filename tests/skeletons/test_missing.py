"""Joints that were not tracked are put where the others tell, and a body without a trunk is refused."""

from __future__ import annotations

import numpy as np
import pytest

from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.encoders.kinematic import Kinematic
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, KINECT20, NTU25
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.skeletons.steps import fill_gaps

SIDES = ("left", "right")
PLACES = {"pelvis": (0, 0.19), "spine": (0, 0.349), "spine_shoulder": (0, 1.25), "head": (0, 1.76)} | {
    f"{side}_{joint}": ((-1, 1)[side == "right"] * x, y)
    for side in SIDES
    for joint, (x, y) in {
        **{"shoulder": (0.42, 1), "elbow": (0.5, 0.34), "wrist": (0.56, -0.22), "hand": (0.58, -0.4)},
        **{"hip": (0.19, 0), "knee": (0.19, -1.15), "ankle": (0.19, -2.05), "foot": (0.19, -2.2)},
    }.items()
}


def standing(*, frames: int = 12) -> np.ndarray:
    """(1, T, V, C) somebody of a Kinect's proportions, arms down, who walks in a curve without moving a limb."""
    body = np.array([(*PLACES[joint], 0) for joint in KINECT20.joints], np.float32)
    path = np.linspace(0, 1, frames)[:, None] ** 2 * np.array([1, 0.1, 2])
    return (body[None] + path[:, None]).astype(np.float32)[None]


def without(x: np.ndarray, *joints: str, layout: Layout = KINECT20, frames: slice = slice(None)) -> np.ndarray:
    x = x.copy()
    x[:, frames, [layout.index(joint) for joint in joints]] = np.nan
    return x


def both(*joints: str) -> tuple[str, ...]:
    return tuple(f"{side}_{joint}" for joint in joints for side in SIDES)


ARM, LEG = ("elbow", "wrist", "hand"), ("knee", "ankle", "foot")
LOST = [
    *((joint,) for joint in KINECT20.joints),
    both("hand", "foot"),
    both("wrist", "hand"),
    both(*LEG),
    both("hip"),
    (*both("hip"), "pelvis"),
    both("shoulder"),
    ("pelvis", "spine", *both("hip", *LEG)),
    tuple(f"left_{joint}" for joint in ("shoulder", *ARM)),
    tuple(f"left_{joint}" for joint in ("shoulder", "hip", *ARM, *LEG)),
]


@pytest.mark.parametrize("lost", LOST, ids=" ".join)
def test_a_joint_that_is_never_tracked_is_where_it_is_in_somebody_who_stands(lost: tuple[str, ...]) -> None:
    filled = fill_gaps(without(standing(), *lost), KINECT20)
    np.testing.assert_allclose(filled, standing(), atol=0.25)


def test_in_a_gap_a_joint_moves_with_the_body() -> None:
    for joint in KINECT20.joints:
        filled = fill_gaps(without(standing(), joint, frames=slice(2, 10)), KINECT20)
        np.testing.assert_allclose(filled, standing(), atol=1e-4)  # a straight line would be off by 0.4


def test_legs_hang_down_on_any_up_axis() -> None:
    legs = both("knee", "ankle")
    flat = np.zeros((1, 3, COCO17.V, 2), np.float32)
    for joint in (name for name in COCO17.joints if name in PLACES):
        flat[:, :, COCO17.index(joint)] = np.array(PLACES[joint]) * [100, -100]  # y is down
    filled = fill_gaps(without(flat, *legs, layout=COCO17), COCO17)
    assert filled[0, 0, COCO17.index("left_ankle"), 1] > filled[0, 0, COCO17.index("left_knee"), 1] + 50 > 100


def test_what_a_picture_never_shows_of_one_side_is_behind_the_other() -> None:
    aside = np.zeros((1, 3, COCO17.V, 2), np.float32)
    for joint in COCO17.joints:
        height, _, part = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"), *joint.partition("_")[1:]
        aside[:, :, COCO17.index(joint)] = [10 * height.index(part) ** 2, 99] if part in height else [10, -50]
    hidden = [joint for joint in COCO17.joints if joint.startswith("right")]
    np.testing.assert_allclose(fill_gaps(without(aside, *hidden, layout=COCO17), COCO17), aside, atol=1e-3)


@pytest.mark.parametrize("layout", [KINECT20, NTU25, COCO17], ids=lambda layout: layout.name)
def test_a_body_that_shows_no_trunk_is_refused_in_a_sentence(layout: Layout) -> None:
    trunkless = np.full((1, 4, layout.V, layout.C), np.nan, np.float32)
    trunkless[:, :, layout.index("left_wrist")] = 1
    with pytest.raises(SkeltextError, match=r"^made up: left_hip .* are never tracked .*; give a recording"):
        preprocessing_named("gaps64" if layout.C == 3 else "flat50", layout=layout.name, bodies=1)(
            Clip(positions=trunkless, layout=layout, fps=30.0, source="made up")
        )


@pytest.mark.parametrize("lost", ["hands", "feet", "pelvis", "at random"])
def test_a_motion_is_described_alike_with_and_without_some_joints(lost: str) -> None:
    prepare, encoder = preprocessing_named("gaps64", layout="kinect20", bodies=1), Kinematic(layout=KINECT20)
    clips = [builtin_clip(action=action, subject=0, repetition=0) for action in ("walk forward", "wave the right hand")]
    gone = np.random.default_rng(0).random(clips[0].positions.shape[:3]) < 0.22
    if lost != "at random":
        gone[:] = [lost.removesuffix("s").replace("feet", "foot") in joint for joint in clips[0].layout.joints]
    positions = np.where(gone[..., None], np.nan, clips[0].positions).astype(np.float32)
    shown = [*clips, Clip(positions=positions, layout=clips[0].layout, fps=30.0)]
    walk, wave, holes = encoder.encode(np.stack([prepare(clip) for clip in shown]))
    assert np.abs(holes - walk).mean() < 0.25 * np.abs(wave - walk).mean()
