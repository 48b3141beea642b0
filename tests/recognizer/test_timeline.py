"""Timelines: spans from probabilities, of acted recordings, as files and as a picture."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise, product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from wrist_model import LABELS, acted, nobody, wrist_recognizer

from skeltext.datasets.builtin.actions import FPS
from skeltext.errors import SkeltextError, require
from skeltext.recognizer.calibration import Calibration
from skeltext.recognizer.change_points import steadiest
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.pieces import Piece, pieces_of, trimmed
from skeltext.recognizer.spans import Span, SpanRule, spans_joined
from skeltext.recognizer.stillness import moving_stretches
from skeltext.recognizer.timeline import Timeline, timeline
from skeltext.recognizer.timeline_files import FORMS, read_spans, read_timelines, write_timelines
from skeltext.recognizer.timeline_picture import timeline_svg
from skeltext.recognizer.timeline_table import timeline_table
from skeltext.recognizer.windows import Windows, judged_windows, window_starts
from skeltext.skeletons.clip import Clip

NAMES = ("a", "b", "c", "d")


@st.composite
def shares(draw: st.DrawFn) -> np.ndarray:
    """(W, K) rows that add up to 1, or are zero where nothing was judged."""
    labels = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(st.floats(-3, 3), min_size=labels, max_size=labels), min_size=1, max_size=30))
    powers = np.exp(np.array(rows) * draw(st.sampled_from([0.0, 1.0, 3.0])))
    judged = draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True) * np.array(judged)[:, None], np.float32)


@st.composite
def rules(draw: st.DrawFn) -> SpanRule:
    """Thresholds above a half, so that no two labels can begin at once."""
    on = draw(st.floats(0.51, 1))
    return SpanRule(on=on, off=draw(st.floats(0.01, on)), shortest=draw(st.floats(0, 3)), gap=draw(st.floats(0, 2)))


def windows_of(shares: np.ndarray) -> Windows:
    """Windows half a second apart with these probabilities, whose scores are their logarithms."""
    scores = np.log(np.maximum(shares, 1e-9)).astype(np.float32)
    scores[~shares.any(axis=1)] = np.nan
    names = NAMES[: shares.shape[1]]
    centres = 1 + np.arange(len(shares)) / 2
    return Windows(labels=names, centres=centres, probabilities=shares, scores=scores, hop=0.5)


def cut(shares: np.ndarray, *stretches: tuple[float, float], change: float = 0.3) -> list[Piece]:
    """The pieces of such windows, of the whole time by default."""
    whole = (len(shares) - 1) / 2 + 2
    return list(pieces_of(windows_of(shares), shares, stretches or [(0.0, whole)], change=change))


@given(probabilities=shares(), change=st.floats(0, 3))
def test_pieces_hold_every_judged_window_once(probabilities: np.ndarray, change: float) -> None:
    pieces = cut(probabilities, change=change)
    for one, other in pairwise(pieces):
        assert one.end <= other.start
    held = [window for piece in pieces for window in range(piece.first, piece.stop)]
    assert held == np.flatnonzero(probabilities.any(axis=1)).tolist()
    for piece in pieces:
        centres = 1 + np.arange(piece.first, piece.stop) / 2
        assert ((piece.start <= centres) & (centres < piece.end)).all()


@given(probabilities=shares(), low=st.floats(0, 1), more=st.floats(0, 2))
def test_dearer_changes_are_no_more_and_fit_no_better(probabilities: np.ndarray, low: float, more: float) -> None:
    def told(change: float) -> tuple[int, float]:
        path = steadiest(probabilities, seconds=0.5, change=change)
        fits = np.log(np.maximum(probabilities, 1e-6))[np.arange(len(path)), path].sum()
        return int((np.diff(path) != 0).sum()), float(fits)

    (often, well), (seldom, worse) = told(low), told(low + more)
    assert worse <= well + 1e-4
    assert seldom <= often or worse == pytest.approx(well, abs=1e-4)


@given(probabilities=shares(), change=st.sampled_from([0.0, 0.5, 2.0]))
def test_no_sequence_is_steadier(probabilities: np.ndarray, change: float) -> None:
    """Of a few windows every sequence can be tried."""
    few = probabilities[:5]

    def worth(path: np.ndarray) -> float:
        gains = 0.5 * np.log(np.maximum(few, 1e-6))[np.arange(len(few)), path].sum()
        return float(gains - change * (np.diff(path) != 0).sum())

    every = max(worth(np.array(path)) for path in product(range(few.shape[1]), repeat=len(few)))
    assert worth(steadiest(few, seconds=0.5, change=change)) == pytest.approx(every, abs=1e-4)


def test_a_stretch_between_two_windows_is_a_piece_without_windows() -> None:
    rows = np.array([[0.9, 0.1]] * 4, np.float32)
    assert cut(rows, (0.2, 0.8), (1.2, 1.8)) == [Piece(0.2, 0.8, 0, 0), Piece(1.2, 1.8, 1, 2)]


def test_a_label_lasts_from_the_first_window_that_shows_it_to_the_last() -> None:
    piece, centres = Piece(0.5, 9.0, 2, 6), np.arange(1.0, 9)  # windows at 3, 4, 5 and 6 seconds
    shown = {"": (0.5, 9.0), "3456": (0.5, 9.0), "45": (3.5, 5.5), "36": (0.5, 9.0), "6": (5.5, 9.0), "3": (0.5, 3.5)}
    for seconds, expected in shown.items():
        own = np.array([str(second) in seconds for second in (3, 4, 5, 6)])
        assert trimmed(piece, centres, own) == expected


def test_a_short_interruption_costs_more_than_it_gains() -> None:
    rows = np.array([[0.9, 0.1]] * 4 + [[0.2, 0.8]] + [[0.9, 0.1]] * 4, np.float32)
    assert [(piece.start, piece.end) for piece in cut(rows, change=2)] == [(0, 6)]
    assert [(piece.start, piece.end) for piece in cut(rows, change=0.1)] == [(0, 2.75), (2.75, 3.25), (3.25, 6)]


@st.composite
def labeled_spans(draw: st.DrawFn) -> list[Span]:
    """Spans in their order, with gaps or without."""
    times = [number / 4 for number in sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=16)))]
    drawn = [(pair, draw(st.sampled_from(["", *NAMES]))) for pair in pairwise(times)]
    return [Span(start=a, end=b, label=label, confidence=draw(st.floats(0, 1))) for (a, b), label in drawn if label]


@given(spans=labeled_spans(), rule=rules())
def test_spans_are_disjoint_ordered_long_enough_and_inside(spans: list[Span], rule: SpanRule) -> None:
    found = spans_joined(spans, rule=rule)
    for span in found:
        assert span.end - span.start >= rule.shortest - 1e-6
        assert 0 <= span.confidence <= 1
        assert any(span.start == one.start and span.label == one.label for one in spans)
    for one, other in pairwise(found):
        assert one.end <= other.start
        assert one.label != other.label or other.start - one.end > rule.gap
    assert spans_joined(found, rule=rule) == found


def test_a_short_interruption_is_bridged_and_a_long_one_is_not() -> None:
    one, other, last = (
        Span(start=0, end=2, label="a", confidence=0.5),
        Span(start=2, end=2.5, label="b", confidence=0.9),
        Span(start=2.5, end=3.5, label="a", confidence=0.8),
    )
    given = (one, other, last)
    assert spans_joined(given, rule=SpanRule(shortest=0, gap=0.5)) == given
    (bridged,) = spans_joined(given, rule=SpanRule(shortest=1.0, gap=0.5))
    assert (bridged.start, bridged.end, bridged.label) == (0, 3.5, "a")
    assert bridged.confidence == pytest.approx((2 * 0.5 + 0.8) / 3)
    assert spans_joined(given, rule=SpanRule(shortest=1.0, gap=0.4)) == (one, last)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"on": 0.3, "off": 0.4}, "begin at 0.3 and end below 0.4, expected 0 < off <= on <= 1"),
        ({"on": 1.1}, "expected 0 < off <= on <= 1"),
        ({"off": 0.0}, "expected 0 < off"),
        ({"shortest": -1.0}, "spans of at least -1 s"),
        ({"gap": float("nan")}, "gaps of up to nan s"),
        ({"change": -1.0}, "a change costs -1"),
        ({"still": float("nan")}, "nan torso lengths per second are still"),
    ],
)
def test_senseless_rules_are_one_sentence(options: dict[str, float], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        SpanRule(**options)


@given(frames=st.integers(1, 300), length=st.integers(1, 80), hop=st.integers(1, 50))
def test_windows_cover_the_recording(frames: int, length: int, hop: int) -> None:
    starts = window_starts(frames, length=length, hop=hop)
    assert (starts[0], starts[-1]) == (0, max(frames - length, 0))
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= hop).all()


def test_two_actions_are_two_spans() -> None:
    found = timeline(wrist_recognizer(), acted("right", "left"), LABELS, window=2.0)
    assert [span.label for span in found.spans] == ["right hand", "left hand"]
    assert found.spans[0].start == 0
    assert found.spans[0].end == found.spans[1].start == pytest.approx(5, abs=0.7)
    assert found.spans[1].end == found.duration == pytest.approx(10)
    assert (found.person, found.calibrated, found.fps) == ("ann", False, 30)
    assert found.labels_at([0, 1, 9.9, 10, -1]) == ["right hand", "right hand", "left hand", None, None]
    assert len(found.labels_at(np.arange(300) / 30)) == 300


def test_every_window_is_judged_as_a_clip_is() -> None:
    recognizer, clip = wrist_recognizer(), acted("right", "left")
    found = recognizer.timeline(clip, LABELS, window=2.0, hop=0.5)
    starts = window_starts(clip.T, length=60, hop=15)
    for start, row, centre in zip(starts, found.probabilities, found.centres, strict=True):
        answer = recognizer.predict(replace(clip, positions=clip.positions[:, start : start + 60]), LABELS)
        told = {guess.label: guess.probability for guess in answer.guesses}
        assert row.tolist() == pytest.approx([told[label] for label in LABELS], abs=1e-5)
        assert centre == pytest.approx((start + 30) / 30)


def test_where_nobody_is_there_is_no_span() -> None:
    there = acted("right")
    clip = replace(there, positions=np.concatenate([there.positions, nobody().positions, there.positions], axis=1))
    calls: list[tuple[int, int]] = []
    found = timeline(wrist_recognizer(), clip, LABELS, progress=lambda *done: calls.append(done))
    assert [span.label for span in found.spans] == ["right hand"] * 2
    assert found.labels_at([7.5]) == [None]
    assert not found.probabilities[np.abs(found.centres - 7.5) < 1].any()
    assert calls[-1] == (len(found.centres),) * 2
    assert calls == sorted(calls)
    with pytest.raises(SkeltextError, match="no joint is tracked in any frame"):
        timeline(wrist_recognizer(), nobody(), LABELS)


def test_a_model_that_prepares_windows_itself_may_refuse_some() -> None:
    """Which is what an exported model does, for all windows that are computed together."""
    recognizer, clip = wrist_recognizer(), acted("right", "left")
    whole = timeline(recognizer, clip, LABELS, window=2.0)
    embed = recognizer.model.embed

    def without_the_left(clips: np.ndarray) -> np.ndarray:
        found = embed(clips)
        require((found[:, 0] < found[:, 1]).all(), "nothing is left")
        return found

    recognizer.model.embed = without_the_left  # type: ignore[method-assign]
    found = timeline(recognizer, clip, LABELS, window=2.0)
    assert [span.label for span in found.spans] == ["right hand"]
    kept = found.probabilities.any(axis=1)
    assert 10 < kept.sum() < len(kept) - 10
    np.testing.assert_allclose(found.probabilities[kept], whole.probabilities[kept], atol=1e-6)
    with pytest.raises(SkeltextError, match="nothing is left"):
        timeline(recognizer, acted("left"), LABELS)


def test_negatives_and_a_false_accept_rate_refuse_windows() -> None:
    recognizer, clip = wrist_recognizer(), acted("right", "left")
    found = timeline(recognizer, clip, LabelSet.of(["left hand", "a stone"], negatives=["right hand"]), window=2.0)
    assert [span.label for span in found.spans] == ["left hand"]
    assert found.spans[0].start == pytest.approx(5, abs=0.7)
    calibration = Calibration(
        reference=np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32),
        temperature=0.1,
        thresholds={0.1: 99.0, 1.0: -99.0},
        accepted={},
        about="made up",
    )
    recognizer = replace(recognizer, calibration=calibration)
    assert timeline(recognizer, clip, LABELS, false_accept=1.0).calibrated
    assert timeline(recognizer, clip, LABELS, false_accept=1.0).spans
    assert not timeline(recognizer, clip, LABELS, false_accept=0.1).spans


def test_everybody_has_a_timeline() -> None:
    both = np.concatenate([acted("right", "left").positions, acted("left", "left").positions])
    clip = replace(acted("left", "left"), positions=both, tracks=("ann", "ben"))
    ann, ben = wrist_recognizer().timeline_people(clip, LABELS)
    assert (ann.person, ben.person) == ("ann", "ben")
    assert [span.label for span in ann.spans] == ["right hand", "left hand"]
    assert [span.label for span in ben.spans] == ["left hand"]
    assert timeline(wrist_recognizer(), clip, LABELS).person == ""


def held(clip: Clip, frames: int = 60) -> Clip:
    """The clip, and then its last frame for some time."""
    return replace(clip, positions=np.concatenate([clip.positions, clip.positions[:, -1:].repeat(frames, 1)], axis=1))


def test_who_is_still_shows_no_label_unless_it_is_asked_for() -> None:
    clip = held(acted("right"))
    (span,) = timeline(wrist_recognizer(), clip, LABELS).spans
    assert (span.start, span.label) == (0, "right hand")
    assert span.end == pytest.approx(5, abs=0.4)
    assert timeline(wrist_recognizer(), clip, LABELS, rule=SpanRule(still=0)).spans[-1].end == clip.T / FPS
    assert moving_stretches(clip, least=3.0) == [(0, 7)]  # it is still for two seconds only
    assert moving_stretches(held(clip, 60), least=3.0) != [(0, 9)]
    assert not timeline(wrist_recognizer(), replace(clip, positions=clip.positions[:, -60:]), LABELS).spans


def test_stillness_depends_neither_on_unit_nor_on_gaps_nor_on_rate() -> None:
    clip = held(acted("right"))
    expected = moving_stretches(clip)
    in_millimetres = replace(clip, positions=clip.positions * 1000)
    assert moving_stretches(in_millimetres) == expected
    some = clip.positions.copy()
    some[:, ::3] = np.nan
    assert moving_stretches(replace(clip, positions=some))[0][1] == pytest.approx(expected[0][1], abs=0.2)
    slower = replace(clip, positions=clip.positions[:, ::2], fps=FPS / 2)
    assert moving_stretches(slower)[0][1] == pytest.approx(expected[0][1], abs=0.2)


def test_seconds_need_a_frame_rate() -> None:
    with pytest.raises(SkeltextError, match="waving does not say how many frames a second has"):
        timeline(wrist_recognizer(), replace(acted("left"), fps=None), LABELS)
    for window, hop in ((0.0, 1.0), (1.0, float("inf")), (-1.0, 1.0)):
        with pytest.raises(SkeltextError, match="expected more than nothing"):
            judged_windows(wrist_recognizer(), acted("left"), LABELS, window=window, hop=hop)


def test_a_recording_shorter_than_a_window_is_one_window() -> None:
    found = timeline(wrist_recognizer(), acted("left", frames=20), LABELS)
    assert found.centres.tolist() == pytest.approx([1 / 3])
    assert [(span.start, span.end) for span in found.spans] == [(0, found.duration)]


HOSTILE = 'sit <down> & "up", =1+1\n\t]]> --> \x01'


@pytest.fixture
def timelines() -> list[Timeline]:
    """Two people, one of whom does something with an awkward name."""
    found = timeline(wrist_recognizer(), acted("right", "left"), {HOSTILE: "right", "left hand": "left"})
    return [found, replace(found, person="ben <b>", spans=found.spans[1:])]


def test_json_and_csv_come_back(timelines: list[Timeline], tmp_path: Path) -> None:
    write_timelines(timelines, tmp_path / "day.json")
    for one, back in zip(timelines, read_timelines(tmp_path / "day.json"), strict=True):
        assert asdict(one).keys() == asdict(back).keys()
        assert (one.spans, one.labels, one.person, one.source) == (back.spans, back.labels, back.person, back.source)
        np.testing.assert_array_equal(one.probabilities, back.probabilities)
        np.testing.assert_array_equal(one.centres, back.centres)
    write_timelines(timelines, tmp_path / "day.csv")
    spans = read_spans(tmp_path / "day.csv")
    assert set(spans) == {"ann", "ben <b>"}
    for one in timelines:
        for span, back in zip(one.spans, spans[one.person], strict=True):
            assert span.label == back.label
            figures = (span.start, span.end, span.confidence)
            assert (back.start, back.end, back.confidence) == pytest.approx(figures, abs=6e-4)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"timelines": [{}]}', b"[" * 10**5, b"\xff\x00", b"1,2\n"])
def test_other_files_are_one_sentence(content: bytes, tmp_path: Path) -> None:
    for suffix, read in ((".json", read_timelines), (".csv", read_spans)):
        path = tmp_path / f"other{suffix}"
        path.write_bytes(content)
        with pytest.raises(SkeltextError, match="other"):
            read(path)
    path.write_bytes(b"person,start,end,label,confidence\nann,0,x,sit,1\n")
    with pytest.raises(SkeltextError, match="no span in line 2"):
        read_spans(path)


def test_captions_and_tiers_have_one_line_for_every_text(timelines: list[Timeline]) -> None:
    vtt, srt, elan = (FORMS[suffix](timelines) for suffix in (".vtt", ".srt", ".tsv"))
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:0")
    assert "<v ben &lt;b&gt;>left hand\n" in vtt
    for text in (vtt, srt):
        assert sum(" --> 0" in line for line in text.splitlines()) == 3
    assert "sit &lt;down&gt; &amp;" in vtt
    assert srt.splitlines()[1].startswith("00:00:00,000 --> 00:00:0")
    assert [len(line.split("\t")) for line in elan.splitlines()] == [4] * 4
    with pytest.raises(SkeltextError, match=r"ends in '.xls', expected one of .csv"):
        write_timelines(timelines, Path("day.xls"))


def test_the_picture_is_xml_and_shows_every_span(timelines: list[Timeline]) -> None:
    root = ElementTree.fromstring(timeline_svg(timelines))
    told = [title.text or "" for title in root.iter("{http://www.w3.org/2000/svg}title")]
    bars = [element for element in root.iter("{http://www.w3.org/2000/svg}rect") if element.get("rx")]
    assert len(bars) == 3
    assert sum("left hand: " in text for text in told) == 2
    assert "prefers-color-scheme: dark" in timeline_svg(timelines)
    for bar in bars:
        assert 220 <= float(bar.get("x", 0)) <= float(bar.get("x", 0)) + float(bar.get("width", 0)) <= 936.1


def test_the_picture_of_many_hours_stays_small() -> None:
    one = timeline(wrist_recognizer(), acted("right"), LABELS)
    windows = 100_000
    day = replace(
        one,
        centres=np.linspace(1, 86_399, windows),
        probabilities=np.random.default_rng(0).random((windows, 2)).astype(np.float32),
        duration=86_400.0,
    )
    assert len(timeline_svg([day])) < 100_000
    assert timeline_svg([]).startswith("<svg")


def test_the_table_shows_labels_as_they_were_typed(timelines: list[Timeline]) -> None:
    console = Console(width=160)
    one = replace(timelines[0], spans=(Span(start=0, end=1, label="wave [/bold]", confidence=0.5),))
    with console.capture() as capture:
        console.print(timeline_table(one, title="person [x]"))
        console.print(timeline_table(replace(one, spans=())))
    assert all(text in capture.get() for text in ("wave [/bold]", "person [x]", "50.0 %", "━━━━", "none of the labels"))


def test_texts_are_embedded_once() -> None:
    recognizer = wrist_recognizer()
    clip: Clip = acted("left", frames=60)
    recognizer.predict(clip, LABELS)
    asked = recognizer.encoder.asked  # type: ignore[attr-defined]
    recognizer.predict(clip, LABELS)
    assert recognizer.encoder.asked == asked  # type: ignore[attr-defined]
    recognizer.predict(clip, [*LABELS, "both hands"])
    assert recognizer.encoder.asked == asked + 1  # type: ignore[attr-defined]
