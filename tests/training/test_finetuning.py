"""A first stage whose encoder is trained on instead of frozen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_data import Watcher, same

from skeltext.errors import SkeltextError
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.pretrained import ENCODER
from skeltext.runs.run import Run
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")


def trained(config: TrainingConfig, path: Path) -> RunFolder:
    train_run(config, RunFolder(path), watcher=Watcher())
    return RunFolder(path)


def encoder(path: Path) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in load_file(path).items() if name.startswith(ENCODER)}


@pytest.fixture(scope="module")
def stage(tiny_config: Configure, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    config = tiny_config(method="classifier", epochs=2, preprocessing="sound50")
    return trained(config, tmp_path_factory.mktemp("stage") / "run")


@pytest.fixture
def finetuning(tiny_config: Configure, stage: RunFolder) -> Configure:
    def make(**changes: object) -> TrainingConfig:
        return tiny_config(**({"pretrained": stage.path, "finetune": True, "encoder_options": {}} | changes))

    return make


def test_it_begins_with_the_weights_of_the_first_stage_and_moves_on(
    finetuning: Configure, stage: RunFolder, tmp_path: Path
) -> None:
    folder = trained(finetuning(), tmp_path / "run")
    begun = encoder(stage.checkpoint / "weights.safetensors")
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    weights = {name for name in begun if not name.endswith(statistics)}
    first, last = encoder(folder.epoch_weights(0)), encoder(folder.epoch_weights(2))
    assert same({name: first[name] for name in weights}, {name: begun[name] for name in weights})  # at rate zero
    assert not same(first, begun)  # statistics move, so nothing is frozen
    assert not any(torch.equal(last[name], begun[name]) for name in weights if name.endswith("conv.weight"))
    assert TrainingConfig.from_yaml(folder.path / "config.yaml").preprocessing == "sound50"  # that of the first stage
    assert 0 <= (evaluate_run(Run.open(folder.path)).table["plain"]["last"] or 0) <= 1


def test_its_second_run_begins_with_that_of_the_first_stage(
    finetuning: Configure, stage: RunFolder, tmp_path: Path
) -> None:
    folder = trained(finetuning(epochs=1), tmp_path / "run")
    name = f"{ENCODER}blocks.0.graph.conv.weight"
    second = encoder(folder.held_out.epoch_weights(0))[name]
    assert torch.equal(second, encoder(stage.held_out.checkpoint / "weights.safetensors")[name])
    assert not torch.equal(second, encoder(folder.epoch_weights(0))[name])


def test_it_goes_on_where_it_was_cut_off(
    finetuning: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(finetuning(), tmp_path / "whole")
    plain, saved = RunFolder.save_epoch, []

    def cut(self: RunFolder, epoch: int, **rest: object) -> None:
        if len(saved) == 2:
            raise KeyboardInterrupt
        saved.append(epoch)
        plain(self, epoch, **rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_epoch", cut)
        with pytest.raises(KeyboardInterrupt):
            trained(finetuning(), tmp_path / "cut")
    resumed = trained(finetuning(), tmp_path / "cut")
    for one, other in ((whole, resumed), (whole.held_out, resumed.held_out)):
        assert same(load_file(one.epoch_weights(2)), load_file(other.epoch_weights(2)))


def test_there_must_be_a_first_stage(tiny_config: Configure) -> None:
    with pytest.raises(SkeltextError, match="finetune needs a first stage to go on from; name its runs"):
        tiny_config(finetune=True)
