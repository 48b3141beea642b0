"""A training that is killed without warning goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from training_data import Watcher, same

from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.training.train_run import train_run

SOURCE = Path(__file__).resolve().parents[2] / "src"
PATIENCE = 120.0  # seconds


def command(config: TrainingConfig, out: Path) -> list[str]:
    """The command that trains with the settings of `config`."""
    options = {
        "store": config.store,
        "text-encoder": config.text_encoder,
        "text-space": config.text_space,
        "epochs": config.epochs,
        "batch-size": config.batch_size,
        "warmup": config.warmup,
        "device": config.device,
        "threads": config.threads,
        "out": out,
    } | {f"encoder-options.{name}": value for name, value in config.encoder_options.items()}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "skeltext", "train", *words, "--json"]


def environment() -> dict[str, str]:
    """The settings of this process, with the package of this repository."""
    return os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}


def killed_once(words: list[str], metrics: Path) -> None:
    """Start the command, wait for a first line in `metrics`, and kill it."""
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + PATIENCE
    while not metrics.exists():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert process.stderr is not None
    process.stderr.close()


def without_seconds(folder: RunFolder) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in folder.metrics()]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("space", ["sentence", "centered"])
def test_two_kills_cost_no_bit(tiny_config: Callable[..., TrainingConfig], tmp_path: Path, space: str) -> None:
    config = tiny_config(epochs=5, text_space=space)
    words = command(config, tmp_path / "cut")
    cut, whole = RunFolder(tmp_path / "cut" / "split-0_seed-0"), RunFolder(tmp_path / "whole")

    killed_once(words, cut.path / "metrics.jsonl")
    assert 1 <= len(cut.metrics()) < config.epochs
    assert not cut.held_out.path.exists()
    killed_once(words, cut.held_out.path / "metrics.jsonl")
    assert cut.epochs_done() == config.epochs
    assert 1 <= len(cut.held_out.metrics()) < config.epochs
    for run in (cut, whole):
        train_run(config, run, watcher=Watcher())
    assert cut.held_out.epochs_done() == config.epochs
    for one, other in ((whole, cut), (whole.held_out, cut.held_out)):
        assert without_seconds(one) == without_seconds(other)
        names = sorted(str(path.relative_to(one.path)) for path in one.path.rglob("*.safetensors"))
        assert len(names) >= config.epochs + 2
        assert ("checkpoint/text_space.safetensors" in names) == (space == "centered")
        for name in names:
            assert same(load_file(one.path / name), load_file(other.path / name)), name
        assert any(name.startswith("buffers/") for name in load_file(other.path / "state.safetensors"))
