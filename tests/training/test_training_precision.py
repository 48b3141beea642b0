"""The precision of the arithmetic: what a setting does, and which device refuses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_data import Watcher

from skeltext.errors import SkeltextError
from skeltext.recognizer.device import float32_arithmetic
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]


@pytest.mark.parametrize(("precision", "dtype"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)])
def test_layers_compute_in_the_precision_of_the_run(
    tiny_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, dtype: torch.dtype
) -> None:
    found, plain = set(), nn.Linear.forward

    def forward(self: nn.Linear, x: Tensor) -> Tensor:
        y = plain(self, x)
        found.add(y.dtype)
        return y

    monkeypatch.setattr(nn.Linear, "forward", forward)
    config = tiny_config(epochs=2, pseudo_unseen=0.0, precision=precision)
    train_run(config, RunFolder(tmp_path), watcher=Watcher())
    assert found == {dtype}
    _, weights, buffers = RunFolder(tmp_path).load_state() or (0, {}, {})
    assert {tensor.dtype for tensor in (weights | buffers).values() if tensor.is_floating_point()} == {torch.float32}


def test_tf32_is_refused_without_cuda(tiny_config: Configure, tmp_path: Path) -> None:
    with pytest.raises(SkeltextError, match="tf32 needs a CUDA device, this is cpu; use --precision 32-true"):
        train_run(tiny_config(precision="tf32"), RunFolder(tmp_path / "run"), watcher=Watcher())
    assert not (tmp_path / "run").exists()


def settings_of_torch() -> tuple[Any, ...]:
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(("tf32", "inside"), [(True, ("high", True)), (False, ("highest", False))])
def test_cuda_devices_multiply_as_told_inside_the_block_alone(tf32: bool, inside: tuple[Any, ...]) -> None:
    before = settings_of_torch()
    with float32_arithmetic(torch.device("cuda", 1), tf32=tf32):
        assert settings_of_torch() == inside
    assert settings_of_torch() == before
    with float32_arithmetic(torch.device("cpu"), tf32=tf32):
        assert settings_of_torch() == before
