"""Methods that are solved at once, and encoders that have nothing to learn, in whole runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_data import Watcher

import skeltext
from skeltext.encoders.registry import ENCODERS
from skeltext.errors import SkeltextError
from skeltext.methods.method import Batch
from skeltext.methods.registry import METHODS
from skeltext.recognizer.checkpoint import read_tensors
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import STATE, RunFolder
from skeltext.runs.run import Run
from skeltext.training.train_run import train_run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The descriptor and the ridge of the examples are known, and no features are kept."""
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    names = (
        skeltext.add_encoder(EXAMPLES / "kinematic_descriptor.py"),
        skeltext.add_method(EXAMPLES / "closed_form_ridge.py"),
    )
    yield
    del ENCODERS[names[0]], METHODS[names[1]]


@pytest.fixture
def fixed(tiny_config: Configure) -> Configure:
    """Settings with the descriptor and the ridge; keywords replace some of them."""
    names = {"encoder": "kinematic_descriptor", "encoder_options": {"segments": 2}, "method": "closed_form_ridge"}
    return lambda **changes: tiny_config(**(names | changes))


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """What methods are given to solve."""
    batches: list[Batch] = []
    cls: Any = METHODS["closed_form_ridge"]
    plain = cls.solve
    monkeypatch.setattr(cls, "solve", lambda own, batch: batches.append(batch) or plain(own, batch))
    return batches


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many clips went through the descriptor, call by call."""
    counts: list[int] = []
    cls: Any = ENCODERS["kinematic_descriptor"]
    plain = cls.encode
    monkeypatch.setattr(cls, "encode", lambda own, clips: counts.append(len(clips)) or plain(own, clips))
    return counts


def trained(config: TrainingConfig, path: Path) -> Run:
    train_run(config, RunFolder(path), watcher=Watcher())
    return Run.open(path)


def test_all_clips_are_solved_at_once_in_each_part(fixed: Configure, solved: list[Batch], tmp_path: Path) -> None:
    watcher = Watcher()
    train_run(fixed(epochs=30, warmup=5), RunFolder(tmp_path / "run"), watcher=watcher)
    run = Run.open(tmp_path / "run")
    assert (run.config.epochs, run.config.warmup) == (1, 0)
    assert len(solved) == len(run.parts) == 2
    for batch, part in zip(solved, run.parts, strict=True):
        assert batch.clips is None
        assert batch.features is not None
        assert len(batch.features) == len(batch.labels) == len(part.training_clips)
        assert batch.texts.shape[0] == len(part.split.seen)
        (line,) = part.folder.metrics()
        assert line["epoch"] == 0
        assert np.isfinite(line["loss"])
    totals = [(total, heard[-1][0]) for title, total, heard in watcher.stages if title != "preparing"]
    assert totals == [(len(batch.labels), len(batch.labels)) for batch in solved]


def test_a_second_call_finds_it_complete(fixed: Configure, solved: list[Batch], tmp_path: Path) -> None:
    run = trained(fixed(epochs=30), tmp_path / "run")
    before = (run.folder.path / STATE).read_bytes()
    trained(fixed(epochs=30), tmp_path / "run")
    trained(fixed(epochs=7, warmup=2), tmp_path / "run")  # which is the same training
    assert len(solved) == 2
    assert (run.folder.path / STATE).read_bytes() == before
    run.require_finished()
    with pytest.raises(SkeltextError, match="holds a run with other settings"):
        trained(fixed(method_options={"strength": 3.0}), tmp_path / "run")


def test_a_run_that_was_cut_off_is_solved_again(
    fixed: Configure, solved: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    whole = trained(fixed(), tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_epoch", cut_off)
        with pytest.raises(KeyboardInterrupt):
            trained(fixed(), tmp_path / "run")
    run = trained(fixed(), tmp_path / "run")
    assert len(solved) == 2 + 1 + 2
    ends = [read_tensors(one.folder.path / STATE) for one in (whole, run)]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_features_of_a_first_stage_do_as_well(
    fixed: Configure, tiny_config: Configure, solved: list[Batch], tmp_path: Path
) -> None:
    trained(tiny_config(method="classifier", epochs=1), tmp_path / "stage")
    run = trained(fixed(encoder="st_gcn", encoder_options={}, pretrained=tmp_path / "stage"), tmp_path / "run")
    assert run.config.encoder_options == {"hidden": 4, "features": 16}
    assert [batch.features.shape[1] for batch in solved if batch.features is not None] == [16, 16]


def test_clips_are_shown_through_other_layouts_as_well(fixed: Configure, solved: list[Batch], tmp_path: Path) -> None:
    run = trained(fixed(), tmp_path / "plain")
    trained(fixed(through=("h36m17", "mediapipe33")), tmp_path / "through")
    parts = len(run.parts)
    for plain, shown in zip(solved[:parts], solved[parts:], strict=True):
        assert plain.features is not None
        assert shown.features is not None
        n = len(plain.features)
        assert shown.labels.tolist() == 3 * plain.labels.tolist()
        assert torch.equal(shown.features[:n], plain.features)
        assert not torch.equal(shown.features[n : 2 * n], plain.features)
        assert not torch.equal(shown.features[n : 2 * n], shown.features[2 * n :])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"encoder": "st_gcn", "encoder_options": {}},
            "is solved at once from features, but the encoder st_gcn",
        ),
        ({"method": "proto_net"}, "trains nothing but the encoder, and kinematic_descriptor does not learn here"),
        ({"method": "dmf", "ways": 2, "queries": 1}, "KinematicDescriptor gives one feature for a whole clip"),
    ],
    ids=["a learning encoder", "no head", "joints over time"],
)
def test_what_cannot_be_trained_leaves_nothing(
    fixed: Configure, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        trained(fixed(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_fixed_encoder_serves_a_method_that_learns_by_steps(
    fixed: Configure, encoded: list[int], tmp_path: Path
) -> None:
    run = trained(fixed(method="devise", epochs=2), tmp_path / "run")
    clips, held_out = (len(part.training_clips) for part in run.parts)
    assert sum(encoded) == clips + held_out  # each once for all epochs
    assert run.frozen
    first, last = (read_tensors(run.folder.epoch_weights(epoch)) for epoch in (0, 1))
    assert first.keys() == {"head.weight", "head.bias"}
    assert not torch.equal(first["head.weight"], last["head.weight"])
