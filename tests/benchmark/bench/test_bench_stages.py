"""Every stage at a size that takes no time: its tasks run, count and agree."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch

from skeltext.benchmark.bench import child
from skeltext.benchmark.bench.inputs import builtin_store, made_up_clips
from skeltext.benchmark.bench.measuring import PEAK
from skeltext.benchmark.bench.models import published_operations
from skeltext.benchmark.bench.published import evaluate_twice
from skeltext.benchmark.bench.registry import STAGES, chosen_stages, stage_named
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Stage, Task
from skeltext.benchmark.bench.stages import peak
from skeltext.errors import SkeltextError

TINY = BenchSettings(
    hidden=4, frames=12, batch=6, two_person=0.5, recordings=5, test_clips=200, sentences=3, rounds=1, layout="kinect20"
)
SLOW = {("text", "encoded"), ("start", "torch"), ("start", "predict")}
VARIANTS = [
    pytest.param(name, variant, marks=[pytest.mark.slow] if (name, variant) in SLOW else [])
    for name in STAGES
    for variant in dict.fromkeys(contender.variant for contender in stage_named(name).contenders)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage was prepared."""
    path = tmp_path_factory.mktemp("bench")
    for name in STAGES:
        stage_named(name).prepare(TINY, path)
    return path


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_a_task_runs_and_counts(name: str, variant: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "ROUND", 0.0)
    stage = stage_named(name)
    assert stage.name == name
    task = stage.task(variant, TINY, folder)
    times, facts = child.timed(task), child.ended(task, folder / "result.npy")
    assert all(math.isfinite(seconds) and seconds > 0 for seconds in times.values())
    assert facts["items"] > 0
    assert facts["peak"] is None or facts["peak"] > 1_000_000
    subjects = {row.subject for row in stage.rows}
    if variant in subjects and stage.roof:
        assert facts["published" if stage.roof == "arithmetic" else "moved"] > 0


COMPARED = ("inference", "evaluation", "alignment")  # in a training step dropout draws other masks
PAIRS = [(name, row.subject, row.reference) for name in COMPARED for row in stage_named(name).rows]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("name", "subject", "reference"), PAIRS)
def test_subject_and_reference_agree(name: str, subject: str, reference: str, folder: Path) -> None:
    stage = stage_named(name)
    tasks = [stage.task(variant, TINY, folder) for variant in (subject, reference)]
    assert tasks[0].result is not None
    assert tasks[1].result is not None
    found = stage.agreement(tasks[0].result(), tasks[1].result())
    if "largest_difference" in found:
        tolerance = 2e-6 if "bf16" not in subject else 2e-2
        assert 0 <= found["largest_difference"] <= tolerance * max(1, found["largest_value"])
        assert found["same_choice"] >= 0.8
    else:
        assert found["same_class"] == 1.0


def test_disagreement_is_seen() -> None:
    features = np.eye(4, 768, dtype=np.float32)
    found = stage_named("inference").agreement(features, -features)
    assert found["largest_difference"] == 2.0
    assert found["same_choice"] < 1
    assert stage_named("alignment").agreement(np.array([0, 1]), np.array([0, 2])) == {"same_class": 0.5}


def test_operations_are_counted_as_published() -> None:
    """The published encoder: 0.612 billion multiply-adds a clip, 3.68 billion operations with its gradients."""
    one = BenchSettings(batch=1)
    assert published_operations(one, backward=False) == pytest.approx(2 * 0.612e9, rel=2e-3)
    assert published_operations(one, backward=True) == pytest.approx(3.68e9, rel=3e-3)
    three = published_operations(BenchSettings(batch=3), backward=True)
    assert three == 3 * published_operations(one, backward=True)


@pytest.mark.parametrize("encoder", get_args(get_type_hints(BenchSettings)["encoder"]))
def test_every_encoder_has_a_reference_that_can_be_counted(encoder: str) -> None:
    settings = replace(TINY, encoder=encoder)  # type: ignore[arg-type]
    forward = published_operations(settings, backward=False)
    assert published_operations(settings, backward=True) > 2 * forward > 0


def test_the_published_evaluation_runs_the_network_twice() -> None:
    seen = []

    def embed(part: torch.Tensor) -> torch.Tensor:
        seen.append(len(part))
        return part

    classes = evaluate_twice(embed, torch.eye(3).repeat(30, 1), torch.eye(3) + 0.1, alpha=0.9)
    assert seen == [64, 26, 64, 26]
    assert classes.tolist() == [0, 1, 2] * 30


def test_made_up_clips_have_the_share_of_two_people() -> None:
    clips = made_up_clips(BenchSettings(batch=50), coordinates=3, joints=25)
    assert clips.shape == (50, 3, 50, 25, 2)
    assert (clips[..., 0] != 0).all()
    assert (clips[..., 1] != 0).any(axis=(1, 2, 3)).sum() == 9


def test_the_store_is_made_once_and_spread_over_the_actions(tmp_path: Path) -> None:
    store = builtin_store(TINY, tmp_path)
    assert len(store) == TINY.recordings == len(set(store.labels.tolist()))
    made = (store.folder / "index.json").stat().st_mtime_ns
    assert (builtin_store(TINY, tmp_path).folder / "index.json").stat().st_mtime_ns == made


@pytest.mark.parametrize("variant", ["arithmetic", "memory"])
def test_the_peak_of_the_machine(variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak, "SIZES", (4, 8))
    monkeypatch.setattr(peak, "COPIED", 4096)
    monkeypatch.setattr(child, "ROUND", 0.0)
    task = stage_named(PEAK).task(variant, TINY, tmp_path)
    times, facts = child.timed(task), child.ended(task, tmp_path / "none")
    assert times["cpu"] > 0
    assert (facts["published"] or facts["moved"]) in (2 * 4**3, 2 * 8**3, 2 * 4096)
    assert {row.subject for row in stage_named(PEAK).rows} == {"arithmetic", "memory"}


def test_stages_come_in_the_order_of_the_table() -> None:
    assert chosen_stages(None) == list(STAGES)
    assert chosen_stages(["start", "read"]) == ["read", "start"]
    with pytest.raises(SkeltextError, match="stage 'peak' is not known; known are read, preprocess"):
        chosen_stages([PEAK])
    for name in STAGES:
        stage = stage_named(name)
        assert isinstance(stage, Stage)
        assert child.PREPARE not in {contender.variant for contender in stage.contenders}


def test_a_short_call_is_repeated_until_a_round_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "ROUND", 0.02)
    calls: list[int] = []
    ticks = iter([10.0, 16.0])  # of the processor, before the first call and after the last
    times = child.timed(Task(run=lambda: calls.append(1), items=1, cpu_clock=lambda: next(ticks)))
    assert len(calls) > 1
    assert times["cpu"] == pytest.approx(6.0 / len(calls))
    assert times["wall"] * len(calls) >= 0.02
