"""Truths of recordings: files that can be read, mistakes in them, and what a timeline is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skeltext.errors import SkeltextError
from skeltext.evaluation.timeline_metrics import timeline_scores
from skeltext.evaluation.timeline_truth import labeled, read_truth, require_fitting
from skeltext.recognizer.spans import Span
from skeltext.recognizer.timeline import Timeline
from skeltext.recognizer.timeline_files import write_timelines


def line_of(*spans: tuple[float, float, str], duration: float = 10.0) -> Timeline:
    """A timeline of spans."""
    return Timeline(
        spans=tuple(Span(start=start, end=end, label=label, confidence=0.5) for start, end, label in spans),
        labels=("sit", "wave"),
        centres=np.array([5.0]),
        probabilities=np.array([[0.5, 0.5]], np.float32),
        duration=duration,
        fps=30.0,
        person="",
        calibrated=False,
        source="day",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"start,end,label\n0,2.5,sit\n4,6,wave\n",
        b"\xef\xbb\xbflabel, end, start, note\r\nwave, 6, 4, late\r\nsit, 2.5, 0, early\r\n",
        b'start,end,label\n0,2.5," sit "\n\n4,6,wave',
    ],
)
def test_columns_are_found_by_name_and_lines_in_any_order(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(content)
    assert [(span.start, span.end, span.label) for span in read_truth(path)] == [(0, 2.5, "sit"), (4, 6, "wave")]


def test_a_timeline_that_was_written_is_a_truth(tmp_path: Path) -> None:
    one = line_of((0, 2.5, "sit"), (4, 10, "wave"))
    write_timelines([one], tmp_path / "day.csv")
    pair = labeled(one, read_truth(tmp_path / "day.csv"))
    assert len(pair.truth) == 300
    assert timeline_scores([pair]).frame_accuracy == timeline_scores([pair]).edit == 1


def test_every_frame_has_its_true_label() -> None:
    truth = (Span(start=0, end=5, label="sit", confidence=1), Span(start=8, end=10.5, label="wave", confidence=1))
    pair = labeled(line_of((0, 6, "sit"), (8, 10, "sit")), truth)
    assert (pair.truth.count("sit"), pair.truth.count("wave"), pair.truth.count(None)) == (150, 60, 90)
    scores = timeline_scores([pair])
    assert scores.frame_accuracy == pytest.approx((150 + 60) / 300)
    assert (scores.edit, scores.f1_50) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "truth.csv is empty"),
        (b"begin,end,label\n0,1,sit\n", "has the columns begin, end, label, expected a first line"),
        (b"start,end,label\n", "has no line but its header"),
        (b"start,end,label\n0,1,\n", "line 2 has no label"),
        (b"start,end,label\n0,1\n", "line 2 has no label"),
        (b"start,end,label\n0,soon,sit\n", "line 2: '0' to 'soon' for 'sit', expected seconds"),
        (b"start,end,label\n2,1,sit\n", "'sit' from 2 to 1, expected seconds from 0 on, the end after the start"),
        (b"start,end,label\n-1,1,sit\n", "expected seconds from 0 on"),
        (b"start,end,label\n0,inf,sit\n", "expected seconds from 0 on"),
        (b"start,end,label\nnan,1,sit\n", "expected seconds from 0 on"),
        (b"start,end,label\n0,2,sit\n1,3,wave\n", "shows 'sit' until 2 s and 'wave' from 1 s on"),
        (b"\x00\xff\x00", "has the columns"),
        (b"start,end,label\n" + b'"' + b"x" * 200_000 + b'",1,sit\n', "truth.csv"),
    ],
)
def test_other_files_are_one_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(content)
    with pytest.raises(SkeltextError, match=sentence):
        read_truth(path)
    with pytest.raises(SkeltextError, match=r"no\.csv"):
        read_truth(tmp_path / "no.csv")


def test_a_truth_of_something_else_is_one_sentence() -> None:
    bow, late = (Span(start=0, end=end, label=label, confidence=1) for end, label in ((1, "bow"), (11.5, "sit")))
    with pytest.raises(SkeltextError, match="has the label 'bow', which is none of 'sit', 'wave'; ask for it, too"):
        require_fitting([bow], labels=("sit", "wave"), seconds=10, named="t.csv")
    with pytest.raises(SkeltextError, match=r"ends at 11\.5 s and the recording at 10 s"):
        require_fitting([late], labels=("sit",), seconds=10, named="t.csv")
    for seconds in (10.5, None):
        require_fitting([late], labels=("sit",), seconds=seconds, named="t.csv")
