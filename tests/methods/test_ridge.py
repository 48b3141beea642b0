"""Ridge regression: its solution is the minimum, every class counts the same, and a run needs one step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.methods.balance import balanced_weights
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot.ridge import Ridge, ridge_map
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("clips", "width"), [(40, 12), (12, 40)])
def test_the_map_is_where_the_gradient_is_zero(clips: int, width: int) -> None:
    z, targets, weights = (
        drawn(clips, width).double(),
        drawn(clips, 3, seed=1).double(),
        torch.rand(clips).double() + 0.1,
    )
    found = ridge_map(z, targets, weights, strength=2.0)
    assert found.shape == (width, 3)
    gradient = z.T @ (weights[:, None] * (z @ found - targets)) + 2.0 * found
    assert gradient.abs().max() < 1e-8


def test_a_class_counts_the_same_however_many_clips_it_has() -> None:
    labels = torch.tensor([0] * 5 + [1] * 20)
    weights = balanced_weights(labels)
    assert weights[:5].sum() == pytest.approx(weights[5:].sum())
    assert weights.mean() == pytest.approx(1)
    z, targets = drawn(25, 4).double(), torch.eye(2, dtype=torch.float64)[labels]
    repeated = torch.cat([torch.arange(5).repeat(4), torch.arange(5, 25)])
    once = ridge_map(z, targets, weights, strength=1.0)
    often = ridge_map(z[repeated], targets[repeated], torch.ones(40).double() * 25 / 40, strength=1.0)
    torch.testing.assert_close(once, often)


def test_features_are_standardized_and_outliers_are_cut() -> None:
    method = build_method(ModelConfig(method="ridge", encoder="kinematic", layout="kinect20", text_width=3, classes=2))
    assert isinstance(method, Ridge)
    features = drawn(30, method.width)
    features[:, 0] = 7.0  # never changes
    features[3, 1] = 1e6
    labels = torch.arange(30) % 2
    losses = method.solve(Batch(labels=labels, texts=drawn(2, 3), features=features))
    assert 0 <= losses["loss"] < 4
    z = method.standardized(features)
    assert z.abs().max() <= 4
    np.testing.assert_allclose(z[:, 0], 0, atol=1e-3)
    expected = (features[:, 2] - features[:, 2].mean()) / (features[:, 2].std(correction=0) + 0.05)
    torch.testing.assert_close(z[:, 2], expected.clamp(-4, 4), rtol=1e-4, atol=1e-5)
    with pytest.raises(SkeltextError, match="method ridge cannot be built with strength=0: strength 0"):
        build_method(
            ModelConfig(
                method="ridge", encoder="kinematic", layout="kinect20", text_width=3, method_options={"strength": 0}
            )
        )


def test_a_run_is_one_epoch_and_is_evaluated_like_all_others(tiny_config: Configure, tmp_path: Path) -> None:
    config = tiny_config(
        method="ridge", encoder="kinematic", encoder_options={}, preprocessing="gaps64", layout="kinect20"
    )
    train_run(config, RunFolder(tmp_path / "run"), watcher=ProgressBars(quiet=True))
    run = Run.open(tmp_path / "run")
    assert len(run.folder.metrics()) == run.config.epochs == 1
    found = evaluate_run(run)
    assert found.features.shape[1] == found.texts.shape[1]
    assert 0 <= (found.table["plain"]["last"] or 0) <= 1
