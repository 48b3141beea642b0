"""Two-stage training: a frozen encoder is asked once for every clip, and nobody learns from what must be unseen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from training_data import Watcher, same, trained

from skeltext.cli import main
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import hold_out, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.encoders.st_gcn import STGCN
from skeltext.errors import SkeltextError
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.formats.npz import write_npz
from skeltext.methods.building import build_method
from skeltext.recognizer.card import WEIGHTS, Card, load_card, save_card
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import STATE, RunFolder
from skeltext.runs.run import Run
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.training import train_run as run_module
from skeltext.training.loop import TrainingData
from skeltext.training.seen_data import seen_data
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
SPLIT = dataset_named("builtin").split("0")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def stages(tiny_config: Configure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of first stages, of split 0 and of split 1."""
    folder = tmp_path_factory.mktemp("stages")
    for split in ("0", "1"):
        config = tiny_config(method="classifier", split=split, epochs=2, preprocessing="sound50")
        train_run(config, RunFolder(folder / f"split-{split}"), watcher=Watcher())
    return folder


@pytest.fixture
def stage(stages: Path) -> RunFolder:
    """The first stage of split 0."""
    return RunFolder(stages / "split-0")


@pytest.fixture
def head(tiny_config: Configure, stage: RunFolder) -> Configure:
    """Settings of a training on the frozen encoder of the first stage."""

    def make(**changes: object) -> TrainingConfig:
        plain = {"method": "devise", "pretrained": stage.path, "encoder_options": {}, "optimizer": "adam"}
        return tiny_config(**(plain | changes))

    return make


@pytest.fixture(scope="module")
def warm_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(warm_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(warm_cache))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many clips went through an encoder, call by call."""
    counts: list[int] = []
    plain = STGCN.forward
    monkeypatch.setattr(STGCN, "forward", lambda self, clips: counts.append(len(clips)) or plain(self, clips))
    return counts


def run(config: TrainingConfig, path: Path) -> RunFolder:
    folder = RunFolder(path)
    train_run(config, folder, watcher=Watcher())
    return folder


def encoder_weights(path: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in load_file(path).items() if name.startswith("encoder.")}


def without_seconds(folder: RunFolder) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in folder.metrics()]


def test_every_clip_goes_through_an_encoder_once_for_all_epochs_heads_and_the_evaluation(
    head: Configure, tiny_store: Path, encoded: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    clips = split_clips(open_store(tiny_store), SPLIT)
    read, plain = set(), Store.clip
    with monkeypatch.context() as patch:
        patch.setattr(Store, "clip", lambda self, i: read.add(self.classes[self.labels[i]]) or plain(self, i))
        folder = run(head(), tmp_path / "devise")
    assert read == set(SPLIT.seen)
    result = evaluate_run(Run.open(folder.path))
    assert len(folder.metrics()) == len(result.curves.unseen["plain"]) == len(result.curves.pseudo_unseen["plain"]) == 3
    # one encoder for the training and the test clips, the other for those that its run learns from and holds out
    assert sum(encoded) == 2 * len(clips.train) + len(clips.test)
    encoded.clear()
    for method in ("relation_net", "pgfa"):
        other = run(head(method=method, seed=7), tmp_path / method)
        evaluate_run(Run.open(other.path))
    evaluate_run(Run.open(folder.path))
    assert encoded == []


def test_features_train_as_clips_through_the_frozen_encoder_do(
    head: Configure, stage: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[TrainingData, Card]] = []
    plain = run_module.train
    monkeypatch.setattr(
        run_module,
        "train",
        lambda method, data, config, folder, **more: (
            given.append((data, load_card(folder.checkpoint))) or plain(method, data, config, folder, **more)
        ),
    )
    config = head(pseudo_unseen=0.0)
    folder = run(config, tmp_path / "features")
    ((data, card),) = given
    assert data.clips is None
    whole = Run.of(replace(config, pretrained=None, preprocessing="sound50"), RunFolder(tmp_path))
    seen = seen_data(whole, preparing=Watcher().preparing)
    Fabric(accelerator="cpu", devices=1).seed_everything(config.seed, verbose=False)
    method = build_method(card.model)
    method.load_state_dict(method.state_dict() | encoder_weights(stage.checkpoint / WEIGHTS))
    method.freeze_encoder()
    on_clips = TrainingData(clips=torch.from_numpy(seen.arrays), labels=data.labels, texts=data.texts)
    trained(tmp_path / "clips", config, method=method, data=on_clips)
    one, other = (without_seconds(part) for part in (folder, RunFolder(tmp_path / "clips")))
    assert [line["loss"] for line in one] == pytest.approx([line["loss"] for line in other], rel=1e-4)
    assert one[0]["loss"] != one[-1]["loss"]
    states = [load_file(path / STATE) for path in (folder.path, tmp_path / "clips")]
    for name in states[0]:
        torch.testing.assert_close(states[0][name], states[1][name], atol=1e-4, rtol=1e-3)


def test_a_run_is_complete_without_its_first_stage(
    head: Configure, stage: RunFolder, tmp_path: Path, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(stage.path, gone)
    config = head(pretrained=gone)
    folder = run(config, tmp_path / "run")
    for part, source in ((folder, stage), (folder.held_out, stage.held_out)):
        frozen = encoder_weights(source.checkpoint / WEIGHTS)
        assert same(encoder_weights(part.checkpoint / WEIGHTS), frozen)
        for epoch in (0, 2):  # which hold the head alone
            assert not encoder_weights(part.epoch_weights(epoch))
            assert part.epoch_weights(epoch).stat().st_size * 2 < (part.checkpoint / WEIGHTS).stat().st_size
        assert load_card(part.checkpoint).model.encoder_options == {"hidden": 4, "features": 16}
        assert load_card(part.checkpoint).preprocessing == load_card(source.checkpoint).preprocessing
    own = TrainingConfig.from_yaml(folder.path / "config.yaml")
    assert own == replace(config, encoder_options={"hidden": 4, "features": 16}, preprocessing="sound50")
    before = evaluate_run(Run.open(folder.path))
    shutil.rmtree(gone)
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "empty"))
    encoded.clear()
    again = evaluate_run(Run.open(folder.path))
    assert sum(encoded) > 0
    assert (again.table, again.class_table) == (before.table, before.class_table)
    encoded.clear()
    run(config, folder.path)  # complete, so that nothing is looked for
    with pytest.raises(SkeltextError, match="holds a run with other settings"):
        run(replace(config, pretrained=stage.path), folder.path)
    assert encoded == []


@pytest.mark.parametrize("method", ["devise", "relation_net"])
def test_a_run_goes_on_where_it_was_cut_off(
    head: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    config = head(method=method)
    whole = run(config, tmp_path / "whole")
    saved, plain = [], RunFolder.save_epoch

    def cut_off(self: RunFolder, epoch: int, **content: Any) -> None:
        if len(saved) == 4:  # one epoch into the second training
            raise KeyboardInterrupt
        saved.append(epoch)
        plain(self, epoch, **content)

    cut = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_epoch", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(config, cut)
    assert saved == [0, 1, 2, 0]
    resumed = run(config, cut)
    for one, other in ((whole, resumed), (whole.held_out, resumed.held_out)):
        assert without_seconds(one) == without_seconds(other)
        states = [load_file(part.path / STATE) for part in (one, other)]
        assert same(*states)
        assert any(name.startswith("buffers/exp_avg_sq/") for name in states[0])
        assert not any(name.startswith("buffers/exp_avg_sq/encoder.") for name in states[0])


def test_another_encoder_under_the_same_path_is_noticed(
    head: Configure, stage: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = RunFolder(shutil.copytree(stage.path, tmp_path / "stage"))
    config = head(pretrained=moving.path, epochs=2)
    folder = run(config, tmp_path / "run")
    (folder.held_out.path / STATE).unlink()  # so that there is something left to train
    shutil.copy(moving.held_out.checkpoint / WEIGHTS, moving.checkpoint / WEIGHTS)
    with pytest.raises(SkeltextError, match=r"run was begun with another encoder than .* holds now; choose another"):
        run(config, folder.path)


def test_in_a_folder_of_runs_that_of_the_split_and_seed_is_meant(
    head: Configure, stages: Path, stage: RunFolder, tmp_path: Path
) -> None:
    folder = run(head(pretrained=stages, epochs=1), tmp_path / "run")
    assert same(encoder_weights(folder.checkpoint / WEIGHTS), encoder_weights(stage.checkpoint / WEIGHTS))
    for changes in ({"split": "2"}, {"seed": 3}):
        with pytest.raises(SkeltextError, match=r"holds 0 first stages of builtin with split .* expected one"):
            run(head(pretrained=stages, **changes), tmp_path / "other")
    shutil.copytree(stages, tmp_path / "twice" / "one")
    shutil.copytree(stages, tmp_path / "twice" / "two")
    with pytest.raises(SkeltextError, match="holds 2 first stages of builtin with split 0 and seed 0"):
        run(head(pretrained=tmp_path / "twice"), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_second_run_needs_an_encoder_that_did_not_learn_what_it_holds_out(
    head: Configure, stage: RunFolder, tmp_path: Path
) -> None:
    held = hold_out(SPLIT, fraction=0.2)
    bare = RunFolder(shutil.copytree(stage.path, tmp_path / "bare"))
    settings = TrainingConfig.from_yaml(bare.path / "config.yaml")
    replace(settings, pseudo_unseen=0.0).to_yaml(bare.path / "config.yaml")
    for path in (bare.path, stage.checkpoint):
        with pytest.raises(
            SkeltextError, match=r"has learnt '(.*)', which must be unseen in split 0-held-out-0"
        ) as caught:
            run(head(pretrained=path), tmp_path / "run")
        assert str(caught.value).split("'")[1] in held.unseen
        assert "--pseudo-unseen" in str(caught.value)
        run(head(pretrained=path, pseudo_unseen=0.0, epochs=1), tmp_path / f"{path.name}-run")
    with pytest.raises(SkeltextError, match="must be unseen in split 0-held-out-0"):
        run(head(pseudo_unseen=0.5), tmp_path / "run")
    assert len(run(head(pseudo_unseen=0.1, epochs=1), tmp_path / "fewer").held_out.metrics()) == 1
    assert not (tmp_path / "run").exists()


def changed_labels(folder: Path) -> None:
    """Let the card say that an unseen class was learnt, under a name in other letters."""
    card = load_card(folder / "checkpoint")
    save_card(folder / "checkpoint", replace(card, labels={**card.labels, SPLIT.unseen[0].upper(): ""}))


def changed_layout(folder: Path) -> None:
    card = load_card(folder / "checkpoint")
    other = preprocessing_named("sound50", layout="kinect20", bodies=1)
    save_card(folder / "checkpoint", replace(card, preprocessing=other))


def changed_bodies(folder: Path) -> None:
    card = load_card(folder / "checkpoint")
    save_card(folder / "checkpoint", replace(card, preprocessing=replace(card.preprocessing, bodies=2)))


def changed_width(folder: Path) -> None:
    card = load_card(folder / "checkpoint")
    wide = {"hidden": 5, "features": 16}
    save_card(folder / "checkpoint", replace(card, model=replace(card.model, encoder_options=wide)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (shutil.rmtree, "there is no first stage at .*; train one with `skeltext train --dataset builtin --method"),
        (lambda folder: (folder / "config.yaml").unlink(), r"stage holds no run|is no readable configuration"),
        (lambda folder: (folder / STATE).unlink(), r"the first stage \S+stage has 0 of 2 epochs; give its"),
        (lambda folder: shutil.rmtree(folder / "pseudo-unseen"), "stage/pseudo-unseen has 0 of 2 epochs"),
        (lambda folder: (folder / "checkpoint" / WEIGHTS).write_bytes(b"x"), "is no readable weights file"),
        (lambda folder: (folder / "checkpoint" / "labels.json").unlink(), "is no checkpoint of skeltext"),
        (changed_labels, rf"has learnt '{SPLIT.unseen[0].upper()}', which must be unseen in split 0;"),
        (changed_layout, "reads 1 bodies of layout kinect20 .* but builtin has 1 of ntu25; give a first stage"),
        (changed_bodies, "reads 2 bodies of layout ntu25 .* but builtin has 1 of ntu25"),
        (changed_width, "holds the weights of another model"),
    ],
)
def test_a_first_stage_that_does_not_fit_is_one_sentence(
    head: Configure, stage: RunFolder, tmp_path: Path, change: Callable[[Path], object], sentence: str
) -> None:
    copy = shutil.copytree(stage.path, tmp_path / "stage")
    change(copy)
    with pytest.raises(SkeltextError, match=sentence) as caught:
        run(head(pretrained=copy), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_encoder_of_another_split_is_refused(head: Configure, stages: Path, tmp_path: Path) -> None:
    with pytest.raises(SkeltextError, match="which must be unseen in split 0;"):
        run(head(pretrained=stages / "split-1"), tmp_path / "run")


def test_a_first_stage_is_not_evaluated(stage: RunFolder) -> None:
    with pytest.raises(SkeltextError, match="it is a first stage"):
        evaluate_run(Run.open(stage.path))
    assert all(0 <= line["accuracy"] <= 1 for line in stage.metrics())


def test_from_the_first_stage_to_a_prediction_by_commands(
    tiny_store: Path,
    embed_offline: Callable[..., None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = ["sit down", "juggle three balls"]
    embed_offline(labels)
    common = [
        *("--store", str(tiny_store), "--epochs", "2", "--batch-size", "16", "--warmup", "1"),
        *("--device", "cpu", "--threads", "1", "--splits", "0", "1", "--json"),
    ]

    def call(*words: str) -> Any:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        assert not ended.value.code, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    stages, runs = tmp_path / "stages", tmp_path / "runs"
    narrow = ["--encoder-options.hidden", "4", "--encoder-options.features", "16"]
    call("train", "--method", "classifier", *narrow, "--out", str(stages), *common)
    second = ["--method", "devise", "--pretrained", str(stages), "--optimizer", "adam"]
    done = call("train", *second, "--out", str(runs), *common)
    assert [entry["split"] for entry in done["runs"]] == ["0", "1"]
    found = call("evaluate", str(runs), "--device", "cpu", "--json")
    assert found["title"].startswith("DeViSE on ")
    assert f"The encoder is frozen; it was trained before ({stages})" in found["protocol"]
    assert "did not learn the classes it holds out" in found["protocol"]
    for rule in ("last", "pseudo-unseen", "oracle"):
        assert 0 <= found["plain"][rule] <= 1
    shutil.rmtree(stages)
    write_npz(open_store(tiny_store).clip(0), tmp_path / "clip.npz")
    run = done["runs"][0]["path"]
    (answer,) = call("predict", str(tmp_path / "clip.npz"), "--model", run, "--labels", *labels, "--json")["answers"]
    assert {guess["label"] for guess in answer["guesses"]} == set(labels)
    assert sum(guess["probability"] for guess in answer["guesses"]) == pytest.approx(1)
