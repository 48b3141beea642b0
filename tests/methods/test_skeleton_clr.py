"""SkeletonCLR and AimCLR: the losses by hand, mining, and that both learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from skeltext.encoders.st_gcn import STGCN
from skeltext.methods.first_stages import skeleton_clr as module
from skeltext.methods.first_stages.skeleton_clr import (
    SkeletonCLR,
    distribution_divergence,
    multi_positive_loss,
    nearest_neighbours,
)
from skeltext.methods.method import Batch
from skeltext.methods.momentum_contrast import info_nce
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.skeletons.layouts import KINECT20
from skeltext.training.train_run import train_run

pytestmark = pytest.mark.usefixtures("one_thread")


def built(**options: Any) -> SkeletonCLR:
    """A method with a narrow encoder, in training mode."""
    torch.manual_seed(0)
    encoder = STGCN(layout=KINECT20, hidden=4, features=6)
    return SkeletonCLR(encoder=encoder, layout=KINECT20, queue=8, embedding=5, **options)


def batch_of(count: int = 4) -> Batch:
    clips = torch.randn(count, 3, 12, 20, 1, generator=torch.Generator().manual_seed(1))
    return Batch(clips=clips, labels=torch.zeros(count, dtype=torch.long), texts=torch.zeros(1, 4))


def test_the_divergence_by_hand_and_without_a_gradient_to_its_target() -> None:
    logits = torch.tensor([[0.0, math.log(3)]], requires_grad=True)
    target = torch.tensor([[math.log(4), 0.0]], requires_grad=True)
    loss = distribution_divergence(logits, target)
    assert loss.item() == pytest.approx(-(0.8 * math.log(1 / 4) + 0.2 * math.log(3 / 4)))
    loss.backward()
    assert target.grad is None
    torch.testing.assert_close(logits.grad, torch.tensor([[0.25 - 0.8, 0.75 - 0.2]]))


def test_the_loss_of_several_positives_by_hand() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    positives = torch.tensor([[True, True, False], [True, False, False]])
    p = logits.softmax(dim=1)
    wanted = -((p[0, 0].log() + p[0, 1].log()) / 2 + p[1, 0].log()) / 2
    torch.testing.assert_close(multi_positive_loss(logits, positives), wanted)
    torch.testing.assert_close(multi_positive_loss(logits, torch.tensor([True, False, False])[None]), info_nce(logits))


def test_the_nearest_negative_of_every_view_is_mined_if_it_may_be() -> None:
    one = torch.tensor([[9.0, 1.0, 5.0, 2.0], [9.0, 7.0, 5.0, 2.0]])
    other = torch.tensor([[9.0, 1.0, 2.0, 5.0], [9.0, 7.0, 5.0, 2.0]])
    everywhere = torch.ones(3, dtype=torch.bool)
    assert nearest_neighbours([one, other], everywhere).int().tolist() == [[1, 0, 1, 1], [1, 1, 0, 0]]
    assert nearest_neighbours([one, other], torch.tensor([True, True, False])).int().tolist() == [
        [1, 0, 1, 0],
        [1, 1, 0, 0],
    ]
    assert nearest_neighbours([one, other], ~everywhere).int().tolist() == [[1, 0, 0, 0]] * 2


def test_mining_begins_after_the_steps_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    mined, plain = [], module.nearest_neighbours
    monkeypatch.setattr(
        module, "nearest_neighbours", lambda *given: mined.append(plain(*given)[:, 1:].any().item()) or plain(*given)
    )
    method = built(extreme=True, mine_after=2)
    for _ in range(4):
        method.training_loss(batch_of())
    assert mined == [False, False, True, True]
    mined.clear()
    built(extreme=True).training_loss(batch_of())
    assert mined == []


def test_the_extreme_view_adds_its_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = built(extreme=True), []
    plain = method.logits
    monkeypatch.setattr(method, "logits", lambda *given: seen.append(plain(*given)) or seen[-1])
    for _ in range(2):  # the first one fills the queue
        losses = method.training_loss(batch_of())
    _, _, normal, extreme = seen
    divergence = distribution_divergence(extreme, normal)
    assert divergence > 0
    torch.testing.assert_close(losses["divergence"], divergence)
    torch.testing.assert_close(losses["loss"], info_nce(normal) + divergence)
    assert built().training_loss(batch_of()).keys() == {"loss"}


def test_the_extreme_view_knows_the_mirror_of_the_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    plain = module.extreme_view
    monkeypatch.setattr(module, "extreme_view", lambda clips, **more: given.append(more) or plain(clips, **more))
    built(extreme=True, shear=0.3, padding=4).training_loss(batch_of())
    assert given == [{"mirror": KINECT20.mirror, "shear": 0.3, "padding": 4}]


def test_mining_is_a_part_of_the_extreme_form() -> None:
    with pytest.raises(ValueError, match="mine_after without extreme"):
        built(mine_after=3)


@pytest.mark.parametrize("options", [{}, {"extreme": True}], ids=["skeleton_clr", "aim_clr"])
def test_it_learns_to_tell_clips_apart(
    options: dict[str, Any], tiny_config: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    config = tiny_config(
        method="skeleton_clr",
        method_options={"queue": 24, "momentum": 0.9, **options},
        encoder_options={"hidden": 4, "features": 16, "dropout": 0.0},
        pseudo_unseen=0.0,
        epochs=4,
        learning_rate=0.1,
    )
    folder = RunFolder(tmp_path / "run")
    train_run(config, folder, watcher=ProgressBars(quiet=True))
    losses = [line["loss"] for line in folder.metrics()]
    assert min(losses[2:]) < 0.93 * losses[1]  # the queue is full from epoch 1 on
