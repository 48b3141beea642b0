"""Leaving one source of a union out: what is trained, who is asked, and how the figures are grouped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skeltext.adaptation.registry import named_steps
from skeltext.cli import main
from skeltext.datasets.dataset import Dataset
from skeltext.datasets.originals import Originals
from skeltext.datasets.store_writing import write_store
from skeltext.errors import SkeltextError
from skeltext.evaluation.leave_out_source import GROUPS, left_out, mean_of, trained_without
from skeltext.progress import ProgressBars
from skeltext.recognizer.card import load_card
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder, find_runs
from skeltext.runs.run import Run
from skeltext.training.train_run import train_run

ALONE = 8  # the first so many classes are shown by one of the two sources only
Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def union(tiny_builtin: Dataset, tmp_path: Path) -> Path:
    """The tiny built-in store as a union: the source `south` has a clip of all but the first classes."""
    folder = tmp_path / "union"
    samples = list(tiny_builtin.samples(Originals(folder, folder)))
    first = samples[0].subject
    named = (replace(one, source="north" if one.label < ALONE or one.subject == first else "south") for one in samples)
    write_store(folder, tiny_builtin, ((one, one.read()) for one in named))
    return folder


@pytest.fixture
def whole(union: Path, tiny_config: Configure, tmp_path: Path, embed_offline: Callable[[Sequence[str]], None]) -> Run:
    """A finished run of all classes of both sources."""
    config = tiny_config(store=union, split="all", text_encoder="minilm", epochs=1)
    embed_offline(Run.of(config, RunFolder(tmp_path)).split.seen)  # what names are typed
    train_run(config, RunFolder(tmp_path / "runs" / "split-all_seed-0"), watcher=ProgressBars(quiet=True))
    return Run.open(tmp_path / "runs" / "split-all_seed-0")


def test_the_source_and_the_classes_that_it_alone_shows_are_not_learned(whole: Run) -> None:
    without = {run.config.without_sources: run for run in trained_without(whole, watcher=ProgressBars(quiet=True))}
    north, south = without[("north",)], without[("south",)]
    assert north.split.seen == whole.split.seen[ALONE:]
    assert tuple(load_card(north.folder.checkpoint).labels) == north.split.seen
    assert south.split.seen == whole.split.seen
    for name, run in (("north", north), ("south", south)):
        learned = {run.store.source_names[number] for number in run.store.sources[run.training_clips]}
        assert learned == {"north", "south"} - {name}
    assert [folder.path for folder in find_runs(whole.folder.path.parent)] == [whole.folder.path]  # parts are no runs


def test_known_and_new_classes_are_counted_apart(whole: Run) -> None:
    steps = named_steps(["prototype_alignment"])
    found = [left_out(run, steps) for run in trained_without(whole, watcher=ProgressBars(quiet=True))]
    north, south = sorted(found, key=lambda one: one.source)
    classes = len(whole.split.seen)
    assert (north.classes, north.known, north.clips) == (classes, classes - ALONE, classes + ALONE)
    assert (south.classes, south.known, south.clips) == (classes - ALONE, classes - ALONE, classes - ALONE)
    for figures in (cells for steps in north.accuracies.values() for cells in steps.values()):
        parts = [(figures["known"], classes - ALONE), (figures["new"], 2 * ALONE)]
        assert figures["all"] == pytest.approx(sum((share or 0) * clips for share, clips in parts) / north.clips)
    assert all(cells["new"] is None for steps in south.accuracies.values() for cells in steps.values())
    mean = mean_of(found)["names"]["plain"]
    assert mean["all"] == pytest.approx(np.mean([one.accuracies["names"]["plain"]["all"] for one in found]))
    assert mean["new"] == north.accuracies["names"]["plain"]["new"]


def test_the_command_trains_once_and_prints_every_source(whole: Run, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", str(whole.folder.path.parent), "--leave-out-source", "--device", "cpu"]
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert sorted(one["source"] for one in figures["sources"]) == ["north", "south"]
    assert set(figures["mean"]["descriptions"]["plain"]) == set(GROUPS)
    trained = {path: path.stat().st_mtime_ns for path in whole.folder.path.rglob("*.safetensors")}
    with pytest.raises(SystemExit, match="0"):
        main(command)
    printed = capsys.readouterr().out
    assert "north" in printed
    assert "mean of 2 sources" in printed
    assert {path: path.stat().st_mtime_ns for path in whole.folder.path.rglob("*.safetensors")} == trained


def test_what_cannot_be_left_out_is_one_sentence(
    tiny_run: Path, whole: Run, tmp_path: Path, embed_offline: Callable[[Sequence[str]], None]
) -> None:
    with pytest.raises(SkeltextError, match="several sources"):
        next(trained_without(Run.open(tiny_run), watcher=ProgressBars(quiet=True)))
    with pytest.raises(SkeltextError, match=r"west is not a source of .*; those are north, south"):
        Run.of(replace(whole.config, without_sources=("west",)), RunFolder(tmp_path / "none"))


@pytest.mark.parametrize("other", [["--timelines"], ["--generalised"], ["--on", "utd-mhad"]])
def test_two_evaluations_at_once_are_refused(other: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "somewhere", "--leave-out-source", *other])
    assert "are asked for at once" in capsys.readouterr().err
