"""What follows from measured times: medians, rates, shares and ratios, and how they are printed."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from skeltext.benchmark.bench.results import BenchResult, Measured, Peaks, RowResult, ratio
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.table import bench_table
from skeltext.errors import SkeltextError

FAST = Measured(wall=(0.5, 9.0, 0.4), cpu=(0.2, 0.1, 0.3), items=10, peak=2_000_000, published=400)
SLOW = Measured(wall=(2.0, 1.0, 5.0), cpu=(0.5, 0.9, 0.8), items=10)
ROW = RowResult(
    stage="inference",
    name="inference",
    unit="clips",
    roof="arithmetic",
    measured=FAST,
    references={"shipped": SLOW},
    agreement={"largest_difference": 3e-7, "largest_value": 1.5, "same_choice": 1.0},
)
EMPTY = RowResult(stage="text", name="text", unit="texts", roof=None, measured=None, missing=("it is not installed",))


def result(*rows: RowResult) -> BenchResult:
    machine = {"processor": "a machine", "cores": 1, "system": "Linux", "python": "3", "torch": "2", "numba": None}
    return BenchResult(
        settings={"encoder": "st_gcn", "batch": 10, "threads": 1, "rounds": 3},
        basis="cpu",
        machine=machine,
        load=(0.25, None),
        peaks=Peaks(arithmetic=1000.0, memory=500.0),
        rows=rows,
    )


def test_a_ratio_is_between_the_medians_of_the_rounds() -> None:
    assert ratio(FAST, SLOW, "cpu") == pytest.approx(0.8 / 0.2)
    assert ratio(FAST, SLOW, "wall") == pytest.approx(2.0 / 0.5)
    twice_the_items = Measured(wall=(1.0,), cpu=(1.0,), items=2)
    assert ratio(twice_the_items, Measured(wall=(1.0,), cpu=(1.0,), items=1), "wall") == 2.0


def test_a_share_counts_what_the_published_formulation_takes() -> None:
    peaks = Peaks(arithmetic=1000.0, memory=500.0)
    assert ROW.share(FAST, peaks, "cpu") == pytest.approx(400 / 0.2 / 1000)  # more than the machine can do
    assert ROW.share(SLOW, peaks, "cpu") == pytest.approx(400 / 0.8 / 1000)
    assert ROW.share(FAST, None, "cpu") is None
    assert EMPTY.share(None, peaks, "cpu") is None
    moving = RowResult(
        stage="read",
        name="read",
        unit="clips",
        roof="memory",
        measured=Measured(wall=(1.0,), cpu=(1.0,), items=1, moved=100),
    )
    assert moving.share(moving.measured, peaks, "wall") == pytest.approx(0.2)
    assert moving.ratio("shipped", "wall") is None


def test_a_peak_is_the_best_round() -> None:
    assert FAST.best_rate("cpu") == pytest.approx(400 / 0.1)
    assert Measured(wall=(2.0, 4.0), cpu=(9.0, 9.0), items=1, moved=8).best_rate("wall") == 4.0


def test_the_json_has_every_figure_and_every_round() -> None:
    found = json.loads(json.dumps(result(ROW, EMPTY).to_json()))
    full, empty = found["rows"]
    assert full["ratio"] == {"shipped": pytest.approx(4.0)}
    assert full["rounds"] == {"wall": [0.5, 9.0, 0.4], "cpu": [0.2, 0.1, 0.3]}
    assert full["references"]["shipped"]["share"] == pytest.approx(0.5)
    assert full.keys() == empty.keys()
    assert (empty["per_second"], empty["peak"], empty["missing"]) == (None, None, ["it is not installed"])
    assert found["load"] == [0.25, None]


def test_the_table_fits_a_terminal_and_says_why_a_cell_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=80).print(bench_table(result(ROW, EMPTY)))
    out = capsys.readouterr().out
    assert "…" not in out
    words = " ".join(out.split())
    assert "load average 0.25 and unknown before and after" in words
    assert "it is not installed" in words
    assert "numba not installed" in words
    assert "at most 3.0e-07" in words
    (line,) = [line for line in out.splitlines() if line.startswith("│ inference")]
    assert line.replace("│", " ").split() == ["inference", "50.0", "500", "200", "2", "200", "4.00", "-"]


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"rounds": 0}, {"threads": -1}, {"hidden": 0}, {"two_person": 1.5}])
def test_settings_outside_their_range_are_named(wrong: dict[str, float]) -> None:
    name, value = next(iter(wrong.items()))
    with pytest.raises(SkeltextError, match=f"{name} is {value}, expected"):
        BenchSettings(**wrong)  # type: ignore[arg-type]


def test_quick_is_never_more_than_was_asked_for() -> None:
    few = BenchSettings(batch=3, rounds=1, recordings=2, test_clips=9, sentences=1)
    assert few.quick() == few
    assert BenchSettings().quick().batch < BenchSettings().batch
    assert (BenchSettings(threads=1).basis, BenchSettings(threads=2).basis) == ("cpu", "wall")
