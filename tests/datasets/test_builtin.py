"""The built-in motion set: anatomy, physics, symmetry, what each action claims to do, and that it can be learnt."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skeltext.datasets.builtin.actions import ACTIONS, BUILTIN_CLASSES, BUILTIN_SPLITS, Action, builtin_clip, perform
from skeltext.datasets.builtin.body import Body, two_link
from skeltext.datasets.builtin.subjects import SUBJECTS, Subject
from skeltext.errors import SkeltextError
from skeltext.skeletons.layouts import NTU25

PLAIN = Subject(body=Body(height=1.72))
MIRRORED = [
    (action, other)
    for action in ACTIONS
    for other in ACTIONS
    if "right" in action.name and other.name == action.name.replace("right", "left")
]
Array = npt.NDArray[np.float64]


def action_named(name: str) -> Action:
    return ACTIONS[BUILTIN_CLASSES.index(name)]


@cache
def plain(name: str) -> Array:
    """(T, 25, 3) of the action by somebody without habits, before any sensor; the subject faces -z."""
    return perform(action_named(name), PLAIN, rng=np.random.default_rng(0))


def track(name: str, joint: str) -> Array:
    """(T, 3) of one joint, seen by the subject: to its right, up, forward."""
    return np.asarray(plain(name)[:, NTU25.index(joint)] * [1.0, 1.0, -1.0])


def performances(action: Action) -> list[tuple[Subject, Array]]:
    """What every subject makes of an action, before any sensor."""
    return [(subject, perform(action, subject, rng=np.random.default_rng(i))) for i, subject in enumerate(SUBJECTS)]


def test_the_classes_are_many_and_different() -> None:
    assert len(BUILTIN_CLASSES) == len(set(BUILTIN_CLASSES)) == 48
    assert len({(action.motion, action.parts) for action in ACTIONS}) == 48


def test_every_class_is_described() -> None:
    text = files("skeltext.texts").joinpath("descriptions", "builtin.json").read_text(encoding="utf-8")
    assert tuple(json.loads(text)) == BUILTIN_CLASSES


@pytest.mark.parametrize("unseen", BUILTIN_SPLITS.values(), ids=BUILTIN_SPLITS)
def test_every_part_of_an_unseen_class_is_seen(unseen: tuple[str, ...]) -> None:
    seen = [action for action in ACTIONS if action.name not in unseen]
    assert len(set(unseen)) == len(unseen) == 48 - len(seen)
    for action in map(action_named, unseen):
        side, *_ = action.parts
        for part in action.parts[1:]:
            assert any(part in other.parts for other in seen), (action.name, part)
        limbs = [part for part in action.parts if part in ("arms", "legs", "torso", "head")]
        for limb in limbs:
            assert any(other.parts[0] == side and limb in other.parts for other in seen), (action.name, side, limb)


def test_the_splits_hold_out_different_classes() -> None:
    assert len({name for unseen in BUILTIN_SPLITS.values() for name in unseen}) == 24


def test_a_clip_depends_on_its_four_numbers_alone() -> None:
    first = builtin_clip(action="clap", subject=3, repetition=1)
    builtin_clip(action="nod", subject=0, repetition=0)
    again = builtin_clip(action=BUILTIN_CLASSES.index("clap"), subject=3, repetition=1)
    assert np.array_equal(first.positions, again.positions, equal_nan=True)
    for subject, repetition, seed in ((4, 1, 0), (3, 2, 0), (3, 1, 1)):
        other = builtin_clip(action="clap", subject=subject, repetition=repetition, seed=seed)
        assert not np.array_equal(first.positions, other.positions, equal_nan=True)


def test_clips_are_whole_at_both_ends_and_lose_a_few_joints_between() -> None:
    clips = [builtin_clip(action=a, subject=s, repetition=0) for a in range(0, 48, 2) for s in range(len(SUBJECTS))]
    for clip in clips:
        assert clip.positions.shape == (1, clip.T, 25, 3)
        assert (clip.layout, clip.fps) == (NTU25, 30.0)
        assert 40 <= clip.T <= 110
        assert clip.tracked[0, :3].all()
        assert clip.tracked[0, -3:].all()
        assert np.nanmin(clip.positions[..., 2]) > 0.5  # before the sensor, even after walking towards it
    losing = np.mean([not clip.tracked.all() for clip in clips])
    lost = np.mean([1 - clip.tracked.mean() for clip in clips])
    assert 0.15 < losing < 0.6
    assert 0 < lost < 0.05


def test_the_first_frames_face_the_sensor_within_a_few_tens_of_degrees() -> None:
    for number in range(len(SUBJECTS)):
        start = builtin_clip(action="nod", subject=number, repetition=0).positions[0, :3].mean(axis=0)
        across = start[NTU25.index("right_shoulder")] - start[NTU25.index("left_shoulder")]
        assert across[0] > 0  # the subject's right is where x grows
        assert abs(np.rad2deg(np.arctan2(across[2], across[0]))) < 45


@pytest.mark.parametrize("action", ACTIONS, ids=BUILTIN_CLASSES)
def test_bones_keep_their_length_and_nothing_is_under_the_floor(action: Action) -> None:
    for _, places in performances(action):
        for joint, parent in NTU25.bones:
            lengths = np.linalg.norm(places[:, joint] - places[:, parent], axis=1)
            assert np.ptp(lengths) < 1e-5, NTU25.joints[joint]
        assert places[..., 1].min() > 0.0
        assert np.isfinite(places).all()


@pytest.mark.parametrize("action", ACTIONS, ids=BUILTIN_CLASSES)
def test_motions_are_smooth(action: Action) -> None:
    for _, places in performances(action):
        jerky = np.linalg.norm(np.diff(places, n=2, axis=0), axis=2).max()
        assert jerky < 0.35  # metres per frame and frame; a flipped elbow or a jump between keys is far above


@pytest.mark.parametrize("action", ACTIONS, ids=BUILTIN_CLASSES)
def test_knees_bend_forward(action: Action) -> None:
    for _, places in performances(action):
        for side in ("left", "right"):
            hip, knee, ankle, foot = (places[:, NTU25.index(f"{side}_{j}")] for j in ("hip", "knee", "ankle", "foot"))
            bulge = knee - (hip + ankle) / 2
            toward = foot - ankle
            bent = np.linalg.norm(hip - ankle, axis=1) < 0.95 * np.linalg.norm(hip - ankle, axis=1).max()
            flat = (bulge * (toward * [1.0, 0.0, 1.0])).sum(axis=1)
            upright = (hip - ankle)[:, 1] > 0.3  # a shin folded behind or a kick has no such simple front
            assert (flat[bent & upright] > -1e-3).all()


@pytest.mark.parametrize("action", [a for a in ACTIONS if "legs" not in a.parts], ids=lambda action: action.name)
def test_standing_feet_do_not_skate(action: Action) -> None:
    for subject, places in performances(action):
        for ankle in ("left_ankle", "right_ankle"):
            path = places[:, NTU25.index(ankle)]
            assert np.ptp(path, axis=0).max() < 0.005
            assert path[0, 1] == pytest.approx(subject.body.ankle, abs=0.005)


@pytest.mark.parametrize(("right", "left"), MIRRORED, ids=lambda action: action.name)
def test_left_and_right_are_mirror_images(right: Action, left: Action) -> None:
    image = plain(left.name)[:, NTU25.mirror] * [-1.0, 1.0, 1.0]
    assert np.allclose(plain(right.name), image, atol=1e-9)


def test_the_weaker_arm_does_less() -> None:
    weak = replace(PLAIN, weakness=0.3)
    places = perform(action_named("raise both hands"), weak, rng=np.random.default_rng(0))
    left, right = (places[:, NTU25.index(f"{side}_wrist"), 1].max() for side in ("left", "right"))
    assert left < right - 0.05


def test_raised_hands_are_over_the_head_and_others_hang() -> None:
    head = track("raise the right hand", "head")[:, 1].max()
    assert track("raise the right hand", "right_wrist")[:, 1].max() > head + 0.2
    assert track("raise the right hand", "left_wrist")[:, 1].max() < track("raise the right hand", "spine")[0, 1]
    assert min(track("raise both hands", f"{side}_wrist")[:, 1].max() for side in ("left", "right")) > head + 0.2


def turning_points(course: Array) -> int:
    """How often a course changes direction by more than 5 cm in all."""
    turns, last, rising = 0, course[0], True
    for value in course:
        if (value - last > 0.05) if not rising else (last - value > 0.05):
            turns, rising, last = turns + 1, not rising, value
        elif (value > last) == rising:
            last = value
    return turns


def test_waves_repeat_and_raises_do_not() -> None:
    assert turning_points(track("wave the left hand", "left_wrist")[:, 0]) >= 6
    assert turning_points(track("raise the left hand", "left_wrist")[:, 1]) <= 2


def test_claps_bring_the_hands_together_without_crossing() -> None:
    gap = track("clap", "right_hand")[:, 0] - track("clap", "left_hand")[:, 0]
    assert 0 < gap.min() < 0.12
    assert gap.max() > 0.35


def test_hands_reach_mouth_ear_and_floor() -> None:
    def nearest(name: str, joint: str, other: str) -> float:
        return float(np.linalg.norm(track(name, joint) - track(name, other), axis=1).min())

    assert nearest("drink with the right hand", "right_hand", "head") < 0.2
    assert nearest("answer the phone with the left hand", "left_hand", "head") < 0.2
    assert track("pick up from the floor", "right_hand_tip")[:, 1].min() < 0.2
    assert track("touch the toes", "left_hand_tip")[:, 1].min() < 0.2
    assert track("bow", "left_hand_tip")[:, 1].min() > 0.5


def test_legs_do_what_their_classes_say() -> None:
    ankle = PLAIN.body.ankle
    assert track("kick forward with the left leg", "left_ankle")[:, 2].max() > 0.6
    assert track("kick sideways with the right leg", "right_ankle")[:, 0].max() > 0.6
    assert track("kick sideways with the right leg", "left_ankle")[:, 1].max() < ankle + 0.005
    feet = np.minimum(track("jump", "left_ankle")[:, 1], track("jump", "right_ankle")[:, 1])
    assert feet.max() > ankle + 0.2
    assert track("jump", "pelvis")[:, 1].max() > track("jump", "pelvis")[0, 1] + 0.2
    assert turning_points(track("hop on the left leg", "left_ankle")[:, 1]) >= 6
    assert track("hop on the left leg", "right_ankle")[30:50, 1].min() > ankle + 0.2
    assert track("walk forward", "pelvis")[-1, 2] > 1.0
    assert np.ptp(track("march in place", "pelvis")[:, 2]) < 0.05


def test_postures_change_the_height_of_the_hips() -> None:
    stood = track("nod", "pelvis")[0, 1]
    for name in ("squat", "sit down", "kneel down", "pick up from the floor"):
        assert track(name, "pelvis")[:, 1].min() < 0.65 * stood
    assert track("stand up", "pelvis")[0] == pytest.approx(track("sit down", "pelvis")[-1], abs=0.01)
    assert track("stand up", "pelvis")[-1] == pytest.approx(track("sit down", "pelvis")[0], abs=0.01)
    assert track("clap while sitting", "pelvis")[:, 1].max() < 0.65 * stood


def test_the_trunk_does_what_its_classes_say() -> None:
    assert track("bow", "head")[:, 2].max() > 0.35
    assert track("lean to the left", "head")[:, 0].min() < -0.2
    ends = track("turn around", "right_shoulder")[-1] - track("turn around", "left_shoulder")[-1]
    assert ends[0] < -0.25
    assert np.ptp(track("nod", "right_wrist"), axis=0).max() < 0.05
    assert np.ptp(track("nod", "head")[:, 2]) > 0.04
    assert np.ptp(track("shake the head", "head")[:, 0]) > 0.04


@given(
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda goal: np.linalg.norm(goal) > 0.1),
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda hint: np.linalg.norm(hint) > 0.1),
    st.floats(0.2, 0.6),
    st.floats(0.2, 0.6),
)
def test_two_links_keep_their_lengths_and_reach_what_they_can(
    goal: tuple[float, ...], hint: tuple[float, ...], upper: float, lower: float
) -> None:
    aim, side = np.array([goal]), np.array([hint])
    middle, end = two_link(np.zeros((1, 3)), aim, side, upper=upper, lower=lower)
    distance, aligned = np.linalg.norm(aim), abs(aim @ side.T)[0, 0] / np.linalg.norm(aim) / np.linalg.norm(side)
    if aligned < 0.999:  # a hint along the limb does not say where its middle should go
        assert np.linalg.norm(middle) == pytest.approx(upper, abs=1e-6)
        assert np.linalg.norm(end - middle) == pytest.approx(lower, abs=1e-6)
        off = side - (side @ aim.T) / distance**2 * aim
        assert (middle @ off.T)[0, 0] >= -1e-9
    if abs(upper - lower) + 0.1 * (upper + lower) < distance < 0.99 * (upper + lower):
        assert np.allclose(end, aim, atol=1e-9)


def features(name: str, subject: int) -> Array:
    """(16 * 25 * 3,) a clip at 16 frames, from the first pelvis, facing forward, in trunk lengths."""
    places = builtin_clip(action=name, subject=subject, repetition=0).positions[0].astype(np.float64)
    kept = places[~np.isnan(places).all(axis=(1, 2))]
    kept = kept[np.linspace(0, len(kept) - 1, 16).round().astype(int)]
    kept = np.where(np.isnan(kept), np.nanmean(kept, axis=0), kept) - kept[0, 0]
    x, _, z = kept[0, NTU25.index("right_shoulder")] - kept[0, NTU25.index("left_shoulder")]
    yaw = np.arctan2(z, x)
    turned = kept @ np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    return np.asarray(turned / np.linalg.norm(turned[0, NTU25.index("spine_shoulder")])).ravel()


def test_classes_are_found_across_subjects_but_not_all_of_them() -> None:
    learnt = np.stack([np.mean([features(name, s) for s in (0, 2, 4, 6, 8)], axis=0) for name in BUILTIN_CLASSES])
    asked = np.stack([features(name, s) for name in BUILTIN_CLASSES for s in (1, 5, 9)])
    nearest = ((asked[:, None] - learnt) ** 2).sum(axis=2).argmin(axis=1)
    accuracy = np.mean(nearest == np.repeat(np.arange(48), 3))
    assert 0.7 < accuracy < 1.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"action": "fly"}, "action 'fly': the built-in set has 48 actions"),
        ({"action": 48}, "action 48"),
        ({"action": -1}, "action -1"),
        ({"subject": 12}, "subject 12: the built-in set has subjects 0 to 11"),
        ({"repetition": -1}, "repetition -1"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_what_does_not_exist_is_named(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(SkeltextError, match=said):
        builtin_clip(**({"action": 0, "subject": 0, "repetition": 0} | wrong))
