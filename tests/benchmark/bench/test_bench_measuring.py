"""The measured processes: in turn, each with its own environment, and told about when one dies or lacks a piece."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.benchmark.bench import child, measuring
from skeltext.benchmark.bench.machine import peak_memory
from skeltext.benchmark.bench.measuring import interleaved, measure_stage, row_result
from skeltext.benchmark.bench.process import MeasuredProcess, environment
from skeltext.benchmark.bench.registry import STAGES, stage_named
from skeltext.benchmark.bench.results import Peaks
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Contender, Row, Stage, Task
from skeltext.cli import main
from skeltext.errors import SkeltextError

SOURCE = Path(__file__).resolve().parents[3] / "src"
TINY = BenchSettings(recordings=3, rounds=2)
OURS, SHIPPED, KEPT = Contender("ours"), Contender("reference", "shipped"), Contender("reference", "kept")


class Recorded:
    """A process that takes no time and writes down what it is asked."""

    def __init__(self, name: str, heard: list[str]) -> None:
        self.name, self.heard = name, heard

    def ask(self, order: str) -> dict[str, Any]:
        """What a process answers."""
        self.heard.append(f"{self.name} {order}")
        if order == "end":
            return {"items": 2, "peak": 7, "moved": None, "published": 5}
        return {"wall": float(len(self.heard)), "cpu": 1.0}


def test_all_take_turns_round_by_round() -> None:
    heard: list[str] = []
    reported: list[int] = []
    processes = {OURS: Recorded("ours", heard), SHIPPED: Recorded("shipped", heard), KEPT: Recorded("kept", heard)}
    found = interleaved(processes, rounds=2, report=lambda: reported.append(1))
    turn = ["ours round", "shipped round", "kept round"]
    assert heard == [*turn, *turn, "ours end", "shipped end", "kept end"]
    assert found[SHIPPED].wall == (2.0, 5.0)
    assert (found[OURS].items, found[OURS].peak, found[OURS].published) == (2, 7, 5)
    assert len(reported) == 6


def test_the_environment_decides_threads_and_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_MALLOC", "default")
    monkeypatch.setenv("SKELTEXT_THREADS", "8")
    settings = BenchSettings(threads=2)
    assert environment(SHIPPED, settings)["SKELTEXT_MALLOC"] == "default"
    assert "SKELTEXT_MALLOC" not in environment(KEPT, settings)
    assert {name: environment(OURS, settings)[name] for name in ("OMP_NUM_THREADS", "SKELTEXT_THREADS")} == {
        "OMP_NUM_THREADS": "2",
        "SKELTEXT_THREADS": "2",
    }


def test_a_contender_of_two_rows_is_one_process() -> None:
    stage = Stage(
        name="made-up",
        unit="clips",
        rows=(
            Row(name="a", subject="ours", reference="reference", allocators=("shipped", "kept")),
            Row(name="b", subject="other", reference="reference"),
            Row(name="c", subject="other"),
        ),
        task=lambda variant, settings, folder: Task(run=lambda: None, items=1),
    )
    assert stage.contenders == (OURS, SHIPPED, KEPT, Contender("other"))


def test_a_stage_in_processes_of_its_own(tmp_path: Path) -> None:
    reported: list[int] = []
    stage = stage_named("read")
    measured, missing = measure_stage(stage, TINY, tmp_path, report=lambda: reported.append(1))
    assert missing == {}
    assert len(reported) == len(stage.contenders) * (TINY.rounds + 1)
    (row,) = [row_result(stage, row, measured, missing, tmp_path) for row in stage.rows]
    assert row.measured is not None
    assert len(row.measured.cpu) == TINY.rounds
    assert min(*row.measured.cpu, *row.measured.wall) > 0
    assert row.measured.items == TINY.recordings
    assert row.ratio("shipped", "cpu") == pytest.approx(
        np.median(row.references["shipped"].cpu) / np.median(row.measured.cpu)
    )
    own = peak_memory()
    if own is not None:  # this process has loaded far more than one that reads clips
        assert row.measured.peak is not None
        assert 1_000_000 < row.measured.peak < own


def test_a_process_that_dies_is_told_with_its_last_line(tmp_path: Path) -> None:
    with (
        MeasuredProcess("start", Contender("nonsense"), TINY, tmp_path) as process,
        pytest.raises(SkeltextError, match=r"measured start \(nonsense\) died with exit code 1: KeyError: 'nonsense'"),
    ):
        process.started()


def test_a_process_that_is_killed_between_rounds(tmp_path: Path) -> None:
    with MeasuredProcess("start", Contender("python"), TINY, tmp_path) as process:
        assert process.started().missing == ""
        process._process.kill()
        process._process.wait()
        with pytest.raises(SkeltextError, match="died with SIGKILL"):
            process.ask("round")


def test_no_process_outlives_its_context(tmp_path: Path) -> None:
    with MeasuredProcess("start", Contender("python"), TINY, tmp_path) as process:
        process.started()
        assert process._process.poll() is None
    assert process._process.poll() is not None


def lacking(variant: str, settings: BenchSettings, folder: Path) -> Task:
    """A task of which only one variant can be made here."""
    if variant == "reference":
        raise SkeltextError("the reference is not installed")
    return Task(run=lambda: None, items=1, peak=lambda: None)


LACKING = Stage(
    name="lacking", unit="clips", rows=(Row(name="x", subject="ours", reference="reference"),), task=lacking
)


def answers(variant: str, folder: Path, orders: list[str]) -> list[dict[str, Any]]:
    stream = io.StringIO()
    child.serve("lacking", variant, folder, TINY, orders=orders, to=stream)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_missing_piece_is_an_answer_and_not_a_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "stage_named", lambda name: LACKING)
    monkeypatch.setattr(child, "ROUND", 0.0)
    assert answers("reference", tmp_path, ["round"]) == [{"missing": "the reference is not installed"}]
    assert answers(child.PREPARE, tmp_path, []) == [{"ready": True}]
    ready, times, facts = answers("ours", tmp_path, ["round\n", "end\n"])
    assert ready == {"ready": True}
    assert set(times) == {"wall", "cpu"}
    assert facts == {"items": 1, "peak": None, "moved": None, "published": None}


def test_an_empty_cell_has_a_reason(tmp_path: Path) -> None:
    measured = interleaved({OURS: Recorded("ours", [])}, rounds=1, report=lambda: None)
    missing = {SHIPPED: "the reference is not installed"}
    row = row_result(LACKING, LACKING.rows[0], measured, missing, tmp_path)
    assert row.measured == measured[OURS]
    assert row.references == {}
    assert row.missing == ("the reference is not installed",)
    nothing = row_result(LACKING, LACKING.rows[0], {}, {OURS: "no", SHIPPED: "no"}, tmp_path)
    assert (nothing.measured, nothing.missing) == (None, ("no",))


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]) -> Call:
    """The command in this process: exit code, output, errors."""

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["bench", *map(str, words)])
        code = ended.value.code or 0
        assert isinstance(code, int)
        return code, *capsys.readouterr()

    return call


def test_the_command_prints_json(bench: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_peaks", lambda *_: Peaks(arithmetic=1e11, memory=1e10))
    code, out, err = bench("--stage", "read", "--recordings", 2, "--rounds", 1, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) == {"settings", "basis", "machine", "load", "peaks", "rows"}
    assert found["settings"]["recordings"] == 2
    (row,) = found["rows"]
    for key in ("stage", "name", "unit", "roof", "per_second", "wall", "cpu", "peak", "share", "items", "rounds"):
        assert row[key] is not None or key == "peak"
    assert row["ratio"]["shipped"] > 0
    assert row["missing"] == []


def test_the_help_lists_the_json_keys_and_the_stages(bench: Call) -> None:
    code, out, _ = bench("--help")
    words = " ".join(out.replace("│", " ").split())
    assert code == 0
    keys = ("per_second", "wall", "cpu", "peak", "share", "rounds", "ratio", "references", "agreement", "missing")
    assert all(key in words.partition("--json keys:")[2] for key in keys)
    assert all(f"{name}," in words or f"{name}." in words for name in STAGES)
    assert "--two-person" in words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--stage", "sleep"), "stage 'sleep' is not known; known are read, preprocess, train-step,"),
        (("--layout", "ant"), "layout 'ant' is not known"),
        (("--rounds", "0"), "rounds is 0, expected a whole number from 1 on"),
        (("--encoder", "lstm"), "Invalid value"),
    ],
)
def test_a_mistake_is_one_sentence(bench: Call, words: tuple[str, ...], sentence: str) -> None:
    code, out, err = bench(*words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert sentence in err


@pytest.mark.parametrize("words", [["--help"], ["--stage", "sleep"]])
def test_torch_is_not_loaded_before_something_is_measured(words: list[str]) -> None:
    code = """
import sys
from skeltext.cli import main
try:
    main(["bench", *sys.argv[1:]])
except SystemExit:
    print("torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.slow
def test_everything_from_the_shell_in_small(bench: Call) -> None:
    sizes = {"hidden": 4, "frames": 12, "batch": 4, "recordings": 4, "test-clips": 100, "sentences": 2, "rounds": 1}
    code, out, err = bench("--json", *(word for name, value in sizes.items() for word in (f"--{name}", value)))
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [row["stage"] for row in found["rows"]] == sorted(
        (row["stage"] for row in found["rows"]), key=list(STAGES).index
    )
    assert {row["stage"] for row in found["rows"]} == set(STAGES)
    assert min(found["peaks"].values()) > 1e8
    for row in found["rows"]:
        if not row["missing"]:
            assert min(row["per_second"], row["wall"], row["cpu"], row["peak"]) > 0
            assert all(value > 0 for value in row["ratio"].values())
        if row["roof"]:
            assert row["share"] > 0
