"""A run on the tiny built-in store: what it reads, what it leaves, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_data import Watcher, same

from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import hold_out
from skeltext.datasets.store import Store, open_store
from skeltext.errors import SkeltextError
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.training import train_run as run_module
from skeltext.training.loop import TrainingData
from skeltext.training.seen_data import seen_data
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The class of every clip that is read from a store."""
    classes: list[str] = []
    plain = Store.clip

    def clip(self: Store, index: int) -> Any:
        classes.append(self.classes[self.labels[index]])
        return plain(self, index)

    monkeypatch.setattr(Store, "clip", clip)
    return classes


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[TrainingData]:
    """What the loop is given; it trains nothing."""
    data: list[TrainingData] = []
    monkeypatch.setattr(run_module, "train", lambda method, given, *_, **__: data.append(given))
    return data


def listing(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("split", ["0", "1", "2"])
def test_no_clip_of_an_unseen_class_is_ever_read(
    tiny_config: Configure, tmp_path: Path, read: list[str], split: str
) -> None:
    train_run(tiny_config(split=split, epochs=1), RunFolder(tmp_path), watcher=Watcher())
    wanted = dataset_named("builtin").split(split)
    assert set(read) == set(wanted.seen)
    assert not set(read) & set(wanted.unseen)


def test_the_loop_is_given_seen_clips_and_texts_alone(
    tiny_config: Configure, tiny_store: Path, text_table: Path, tmp_path: Path, given: list[TrainingData]
) -> None:
    config = tiny_config()
    train_run(config, RunFolder(tmp_path), watcher=Watcher())
    store, table = open_store(tiny_store), np.load(text_table)
    split = dataset_named("builtin").split("0")
    held = hold_out(split, fraction=config.pseudo_unseen)
    assert set(held.seen) < set(split.seen)
    prepare = preprocessing_named(config.preprocessing, layout="ntu25", bodies=1)
    for data, classes in zip(given, (split.seen, held.seen), strict=True):
        np.testing.assert_array_equal(data.texts, table[[store.classes.index(name) for name in classes]])
        indices = [index for index, label in enumerate(store.labels) if store.classes[label] in classes]
        assert [classes[label] for label in data.labels] == [store.classes[store.labels[index]] for index in indices]
        assert data.clips.shape == (len(indices), 3, 50, 25, 1)
        for position in (0, len(indices) // 2, -1):
            np.testing.assert_array_equal(data.clips[position], prepare(store.clip(indices[position])))


def test_without_held_out_classes_there_is_one_training(
    tiny_config: Configure, tmp_path: Path, given: list[TrainingData]
) -> None:
    watcher = Watcher()
    train_run(tiny_config(pseudo_unseen=0.0), RunFolder(tmp_path / "run"), watcher=watcher)
    assert len(given) == 1
    assert [title for title, _, _ in watcher.stages] == ["preparing", "run"]


def test_what_a_run_leaves_and_reports(tiny_config: Configure, tmp_path: Path) -> None:
    watcher = Watcher()
    folder = RunFolder(tmp_path / "run")
    config = tiny_config(epochs=2)
    train_run(config, folder, watcher=watcher)
    assert TrainingConfig.from_yaml(folder.path / "config.yaml") == config
    own = ["checkpoint", "epochs", "metrics.jsonl", "state.safetensors"]
    assert sorted(path.name for path in folder.path.iterdir()) == sorted([*own, "config.yaml", "pseudo-unseen"])
    assert sorted(path.name for path in folder.held_out.path.iterdir()) == own
    for run in (folder, folder.held_out):
        assert sorted(path.name for path in run.checkpoint.iterdir()) == [
            "config.json",
            "labels.json",
            "preprocess.json",
            "weights.safetensors",
        ]
        assert len(run.metrics()) == run.epochs_done() == 2
    held = hold_out(dataset_named("builtin").split("0"), fraction=config.pseudo_unseen)
    titles = ["preparing", "run", f"run, {len(held.unseen)} classes held out"]
    assert [title for title, _, _ in watcher.stages] == titles
    for _, total, heard in watcher.stages:
        assert heard[-1][0] == total


def test_a_complete_run_returns_at_once(
    tiny_config: Configure, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(epochs=1)
    train_run(config, RunFolder(tmp_path), watcher=Watcher())
    before = listing(tmp_path)
    read.clear()
    monkeypatch.setattr(run_module, "train", None)
    watcher = Watcher()
    train_run(config, RunFolder(tmp_path), watcher=watcher)
    assert (read, watcher.stages) == ([], [])
    assert listing(tmp_path) == before


def test_only_the_missing_half_is_trained(
    tiny_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(epochs=1)
    train_run(config, RunFolder(tmp_path), watcher=Watcher())
    before = listing(tmp_path)
    (tmp_path / "pseudo-unseen" / "state.safetensors").unlink()
    train_run(config, RunFolder(tmp_path), watcher=Watcher())
    after = listing(tmp_path)
    assert after.keys() == before.keys()
    assert after["state.safetensors"] == before["state.safetensors"]
    assert after["pseudo-unseen/state.safetensors"] != before["pseudo-unseen/state.safetensors"]


@pytest.mark.parametrize(
    "changes", [{"epochs": 4}, {"seed": 1}, {"split": "1"}, {"encoder_options": {"hidden": 5}}, {"store": None}]
)
def test_other_settings_in_the_same_folder_are_refused(
    tiny_config: Configure, tmp_path: Path, given: list[TrainingData], changes: dict[str, Any]
) -> None:
    train_run(tiny_config(), RunFolder(tmp_path), watcher=Watcher())
    before = listing(tmp_path)
    with pytest.raises(SkeltextError, match="holds a run with other settings; choose another --out or remove it"):
        train_run(tiny_config(**changes), RunFolder(tmp_path), watcher=Watcher())
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dataset": "nothing"}, "data set 'nothing' is not known"),
        ({"dataset": "utd-mhad"}, "holds builtin, not utd-mhad"),
        ({"split": "9"}, "has no class split '9'"),
        ({"store": Path("/nowhere")}, "/nowhere does not exist; `skeltext prepare builtin --out /nowhere` makes it"),
        ({"preprocessing": "nothing"}, "preprocessing 'nothing' is not known"),
        ({"method": "nothing"}, "method 'nothing' is not known; known are .*pgfa"),
        ({"method_options": {"nothing": 1}}, "method pgfa has no option 'nothing'"),
        ({"method_options": {"target": "hard"}}, "method pgfa .*target='hard'"),
        ({"encoder": "nothing"}, "encoder 'nothing' is not known"),
        ({"encoder_options": {"nothing": 1}}, "encoder st_gcn has no option 'nothing'"),
        ({"encoder_options": {"hidden": -4}}, "encoder st_gcn .*hidden=-4"),
        ({"encoder_options": {"hidden": "wide"}}, "encoder st_gcn .*hidden='wide'"),
        ({"text_encoder": "/nowhere.npy"}, "/nowhere.npy cannot be read"),
        ({"device": "abacus"}, "device 'abacus' is not known; known are cpu, cuda, mps and auto"),
        ({"pseudo_unseen": 0.99}, "too few to hold out"),
    ],
)
def test_settings_that_cannot_be_trained_with_leave_nothing(
    tiny_config: Configure, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        train_run(tiny_config(**changes), RunFolder(tmp_path / "run"), watcher=Watcher())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(tiny_config: Configure, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SkeltextError, match="file/run cannot be made"):
        train_run(tiny_config(), RunFolder(tmp_path / "file" / "run"), watcher=Watcher())


def test_a_clip_that_cannot_be_prepared_is_not_left_out_in_silence(
    tiny_config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Store.clip

    def clip(self: Store, index: int) -> Any:
        if index == 1:
            raise SkeltextError("this clip is damaged")
        return plain(self, index)

    monkeypatch.setattr(Store, "clip", clip)
    with pytest.raises(SkeltextError, match=r"1 of \d+ clips of .* cannot be prepared .*this clip is damaged"):
        seen_data(Run.of(tiny_config(), RunFolder(Path("nowhere"))), preparing=Watcher().preparing)


def test_threads_are_those_of_the_configuration_for_as_long_as_it_trains(
    tiny_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, found = torch.get_num_threads(), []
    monkeypatch.setattr(run_module, "train", lambda *_, **__: found.append(torch.get_num_threads()))
    train_run(tiny_config(threads=before + 1), RunFolder(tmp_path), watcher=Watcher())
    assert set(found) == {before + 1}
    assert torch.get_num_threads() == before


def test_the_targets_of_the_paper_and_a_learnable_temperature_train_by_configuration(
    tiny_config: Configure, tmp_path: Path
) -> None:
    results = {}
    for name, options in (("code", {}), ("paper", {"target": "rows", "temperature": "learnable"})):
        folder = RunFolder(tmp_path / name)
        config = replace(tiny_config(epochs=2, pseudo_unseen=0.0), method_options=options)
        train_run(config, folder, watcher=Watcher())
        results[name] = folder.load_state(), [line["loss"] for line in folder.metrics()]
    (_, code, _), code_loss = results["code"]
    (_, paper, buffers), paper_loss = results["paper"]
    assert not same(code, paper)
    assert code["log_scale"] != paper["log_scale"]
    assert "momentum_buffer/log_scale" in buffers
    assert code_loss[0] != paper_loss[0]
