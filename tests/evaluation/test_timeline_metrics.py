"""Measures of timelines: cases counted by hand, and what holds of any labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skeltext.errors import SkeltextError
from skeltext.evaluation.timeline_metrics import (
    OVERLAPS,
    LabeledFrames,
    edit_score,
    extra_changes,
    frame_accuracy,
    segmental_f1,
    segments,
    timeline_scores,
)

LABELS = st.sampled_from(["a", "b", "c", None])
FRAMES = st.lists(LABELS, min_size=1, max_size=30)
PAIRS = st.integers(1, 30).flatmap(
    lambda frames: st.tuples(*(st.lists(LABELS, min_size=frames, max_size=frames) for _ in range(2)))
)
Frames = list[str | None]


def labeled(truth: str, found: str, fps: float = 30.0) -> LabeledFrames:
    """A letter for every frame, a dot for none."""
    one, other = ([None if letter == "." else letter for letter in text] for text in (truth, found))
    return LabeledFrames(truth=one, found=other, fps=fps)


@pytest.mark.parametrize(
    ("truth", "found", "accuracy", "edit", "f1"),
    [
        ("aaaabbbb", "aaaabbbb", 1, 1, (1, 1, 1)),
        ("aaaabbbb", "bbbbaaaa", 0, 0, (0, 0, 0)),
        ("aaaabbbb", "aaabbbbb", 7 / 8, 1, (1, 1, 1)),  # 3 of 4 and 4 of 5
        ("aaaaaaaa", "a.......", 1 / 8, 1, (1, 0, 0)),  # an eighth
        ("aaaaaaaa", "aaa..aaa", 6 / 8, 1 / 2, (2 / 3, 2 / 3, 0)),  # 3 of 8 each: one is a hit, the other is none
        ("aa..bb..", "aaaabbbb", 1 / 2, 1, (1, 1, 1)),  # halves, which count
        ("aabbcc", "aaaaaa", 1 / 3, 1 / 3, (1 / 2, 1 / 2, 0)),  # a third; 1 hit of 1 given and 3 wanted
        ("....", "....", 1, 1, (1, 1, 1)),
        ("....", "aaaa", 0, 0, (0, 0, 0)),
        ("aaaa", "....", 0, 0, (0, 0, 0)),
        ("abc", "acb", 1 / 3, 1 / 3, (1 / 3, 1 / 3, 1 / 3)),
    ],
)
def test_cases_counted_by_hand(
    truth: str, found: str, accuracy: float, edit: float, f1: tuple[float, float, float]
) -> None:
    one = labeled(truth, found)
    assert frame_accuracy(one.truth, one.found) == pytest.approx(accuracy)
    assert edit_score(one.truth, one.found) == pytest.approx(edit)
    assert [segmental_f1([one], overlap=overlap) for overlap in OVERLAPS] == pytest.approx(f1)


def test_recordings_are_pooled_by_frames_and_segments_and_the_edit_score_is_their_mean() -> None:
    long, short = labeled("aaaabbbb", "aaaabbbb", fps=4), labeled("ab", "ac", fps=4)
    scores = timeline_scores([long, short])
    assert scores.frame_accuracy == pytest.approx(9 / 10)
    assert scores.edit == pytest.approx((1 + 1 / 2) / 2)
    assert scores.f1_50 == pytest.approx(2 * 3 / (4 + 4))
    assert (scores.recordings, scores.seconds) == (2, 2.5)


def test_flicker_is_what_changes_too_often_per_minute() -> None:
    assert extra_changes("aaaa", "abab") == 3
    assert extra_changes("abab", "aaaa") == 0
    one = labeled("aaaaaa", "aa.aba", fps=6)
    assert timeline_scores([one]).flicker == 4 * 60
    assert timeline_scores([one, labeled("abab", "aaaa", fps=4)]).flicker == 4 * 30  # too few make nothing good


@given(frames=FRAMES)
def test_the_truth_is_perfect(frames: Frames) -> None:
    scores = timeline_scores([LabeledFrames(truth=frames, found=frames, fps=30)])
    assert (scores.frame_accuracy, scores.edit, scores.f1_10, scores.f1_50, scores.flicker) == (1, 1, 1, 1, 0)


@given(pair=PAIRS)
def test_measures_are_shares_and_a_larger_overlap_is_no_easier(pair: tuple[Frames, Frames]) -> None:
    truth, found = pair
    one = LabeledFrames(truth=truth, found=found, fps=30)
    scores = timeline_scores([one])
    assert 0 <= scores.f1_50 <= scores.f1_25 <= scores.f1_10 <= 1
    assert 0 <= scores.edit <= 1
    assert scores.flicker >= 0
    assert edit_score(truth, found) == pytest.approx(edit_score(found, truth))
    names = {"a": "x", "b": "y", "c": "z", None: None}
    renamed = LabeledFrames(truth=[names[x] for x in truth], found=[names[x] for x in found], fps=30)
    assert timeline_scores([renamed]) == scores


@given(frames=FRAMES, times=st.integers(1, 4))
def test_the_order_of_segments_is_all_that_the_edit_score_sees(frames: Frames, times: int) -> None:
    assert edit_score(frames, list(np.repeat(np.array(frames, object), times))) == 1
    assert [segment.label for segment in segments(frames)] == [
        label for i, label in enumerate(frames) if label is not None and (i == 0 or frames[i - 1] != label)
    ]


@pytest.mark.parametrize(("truth", "found"), [("", ""), ("a", "ab")])
def test_frames_without_a_twin_are_one_sentence(truth: str, found: str) -> None:
    with pytest.raises(SkeltextError, match="one of each for every frame"):
        labeled(truth, found)
    with pytest.raises(SkeltextError, match="no recording to score"):
        timeline_scores([])
