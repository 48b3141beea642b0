"""The small network and the ensemble: they learn, repeat themselves, go on after a cut, and are exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch, Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot.ensemble import SHARE, Ensemble
from skeltext.methods.zero_shot.ridge import Ridge
from skeltext.progress import ProgressBars
from skeltext.recognizer.checkpoint import read_tensors
from skeltext.recognizer.export import export_onnx
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import STATE, RunFolder
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES, WIDTH = 6, 5
NETWORKS = ("mlp", "ensemble")


def built(name: str, **options: Any) -> Method:
    torch.manual_seed(0)
    config = ModelConfig(
        method=name, encoder="kinematic", layout="kinect20", text_width=WIDTH, classes=CLASSES, method_options=options
    )
    return build_method(config)


def learnable(method: Method, *, clips: int = 120, seed: int = 0) -> Batch:
    """Features around a mean for each of all classes, which follows from the text of the class."""
    generator = torch.Generator().manual_seed(seed)
    texts = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(9))
    means = texts @ torch.randn(WIDTH, method.width, generator=torch.Generator().manual_seed(8))
    labels = torch.arange(clips) % CLASSES
    features = means[labels] + 2.0 * torch.randn(clips, method.width, generator=generator)
    return Batch(labels=labels, texts=texts, features=features)


def solved(name: str, *, seed: int = 1, **options: Any) -> tuple[Method, dict[str, Tensor]]:
    method = built(name, **options)
    torch.manual_seed(seed)
    with torch.no_grad():  # as the loop calls it
        losses = method.solve(learnable(method))
    return method.eval(), losses


@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns_what_other_clips_show(name: str) -> None:
    method, losses = solved(name, steps=30, hidden=16)
    assert torch.isfinite(losses["loss"])
    other = learnable(method, seed=5)
    assert other.features is not None
    with torch.no_grad():
        found = method.scores(method.embed_features(other.features), other.texts).argmax(dim=1)
        fresh = built(name, steps=30, hidden=16).eval()
        before = fresh.scores(fresh.embed_features(other.features), other.texts).argmax(dim=1)
    assert (found == other.labels).float().mean() > 0.9
    assert (before == other.labels).float().mean() < 0.6


@pytest.mark.parametrize("name", NETWORKS)
def test_the_seed_decides_it(name: str) -> None:
    one, again, other = (solved(name, steps=3, hidden=8, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not torch.equal(one["network.1.weight"], other["network.1.weight"])


def test_the_ensemble_adds_the_directions_of_both() -> None:
    method, _ = solved("ensemble", steps=3, hidden=8)
    ridge, _ = solved("ridge", discount=True)
    assert isinstance(method, Ensemble)
    assert isinstance(ridge, Ridge)
    assert torch.equal(method.map, ridge.map)
    features = learnable(method).features
    assert features is not None
    trained = F.normalize(method.network(method.standardized(features)), dim=1)
    both = F.normalize(ridge.embed_features(features), dim=1) + SHARE * trained
    torch.testing.assert_close(method.embed_features(features), F.normalize(both, dim=1))


def test_clips_are_drawn_by_their_weights() -> None:
    maps = []
    for groups in (None, torch.arange(120) % 2):  # every second clip: the classes 0, 2, 4 and 1, 3, 5
        method = built("mlp", steps=3, hidden=8)
        batch = learnable(method)
        torch.manual_seed(1)
        unequal = torch.tensor([0] * 100 + [1] * 20)
        method.solve(Batch(labels=unequal, texts=batch.texts, features=batch.features, groups=groups))
        maps.append(method.state_dict()["network.1.weight"])
    assert not torch.equal(*maps)


@pytest.mark.parametrize("option", ["hidden", "steps"])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_cannot_be_is_one_sentence(name: str, option: str) -> None:
    with pytest.raises(SkeltextError, match=f"method {name} cannot be built with {option}=0"):
        built(name, **{option: 0})


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_that_was_cut_off_ends_alike_and_is_exported(
    name: str, tiny_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(
        method=name,
        method_options={"steps": 4, "hidden": 8},
        encoder="kinematic",
        encoder_options={},
        preprocessing="gaps64",
        layout="kinect20",
        pseudo_unseen=0.0,
    )

    def cut_off(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    whole, cut = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    train_run(config, whole, watcher=ProgressBars(quiet=True))
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_epoch", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train_run(config, cut, watcher=ProgressBars(quiet=True))
    train_run(config, cut, watcher=ProgressBars(quiet=True))
    one, other = (read_tensors(folder.path / STATE) for folder in (whole, cut))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    parity = export_onnx(whole.path, tmp_path / "model.onnx")
    assert parity.scores < 1e-5
    assert all(row.ranking == 1 for row in parity.comparisons)
