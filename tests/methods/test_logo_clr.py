"""Skeleton-logoCLR: attention, crops and logos by hand, the cascade of its losses, and that it learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from skeltext.encoders.st_gcn import STGCN
from skeltext.methods.first_stages.logo_clr import (
    LogoCLR,
    attention_crop_resize,
    frame_attention,
    most_attended,
    skeleton_logo,
)
from skeltext.methods.method import Batch
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.skeletons.layouts import KINECT20
from skeltext.training.train_run import train_run

pytestmark = pytest.mark.usefixtures("one_thread")
quick = settings(deadline=None, max_examples=25)


def built(**options: Any) -> LogoCLR:
    """A method with a narrow encoder, in training mode."""
    torch.manual_seed(0)
    return LogoCLR(encoder=STGCN(layout=KINECT20, hidden=4, features=6), queue=8, embedding=5, **options)


def clips_of(count: int = 4, *, frames: int = 12) -> Tensor:
    return torch.randn(count, 3, frames, 20, 1, generator=torch.Generator().manual_seed(1))


def test_the_attention_of_a_frame_by_hand() -> None:
    path = torch.tensor([1.0, 1.0, 4.0, 5.0]).view(1, 1, 4, 1, 1)  # moves by 0, 3 and 1
    moved = torch.tensor([0.0, 3.0, 4.0, 1.0]) / 8
    torch.testing.assert_close(frame_attention(path), ((moved + 0.25) / 2)[None])
    torch.testing.assert_close(frame_attention(torch.ones(1, 3, 5, 2, 1)), torch.full((1, 5), 0.2))
    appears = torch.tensor([0.0, 0.0, 4.0, 4.0]).view(1, 1, 4, 1, 1)
    torch.testing.assert_close(frame_attention(appears), torch.full((1, 4), 0.25))


@quick
@given(frames=st.integers(1, 20), seed=st.integers(0, 1000))
def test_attention_is_a_distribution_and_the_window_holds_most_of_it(frames: int, seed: int) -> None:
    torch.manual_seed(seed)
    attention = frame_attention(torch.randn(3, 3, frames, 4, 1))
    torch.testing.assert_close(attention.sum(dim=1), torch.ones(3))
    assert (attention > 0).all()
    lengths = torch.randint(1, frames + 1, (3,))
    starts = most_attended(attention, lengths)
    for row, start, length in zip(attention, starts.tolist(), lengths.tolist(), strict=True):
        held = [float(row[first : first + length].sum()) for first in range(frames - length + 1)]
        assert start + length <= frames
        assert held[start] == pytest.approx(max(held), abs=1e-5)


def test_a_global_view_keeps_the_motion_and_leaves_out_standing_still() -> None:
    clips = torch.ones(64, 1, 40, 1, 1)
    clips[:, :, 15:25] += torch.arange(1, 11.0).view(1, 1, 10, 1, 1)
    clips[:, :, 25:] = 11.0
    torch.manual_seed(0)
    views = attention_crop_resize(clips, least=0.5).flatten(1)
    assert views.shape == (64, 40)
    torch.testing.assert_close(views[:, 0], torch.ones(64))  # what is before the motion
    torch.testing.assert_close(views[:, -1], torch.full((64,), 11.0))
    still = (views.diff(dim=1).abs() < 1e-6).sum(dim=1)
    assert still.float().mean() < 25  # of the 39 steps of a clip 29 are still
    torch.testing.assert_close(attention_crop_resize(clips, least=1.0), clips)


@pytest.mark.parametrize("frames", [12, 13])
def test_a_logo_is_half_of_a_clip_and_half_of_the_one_before(frames: int) -> None:
    clips = torch.arange(1.0, 5).view(4, 1, 1, 1, 1).expand(-1, 3, frames, 5, 2).contiguous()
    clips[..., 1] = 0
    logos = skeleton_logo(clips, least=0.2, most=0.5)
    assert logos.shape == clips.shape
    half = frames // 2
    torch.testing.assert_close(logos[:, :, :half], clips[:, :, :half])
    torch.testing.assert_close(logos[:, :, half:], clips.roll(1, dims=0)[:, :, half:])


def test_the_local_crops_of_a_logo_are_short_and_differ() -> None:
    clips = torch.arange(1.0, 101).view(1, 1, 100, 1, 1).expand(50, -1, -1, -1, -1).contiguous()
    torch.manual_seed(0)
    first = skeleton_logo(clips, least=0.2, most=0.5).view(50, 2, 50)[:, 0]
    spans = first[:, -1] - first[:, 0]
    assert (spans > 15).all()
    assert (spans < 50).all()
    assert spans.std() > 3
    assert first[:, 0].std() > 10


def test_a_logo_is_contrasted_with_the_global_views_of_both_its_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = built(), []
    plain = method.logits
    monkeypatch.setattr(method, "logits", lambda *given: seen.append(given) or plain(*given))
    method.training_loss(batch_of := Batch(clips=clips_of(), labels=torch.zeros(4).long(), texts=torch.zeros(1, 4)))
    assert batch_of.clips is not None
    (_, keys, _), (logos, own, _), (again, before, _) = seen
    assert logos is again
    assert own is keys
    assert torch.equal(before, keys.roll(1, dims=0))
    assert torch.equal(method.queue[:4], keys)


def test_the_local_loss_counts_as_much_as_the_global_task_is_solved() -> None:
    method = built()
    batch = Batch(clips=clips_of(), labels=torch.zeros(4).long(), texts=torch.zeros(1, 4))
    method.training_loss(batch)
    losses = method.training_loss(batch)
    assert losses.keys() == {"loss", "global", "local", "solved"}
    assert 0 < losses["solved"] < 1
    assert not losses["solved"].requires_grad
    torch.testing.assert_close(losses["loss"], losses["global"] + losses["solved"] * losses["local"])


@pytest.mark.parametrize(
    "options", [{"global_share": 0}, {"local_shares": (0.5, 0.2)}, {"local_shares": (0.5, 1.2)}, {"shear": -1}]
)
def test_shares_must_be_shares(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected none below zero and shares up to 1"):
        built(**options)


def test_it_learns_to_tell_clips_apart(tiny_config: Callable[..., TrainingConfig], tmp_path: Path) -> None:
    config = tiny_config(
        method="logo_clr",
        method_options={"queue": 24, "momentum": 0.9, "local_shares": [0.2, 0.5]},
        encoder_options={"hidden": 4, "features": 16, "dropout": 0.0},
        pseudo_unseen=0.0,
        epochs=4,
        learning_rate=0.1,
    )
    folder = RunFolder(tmp_path / "run")
    train_run(config, folder, watcher=ProgressBars(quiet=True))
    lines = folder.metrics()
    for route in ("global", "local"):
        assert min(line[route] for line in lines[2:]) < 0.93 * lines[1][route]  # the queue is full from epoch 1 on
