"""The features of every joint over time, which our graph networks give beside their mean."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import torch

from skeltext.encoders.registry import ENCODERS
from skeltext.skeletons.layouts import NTU25

OPTIONS: dict[str, dict[str, Any]] = {"st_gcn": {"hidden": 4}, "shift_gcn": {"hidden": 4, "frames": None}}
pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.parametrize("name", OPTIONS)]


def encoder_of(name: str) -> Any:
    """A narrow encoder whose running statistics are not those it starts with."""
    torch.manual_seed(0)
    encoder: Any = ENCODERS[name](layout=NTU25, features=6, **OPTIONS[name]).train()
    for _ in range(20):
        encoder.nodes(clips_of(4))
    return encoder.eval()


def clips_of(count: int) -> torch.Tensor:
    """Clips of one body and of two."""
    clips = torch.randn(count, 3, 20, 25, 2, generator=torch.Generator().manual_seed(1))
    clips[::2, ..., 1] = 0
    return clips


@pytest.mark.parametrize("gradients", [True, False], ids=["ordinary", "folded"])
def test_their_mean_is_the_feature_of_a_clip(name: str, gradients: bool) -> None:
    encoder, clips = encoder_of(name), clips_of(11)
    with contextlib.nullcontext() if gradients else torch.inference_mode():
        nodes = encoder.nodes(clips)
        assert nodes.shape == (11, 5, 25, 6)  # two blocks halve the frames
        assert nodes.dtype == torch.float32
        torch.testing.assert_close(nodes.mean(dim=(1, 2)), encoder(clips), rtol=1e-4, atol=1e-6)
        assert nodes.std(dim=1).mean() > 1e-3  # no mean already
        assert nodes.std(dim=2).mean() > 1e-3


def test_the_folded_ones_are_the_ordinary_ones(name: str) -> None:
    encoder, clips = encoder_of(name), clips_of(3)
    ordinary = encoder.nodes(clips)
    with torch.inference_mode():
        torch.testing.assert_close(encoder.nodes(clips), ordinary.detach(), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(encoder.nodes(clips[1:2]), ordinary[1:2].detach(), rtol=1e-4, atol=1e-5)


def test_they_can_be_learnt_from(name: str) -> None:
    encoder = encoder_of(name).train()
    encoder.nodes(clips_of(4)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
