"""The commands for time: `skeltext timeline` and `skeltext stream`."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from skeltext.cli import main
from skeltext.datasets.store import open_store
from skeltext.evaluation.timeline_study import timeline_study
from skeltext.formats.npz import write_npz
from skeltext.recognizer.frame_lines import LONGEST
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.spans import SpanRule
from skeltext.recognizer.timeline_files import FORMS, read_spans, read_timelines
from skeltext.runs.run import open_runs
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import KINECT20

LABELS = ["wave both hands", "sit down"]


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of a command that was used wrongly; a stream may have answered before."""
        assert self.code == 2
        assert self.err.startswith("skeltext: ")
        assert self.err.count("\n") == 1
        return self.err

    @property
    def lines(self) -> list[Any]:
        """The JSON lines of a command that ended well."""
        assert (self.code, self.err) == (0, "")
        return [json.loads(line) for line in self.out.splitlines()]


Call = Callable[..., Outcome]


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, embed_offline: Callable[[Sequence[str]], None]
) -> Call:
    """A command in this process with something on its input stream."""
    embed_offline(LABELS)

    def run(*words: object, given: bytes = b"") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return Outcome(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def clip(tiny_store: Path) -> Clip:
    """A built-in motion."""
    return open_store(tiny_store).clip(7)


@pytest.fixture
def file(clip: Clip, tmp_path: Path) -> Path:
    """The motion as a file."""
    write_npz(clip, tmp_path / "day.npz")
    return tmp_path / "day.npz"


def lines_of(clip: Clip, *, timed: bool = False) -> bytes:
    """The frames of a clip as a tracker would send them, null where a joint is missing."""
    frames = np.where(np.isnan(clip.positions[0]), None, clip.positions[0].astype(float).round(4)).tolist()
    shown = [{"positions": frame, "time": 100 + t / 30} for t, frame in enumerate(frames)] if timed else frames
    return "".join(f"{json.dumps(frame)}\n" for frame in shown).encode()


def test_timeline(call: Call, tiny_run: Path, file: Path, clip: Clip) -> None:
    words = ("timeline", file, "--model", tiny_run, "--labels", *LABELS, "--window", 1, "--hop", 0.5, "--on", 0.5)
    found = call(*words, "--json")
    assert (found.code, found.err) == (0, "")
    content = json.loads(found.out)
    assert set(content) == {"file", "model", "timelines"}
    (told,) = content["timelines"]
    direct = Recognizer.load(tiny_run).timeline(clip, LABELS, window=1, hop=0.5, rule=SpanRule(on=0.5))
    np.testing.assert_allclose(told["probabilities"], direct.probabilities, atol=1e-5)
    assert [span["label"] for span in told["spans"]] == [span.label for span in direct.spans]
    assert (told["labels"], told["duration"]) == (LABELS, pytest.approx(clip.T / 30))
    shown = call(*words)
    assert shown.code == 0
    assert all(text in shown.out for text in ("from", "probability", "━", *(span.label for span in direct.spans)))


def test_a_timeline_is_written_in_every_form(call: Call, tiny_run: Path, file: Path, tmp_path: Path) -> None:
    words = ("timeline", file, "--model", tiny_run, "--labels", *LABELS, "--on", 0.5, "--people")
    for suffix in FORMS:
        outcome = call(*words, "--out", tmp_path / f"day{suffix}")
        assert outcome.code == 0
        assert f"day{suffix}" in outcome.out.replace("\n", "")
        assert "person" in outcome.out
    (one,) = read_timelines(tmp_path / "day.json")
    assert len(read_spans(tmp_path / "day.csv")[one.person]) == len(one.spans) > 0
    assert len(list(tmp_path.iterdir())) == 1 + len(FORMS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--out", "day.xls"), "day.xls ends in '.xls', expected one of .csv"),
        (("--people", "--pair"), "give one of them"),
        (("--on", "0.3", "--off", "0.4"), "expected 0 < off <= on <= 1"),
        (("--hop", "0"), "a hop of 0 s"),
        (("--examples", "wave"), "expected LABEL=FILE"),
        (("--false-accept", "0.1"), "no calibration"),
    ],
)
def test_a_timeline_used_wrongly_is_one_sentence(
    call: Call, tiny_run: Path, file: Path, words: tuple[str, ...], sentence: str
) -> None:
    assert sentence in call("timeline", file, "--model", tiny_run, "--labels", *LABELS, *words).sentence


def test_a_timeline_is_scored_by_a_truth(call: Call, tiny_run: Path, file: Path, clip: Clip, tmp_path: Path) -> None:
    truth, half = tmp_path / "truth.csv", clip.T / 60
    truth.write_text(f"start,end,label\n0,{half},{LABELS[0]}\n", encoding="utf-8")
    words = ("timeline", file, "--model", tiny_run, "--labels", *LABELS, "--on", 0.01, "--still", 0, "--score", truth)
    found = call(*words, "--json")
    assert (found.code, found.err) == (0, "")
    content = json.loads(found.out)
    assert set(content) == {"file", "model", "timelines", "scores"}
    (span,) = content["timelines"][0]["spans"]  # one label for all of it, of whose frames half have one
    right = span["label"] == LABELS[0]
    assert content["scores"] == {
        "frame_accuracy": pytest.approx(0.5 if right else 0, abs=0.01),
        "edit": float(right),
        "f1_10": float(right),
        "f1_25": float(right),
        "f1_50": float(right and content["scores"]["f1_50"]),
        "flicker": 0,
        "recordings": 1,
        "seconds": pytest.approx(clip.T / 30, abs=0.05),
    }
    shown = call(*words)
    assert shown.code == 0
    assert all(text in shown.out for text in ("F1@50", "flicker/min", "100.0" if right else "0.0"))


def test_a_wrong_truth_is_said_before_the_work(call: Call, file: Path, tmp_path: Path) -> None:
    truth, out = tmp_path / "truth.csv", tmp_path / "day.csv"
    truth.write_text("start,end,label\n0,1,bow\n", encoding="utf-8")
    words = ("timeline", file, "--model", "no such model", "--labels", *LABELS, "--score")
    assert "no.csv" in call(*words, tmp_path / "no.csv").sentence
    assert "--score is for the timeline of one person" in call(*words, truth, "--people").sentence
    sentence = call(*words, truth, "--out", out).sentence
    assert "truth.csv has the label 'bow', which is none of 'wave both hands', 'sit down'" in sentence
    assert not out.exists()


def test_runs_are_evaluated_on_recordings_that_are_put_together(
    call: Call, tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skeltext.evaluation.timeline_study.timeline_study", partial(timeline_study, recordings=1))
    shown = call("evaluate", tiny_run, "--timelines")
    assert shown.code == 0
    assert "1 recordings" in shown.out
    assert all(text in shown.out for text in ("the labels shown", "every unseen class", "F1@10", "seed 0"))
    assert not (tiny_run / "report.html").exists()
    study = json.loads(call("evaluate", tiny_run, "--timelines", "--json").out)
    assert set(study) == {"scores", "protocol"}
    assert study["scores"]["the labels shown"]["recordings"] == 1
    assert study == timeline_study(open_runs([tiny_run]), recordings=1).to_dict()
    assert "no folder given" in call("evaluate", "--timelines").sentence


@pytest.mark.parametrize("timed", [False, True])
def test_stream(call: Call, tiny_run: Path, clip: Clip, timed: bool) -> None:
    words = ("stream", "--model", tiny_run, "--labels", *LABELS, "--window", 1, "--every", 10)
    *answers, summary = call(*words, "--json", given=lines_of(clip, timed=timed)).lines
    assert len(answers) == summary["answers"] == summary["latency"]["answers"] == clip.T // 10
    assert summary["frames"] == clip.T
    assert answers[0]["seconds"] == pytest.approx(9 / 30 + 100 * timed, abs=2e-3)
    assert set(answers[0]["probabilities"]) == set(LABELS)
    assert all(answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get) for answer in answers)
    shown = call(*words, given=lines_of(clip, timed=timed))
    assert shown.code == 0
    assert len(shown.out.splitlines()) == len(answers) + 1
    assert f"{clip.T} frames, {len(answers)} answers, each in" in shown.out


def test_a_stream_of_another_layout_and_nobody(call: Call, tiny_run: Path, clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "frames.jsonl").write_bytes(lines_of(convert(clip, KINECT20)).rstrip(b"\n") + b"\n\n[]\n")
    words = ("stream", tmp_path / "frames.jsonl", "--model", tiny_run, "--labels", *LABELS, "--json")
    assert "(20, 3)" in call(*words).sentence
    *answers, summary = call(*words, "--layout", "kinect20").lines
    assert (len(answers), summary["frames"]) == ((clip.T + 1) // 5, clip.T + 1)
    (tmp_path / "frames.jsonl").write_bytes(b"[]\n" * 20)
    (summary,) = call(*words).lines
    assert (summary["answers"], summary["latency"]) == (0, None)
    assert "20 frames, no answer; the stream: " in call(*words[:-1]).out


def test_a_file_that_grows(call: Call, tiny_run: Path, clip: Clip, tmp_path: Path) -> None:
    path, content = tmp_path / "live.jsonl", lines_of(clip)
    path.write_bytes(content[:1000])

    def go_on() -> None:
        for part in (content[1000:5000], content[5000:]):
            time.sleep(0.1)
            with path.open("ab") as file:
                file.write(part)

    tracker = threading.Thread(target=go_on)
    words = ("stream", path, "--model", tiny_run, "--labels", *LABELS, "--wait", "2", "--json")
    tracker.start()
    *_, summary = call(*words).lines
    tracker.join()
    assert summary["frames"] == clip.T


@pytest.mark.parametrize(
    "line",
    [
        b"sit down",
        b"{}",
        b'{"positions": 7}',
        b'{"positions": [[1, 2, 3]], "time": "soon"}',
        b"[[1, 2, 3], [4, 5]]",
        b'[["a", "b", "c"]]',
        b"[[[[[1]]]]]",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"9" * 5000,
        b'"' + b"x" * 2 * LONGEST + b'"',
        b"[[1e999, 0, 0]]",
        json.dumps({"positions": [[0, 0, 0]] * 25, "time": 1e999}).encode(),
        json.dumps({"positions": [[0, 0, 0]] * 25, "confidence": [1]}).encode(),
        json.dumps([[1e300, 0, 0]] * 25).encode(),
    ],
    ids=lambda line: line[:24].decode("ascii", "replace"),
)
def test_hostile_lines_are_one_sentence_with_their_number(call: Call, tiny_run: Path, clip: Clip, line: bytes) -> None:
    start = b"".join(lines_of(clip).splitlines(keepends=True)[:2])
    words = ("stream", "--model", tiny_run, "--labels", *LABELS, "--json")
    assert "skeltext: line 4: " in call(*words, given=start + b"\n" + line + b"\n" + start).sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("{here}/no.jsonl",), "no.jsonl cannot be read"),
        (("{here}",), "cannot be read"),
        (("--wait", "nan"), "--wait is nan"),
        (("--every", "0"), "an answer every 0 frames"),
        (("--layout", "coco17"), "layout coco17 has 2 coordinates"),
    ],
)
def test_a_stream_used_wrongly_is_one_sentence(
    call: Call, tiny_run: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    given = [word.format(here=tmp_path) for word in words]
    assert sentence in call("stream", *given, "--model", tiny_run, "--labels", *LABELS).sentence


@pytest.mark.parametrize("command", ["timeline", "stream"])
def test_help_tells_of_every_option(call: Call, command: str) -> None:
    outcome = call(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert "--json keys:" in " ".join(outcome.out.split())
    assert "Each LABEL=FILE" in " ".join(outcome.out.replace("│", " ").split())
