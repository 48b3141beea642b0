"""What counts the same in a training: every class, or every class of every source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_data import Watcher

from skeltext.errors import SkeltextError
from skeltext.methods.balance import balanced_weights
from skeltext.methods.method import Batch
from skeltext.methods.registry import METHODS
from skeltext.runs import run as run_module
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.training.loop import TrainingData
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """What the ridge is given to solve, from a store with two sources."""
    batches: list[Batch] = []
    cls: Any = METHODS["ridge"]
    plain, opened = cls.solve, run_module._opened
    monkeypatch.setattr(cls, "solve", lambda own, batch: batches.append(batch) or plain(own, batch))

    def two_sources(*given: Any) -> Any:
        store = opened(*given)
        return replace(store, sources=(np.arange(len(store)) % 3 == 0).astype(np.int32), source_names=("one", "other"))

    monkeypatch.setattr(run_module, "_opened", two_sources)
    return batches


@pytest.fixture
def ridge(tiny_config: Configure) -> Configure:
    """Settings of a ridge on the kinematic encoder; keywords replace some of them."""
    names = {"method": "ridge", "encoder": "kinematic", "encoder_options": {}}
    return lambda **changes: tiny_config(preprocessing="gaps64", layout="kinect20", **(names | changes))


def test_every_class_counts_the_same_by_default(ridge: Configure, solved: list[Batch], tmp_path: Path) -> None:
    train_run(ridge(), RunFolder(tmp_path / "run"), watcher=Watcher())
    for batch in solved:
        assert batch.groups is None
        assert torch.equal(batch.weights, balanced_weights(batch.labels))


def test_every_class_of_every_source_counts_the_same(ridge: Configure, solved: list[Batch], tmp_path: Path) -> None:
    train_run(ridge(balance="class-and-source", through=("h36m17",)), RunFolder(tmp_path / "run"), watcher=Watcher())
    run = Run.open(tmp_path / "run")
    assert run.config.balance == "class-and-source"
    assert len(solved) == 2
    for batch, part in zip(solved, run.parts, strict=True):
        sources = torch.from_numpy(np.tile(part.store.sources[part.training_clips], 2))
        assert len(sources) == len(batch.labels)
        pairs = [
            (batch.labels == label) & (sources == source) for label in range(len(batch.texts)) for source in (0, 1)
        ]
        shares = [batch.weights[pair].sum() for pair in pairs if pair.any()]
        assert len(batch.texts) < len(shares) < 2 * len(batch.texts)  # some classes have clips of both
        assert max(shares) == pytest.approx(min(shares))
        assert batch.weights.mean() == pytest.approx(1)


def test_a_batch_keeps_the_groups_of_its_clips() -> None:
    data = TrainingData(labels=torch.zeros(3, dtype=torch.long), texts=torch.eye(1), groups=torch.tensor([0, 1, 2]))
    found = data.batch(torch.tensor([2, 0])).groups
    assert found is not None
    assert found.tolist() == [2, 0]


def test_mistakes_are_one_sentence(tiny_config: Configure, tmp_path: Path) -> None:
    with pytest.raises(SkeltextError, match="balance is clips, expected one of class, class-and-source"):
        tiny_config(balance="clips")
    with pytest.raises(SkeltextError, match="the method pgfa draws its batches without weights"):
        train_run(tiny_config(balance="class-and-source"), RunFolder(tmp_path / "run"), watcher=Watcher())
    assert not (tmp_path / "run").exists()
