"""Who is who: properties of tracking, whatever people do and in whatever order they are listed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.errors import SkeltextError
from skeltext.skeletons.tracking import assign_tracks

V = 6
seeds = st.integers(0, 2**31)


def body(seed: int) -> np.ndarray:
    """(V, 2) a figure about one unit wide and two high around the origin."""
    return np.random.default_rng(seed).uniform([-0.5, -1.0], [0.5, 1.0], size=(V, 2))


def shuffled(frames: list[list[np.ndarray]], seed: int) -> tuple[list[list[np.ndarray]], list[list[int]]]:
    """The same people in another order in every frame, and who is where."""
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(len(people)).tolist() for people in frames]
    return [[people[n] for n in order] for people, order in zip(frames, orders, strict=True)], orders


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(1, 5))
def test_the_order_of_the_people_in_a_frame_does_not_matter(seed: int, people: int) -> None:
    generator = np.random.default_rng(seed)
    start = [body(seed + n) + generator.uniform(-2, 2, size=2) for n in range(people)]
    frames = [
        [skeleton + generator.normal(scale=0.3, size=(V, 2)) for skeleton in start if generator.random() < 0.8]
        for _ in range(12)
    ]
    if not any(frames):
        return
    frames[3] = [np.where(generator.random((V, 1)) < 0.3, np.nan, skeleton) for skeleton in frames[3]]
    told = assign_tracks(frames)
    mixed, orders = shuffled(frames, seed)
    again = assign_tracks(mixed)
    assert again.names == told.names
    for numbers, order, others in zip(told.numbers, orders, again.numbers, strict=True):
        assert [numbers[n] for n in order] == others
        assert len(set(numbers)) == len(numbers)


@settings(deadline=None, max_examples=20)
@given(seeds, st.floats(0.3, 2.0), st.floats(0.02, 0.12))
def test_two_people_who_walk_past_each_other_stay_who_they_are(seed: int, apart: float, step: float) -> None:
    ways = np.arange(-1.5, 1.5, step)
    frames = [[body(seed) + np.array(place) for place in ((way, 0.0), (-way, apart))] for way in ways]
    mixed, orders = shuffled(frames, seed)
    tracks = assign_tracks(mixed)
    who = [dict(zip(order, numbers, strict=True)) for order, numbers in zip(orders, tracks.numbers, strict=True)]
    assert who == [who[0]] * len(frames)
    assert tracks.names == ("0", "1")


def test_whoever_comes_back_soon_and_near_is_the_same_and_nobody_else_is() -> None:
    here, far = body(0), body(0) + 9.0
    assert assign_tracks([[here], [], [here], [far], [here]]).numbers == [[0], [], [0], [1], [0]]
    assert assign_tracks([[here], [], [], [here]], patience=2).numbers[3] == [1]
    assert assign_tracks([[here], [here + 1.0]], gate=0.1).names == ("0", "1")


def test_a_joint_not_seen_says_nothing_and_without_a_shared_joint_nothing_is_known() -> None:
    first, second = body(0), body(0) + 0.1
    second[:3] = np.nan
    assert assign_tracks([[first], [second]]).names == ("0",)
    first[3:] = np.nan
    assert assign_tracks([[first], [second]]).names == ("0", "1")


def test_names_of_the_source_decide_and_may_come_late_or_be_missing_for_a_while() -> None:
    left, right = body(0), body(1) + 6.0
    swapped = assign_tracks([[left, right], [left, right]], names=[["a", "b"], ["b", "a"]])
    assert swapped.numbers == [[0, 1], [1, 0]]
    late = assign_tracks([[left, right]] * 3, names=[[None, None], ["7", None], [None, "0"]])
    assert (late.numbers, late.names) == ([[0, 1]] * 3, ("7", "0"))
    two = assign_tracks([[left], [left]], names=[["a"], ["b"]])
    assert two.names == ("a", "b")
    numbered = assign_tracks([[left, right]], names=[["0", None]])
    assert numbered.names == ("0", "1")


def test_two_people_of_one_name_are_refused() -> None:
    with pytest.raises(SkeltextError, match=r"take 3 has two people of one id in frame 1 \(7, 7\)"):
        assign_tracks([[], [body(0), body(1)]], names=[[], ["7", "7"]], source="take 3")
