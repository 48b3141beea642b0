"""A live stream: the same answers as for clips, at any pace of frames, in memory that does not grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wrist_model import LABELS, acted, nobody, wrist_recognizer

from skeltext.errors import SkeltextError
from skeltext.recognizer.answer import Answer
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.stream import REMEMBERED, Stream
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import COCO17

MOTION = replace(acted("right", "left", frames=75), tracks=())
HOUR = 108_000  # frames at 30 a second


def pushed(stream: Stream, clip: Clip, times: Sequence[float] | None = None) -> list[tuple[int, Answer]]:
    """What a stream answers to the frames of a clip, with the number of the frame."""
    answers = [(t, stream.push(clip.positions[:, t], time=None if times is None else times[t])) for t in range(clip.T)]
    return [(t, answer) for t, answer in answers if answer]


def figures(answer: Answer) -> dict[str, float]:
    """The scores of an answer."""
    return {guess.label: round(guess.score, 5) for guess in answer.guesses}


@settings(max_examples=6, deadline=None)
@given(window=st.floats(0.4, 3), every=st.integers(4, 40), fewest=st.integers(1, 20), twice=st.booleans())
def test_a_stream_says_what_a_clip_of_its_window_says(window: float, every: int, fewest: int, twice: bool) -> None:
    recognizer = wrist_recognizer()
    still = np.repeat(MOTION.positions[:, :1], MOTION.T, axis=1)
    clip = replace(MOTION, positions=np.concatenate([still, MOTION.positions]), tracks=()) if twice else MOTION
    stream = Stream(recognizer, LABELS, window=window, every=every, fewest=fewest)
    length = round(30 * window)
    found = pushed(stream, clip)
    first = next(t for t in range(clip.T) if t + 1 >= max(every, min(fewest, length)))
    assert [t for t, _ in found] == list(range(first, clip.T, every))
    for t, answer in found[:: 1 + len(found) // 5]:
        part = replace(clip, positions=clip.positions[:, max(t + 1 - length, 0) : t + 1])
        expected = recognizer.predict(part, LABELS)
        assert (answer.label, answer.person) == (expected.label, expected.person)
        assert figures(answer) == figures(expected)


def test_one_person_may_come_without_the_axis_of_people() -> None:
    one, other = (Stream(wrist_recognizer(), LABELS) for _ in range(2))
    for t in range(60):
        sure = np.full((1, 25), 0.5)
        first = one.push(MOTION.positions[0, t].tolist(), confidence=sure[0].tolist())
        second = other.push(MOTION.positions[:, t], confidence=sure)
        assert (first is None) == (second is None)
        assert first is None or second is None or figures(first) == figures(second)
    assert one.clip.confidence is not None
    assert one.clip.confidence.tolist() == other.clip.confidence.tolist()  # type: ignore[union-attr]
    assert one.clip.positions.shape == (1, 60, 25, 3)


def test_frames_are_our_own() -> None:
    stream, frame = Stream(wrist_recognizer(), LABELS), MOTION.positions[:, 0].copy()
    stream.push(frame)
    frame[:] = 7
    assert (stream.clip.positions[:, 0] == MOTION.positions[:, 0]).all()


def test_time_puts_frames_where_they_belong() -> None:
    times = 1.7e9 + np.arange(MOTION.T) / 30 + np.random.default_rng(0).uniform(-0.015, 0.015, MOTION.T)
    times[0] = 1.7e9
    plain, timed = Stream(wrist_recognizer(), LABELS), Stream(wrist_recognizer(), LABELS)
    for (t, one), (u, other) in zip(pushed(plain, MOTION), pushed(timed, MOTION, times), strict=True):
        assert t == u
        assert figures(one) == figures(other)
    assert timed.seconds == pytest.approx(times[-1], abs=0.016)


def test_frames_left_out_are_missing_and_late_ones_are_put_back() -> None:
    stream = Stream(wrist_recognizer(), LABELS, window=1.0)
    for t in (*range(20), 23, 24):
        stream.push(MOTION.positions[:, t], time=t / 30)
    assert np.flatnonzero(np.isnan(stream.clip.positions[0, :, 0, 0])).tolist() == [20, 21, 22]
    assert stream.push(MOTION.positions[:, 21], time=21 / 30) is None
    assert np.flatnonzero(np.isnan(stream.clip.positions[0, :, 0, 0])).tolist() == [20, 22]
    assert (stream.clip.positions[:, 21] == MOTION.positions[:, 21]).all()
    stream.push(MOTION.positions[:, 0], time=-0.1)  # from before the first frame
    assert stream.clip.T == 25
    stream.push(MOTION.positions[:, 0], time=1000.0)
    assert (stream.clip.T, int(stream.clip.tracked.any(axis=2).sum())) == (30, 1)
    stream.push(MOTION.positions[:, 1], time=5.0)  # a film that begins again
    assert (stream.clip.T, stream.seconds) == (1, 5.0)


def test_an_empty_room_has_no_answer_and_ends_nothing() -> None:
    stream = Stream(wrist_recognizer(), LABELS, window=1.0, on=0.6)
    assert len(pushed(stream, acted("left", frames=60))) == 11
    for t in range(60):
        stream.push(np.zeros((0, 25, 3)) if t % 2 else nobody().positions[:, 0])
    assert "no joint is tracked" in stream.unseen
    found = pushed(stream, acted("right", frames=60))
    assert {answer.label for _, answer in found[6:]} == {"right hand"}
    assert stream.unseen == ""


def test_a_label_that_is_held_changes_no_more_often() -> None:
    noise = np.random.default_rng(0).normal(scale=0.2, size=MOTION.positions.shape).astype(np.float32)
    clip = replace(MOTION, positions=MOTION.positions + noise)

    def changes(stream: Stream) -> list[str | None]:
        labels = [answer.label for _, answer in pushed(stream, clip)]
        return [one for one, before in zip(labels, [None, *labels], strict=False) if one != before]

    plain = changes(Stream(wrist_recognizer(), LABELS, window=0.3, every=1))
    held = changes(Stream(wrist_recognizer(), LABELS, window=0.3, every=1, on=0.6, off=0.3))
    assert 2 <= len(held) < len(plain)


def test_a_label_that_is_not_reached_is_refused() -> None:
    stream = Stream(wrist_recognizer(), LABELS, on=1.0)
    (_, answer), *_ = pushed(stream, MOTION)
    assert (answer.label, answer.rejected) == (None, "no label has reached 100%")
    stream = Stream(wrist_recognizer(), LabelSet.of(["left hand", "a stone"], negatives=["right hand"]), on=0.6)
    found = pushed(stream, MOTION)
    assert found[8][1].label is None
    assert "nearer to 'right hand'" in found[8][1].rejected
    assert found[-1][1].label == "left hand"


def test_latency_and_reset() -> None:
    stream = Stream(wrist_recognizer(), LABELS, every=1)
    assert stream.latency is None
    assert len(pushed(stream, MOTION)) == stream.answers == MOTION.T - 7
    latency = stream.latency
    assert latency is not None
    assert latency.answers == min(REMEMBERED, stream.answers)
    assert 0 < latency.median <= latency.p95
    stream.reset()
    assert (stream.latency, stream.answers) == (None, 0)
    with pytest.raises(SkeltextError, match="no frame has come yet"):
        _ = stream.clip
    assert len(pushed(stream, MOTION)) == MOTION.T - 7


def test_examples_may_be_added_while_it_runs() -> None:
    stream = Stream(wrist_recognizer(), LABELS)
    pushed(stream, acted("left", frames=30))
    stream.labels = stream.labels.with_examples("something new", [acted("right")])
    assert pushed(stream, acted("right", frames=60))[-1][1].label == "something new"


@pytest.mark.parametrize(
    ("frame", "options", "sentence"),
    [
        (
            np.zeros((25, 2)),
            {},
            r"a frame of shape \(25, 2\), expected \(25, 3\) or \(bodies, 25, 3\) for layout ntu25",
        ),
        (np.zeros((1, 1, 25, 3)), {}, r"a frame of shape \(1, 1, 25, 3\)"),
        (np.zeros(3), {}, "a frame of shape"),
        ([[1, 2], [3]], {}, "a frame is no array of numbers"),
        ([["x"] * 3] * 25, {}, "a frame is no array of numbers"),
        (np.full((25, 3), np.inf), {}, "a position is infinite"),
        (np.full((25, 3), 1e300), {}, "a position is infinite"),
        (np.zeros((25, 3)), {"confidence": np.ones(3)}, r"confidence of shape \(3,\), expected \(25,\)"),
        (np.zeros((25, 3)), {"time": float("nan")}, "a frame has the time nan"),
    ],
)
def test_what_is_no_frame_is_one_sentence(frame: object, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        Stream(wrist_recognizer(), LABELS).push(frame, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"every": 0}, "an answer every 0 frames"),
        ({"fps": float("inf")}, "inf frames per second"),
        ({"window": 0.0}, "a window of 0 s"),
        ({"on": 0.2, "off": 0.5}, "begin at 0.2 and end below 0.5"),
        ({"layout": COCO17}, "layout coco17 has 2 coordinates and ntu25 has 3"),
        ({"layout": "abacus"}, "abacus"),
        ({"labels": ["sit"]}, "1 label given"),
        ({"false_accept": 0.1}, "this model has no calibration"),
    ],
)
def test_what_is_wrong_is_told_before_the_first_frame(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        Stream(wrist_recognizer(), **({"labels": LABELS} | options))  # type: ignore[arg-type]


def test_texts_are_embedded_when_the_stream_is_made() -> None:
    recognizer = wrist_recognizer()
    stream = Stream(recognizer, LABELS)
    asked = recognizer.encoder.asked  # type: ignore[attr-defined]
    pushed(stream, MOTION)
    assert recognizer.encoder.asked == asked == 2  # type: ignore[attr-defined]


def growth(frames: int, *, every: int) -> int:
    """By how many bytes the memory of a stream in full swing grows while so many frames come."""
    stream = Stream(wrist_recognizer(), LABELS, every=every, on=0.6)
    motion = MOTION.positions[0]
    for t in range(REMEMBERED * every):
        stream.push(motion[t % len(motion)])
    tracemalloc.start()
    try:
        stream.push(motion[0])
        before, _ = tracemalloc.get_traced_memory()
        for t in range(frames):
            stream.push(motion[t % len(motion)])
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_memory_stays_flat() -> None:
    assert growth(300, every=5) < 200_000


@pytest.mark.slow
def test_memory_stays_flat_over_an_hour() -> None:
    assert growth(HOUR, every=100) < 200_000
