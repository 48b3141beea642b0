"""Data, methods and watchers for the tests of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.progress import Report
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.training.loop import TrainingData, train

CLIPS, CLASSES, WIDTH = 20, 4, 16


class Watcher:
    """Remembers all that a run reports."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, list[tuple[int, dict[str, Any]]]]] = []

    def preparing(self, total: int) -> Report:
        """The reports of the preparation."""
        return self._stage("preparing", total)

    def training(self, title: str, total: int) -> Report:
        """The reports of a training."""
        return self._stage(title, total)

    def _stage(self, title: str, total: int) -> Report:
        heard: list[tuple[int, dict[str, Any]]] = []
        self.stages.append((title, total, heard))
        return lambda done, figures: heard.append((done, figures))


def made_up_data(*, clips: int = CLIPS) -> TrainingData:
    """Clips (N, 3, 12, 20, 1) of a few classes; every class moves in its own way."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(clips) % CLASSES
    ways = torch.randn(CLASSES, 3, 12, 20, 1, generator=generator)
    noise = torch.randn(clips, 3, 12, 20, 1, generator=generator)
    texts = torch.eye(CLASSES, WIDTH)
    return TrainingData(clips=ways[labels] + 0.1 * noise, labels=labels, texts=texts)


def small_method(*, seed: int = 0, **options: Any) -> Method:
    """PGFA with a narrow ST-GCN without dropout."""
    torch.manual_seed(seed)
    return build_method(
        ModelConfig(
            method="pgfa",
            encoder="st_gcn",
            layout="kinect20",
            text_width=WIDTH,
            method_options=options,
            encoder_options={"hidden": 4, "features": 16, "dropout": 0.0},
        )
    )


def settings(**changes: Any) -> TrainingConfig:
    """Settings of a short training on :func:`made_up_data`."""
    plain = {"epochs": 3, "batch_size": 8, "warmup": 1, "device": "cpu", "threads": 1}
    return TrainingConfig(**(plain | changes))


def trained(
    folder: Path, config: TrainingConfig, *, method: Method | None = None, data: TrainingData | None = None
) -> tuple[Method, list[tuple[int, dict[str, Any]]]]:
    """Train and return the method with what was reported."""
    method, heard = method or small_method(), []
    fabric = Fabric(accelerator="cpu", devices=1)
    report: Report = lambda done, figures: heard.append((done, figures))  # noqa: E731
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    train(method, data or made_up_data(), config, RunFolder(folder), fabric=fabric, report=report)
    return method, heard


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two states are equal bit by bit."""
    return one.keys() == other.keys() and all(
        torch.equal(one[name].view(torch.uint8), other[name].view(torch.uint8))
        if one[name].ndim
        else torch.equal(one[name], other[name])
        for name in one
    )
