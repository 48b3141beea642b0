"""The fast formulation against the layer-by-layer one, and its pieces against what torch has."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.benchmark.reference.st_gcn import ReferenceSTGCN
from skeltext.encoders.dropout import ByteDropout
from skeltext.encoders.st_gcn import STGCN
from skeltext.encoders.temporal_convolution import TemporalConvolution, short_convolution
from skeltext.skeletons.layouts import KINECT20, NTU25


def pair(*, dtype: torch.dtype) -> tuple[STGCN, ReferenceSTGCN]:
    torch.manual_seed(0)
    reference = ReferenceSTGCN(layout=KINECT20, dropout=0.0).to(dtype)
    for parameter in reference.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    fast = STGCN(layout=KINECT20, dropout=0.0).to(dtype)
    fast.load_state_dict(reference.state_dict())
    return fast, reference


@pytest.mark.parametrize("frames", [50, 20])
def test_outputs_and_gradients_in_double_precision(frames: int) -> None:
    fast, reference = pair(dtype=torch.float64)
    clips = torch.randn(3, 3, frames, 20, 2, dtype=torch.float64)
    probe = torch.randn(3, 256, dtype=torch.float64)
    for encoder in (fast, reference):
        encoder.train()
        (encoder(clips) * probe).sum().backward()
    whole = math.sqrt(
        sum(float(theirs.grad.square().sum()) for theirs in reference.parameters() if theirs.grad is not None)
    )
    for (name, ours), theirs in zip(fast.named_parameters(), reference.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        # A bias before a normalisation has no gradient but rounding, which is measured against the whole gradient.
        error = (ours.grad - theirs.grad).norm() / theirs.grad.norm().clamp(min=1e-6 * whole)
        assert error < 1e-10, name
    for ours, theirs in zip(fast.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_evaluation_in_single_precision() -> None:
    fast, reference = pair(dtype=torch.float32)
    clips = torch.randn(4, 3, 50, 20, 1)
    fast.eval()
    reference.eval()
    with torch.no_grad():
        ours, theirs = fast(clips), reference(clips)
    assert ((ours - theirs).abs().max() / theirs.abs().max()).item() < 2e-6


@settings(deadline=None, max_examples=30)
@given(frames=st.integers(1, 24), half=st.integers(0, 5), seed=st.integers(0, 1000))
def test_the_transform_is_a_convolution(frames: int, half: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, 3, frames, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, 2 * half + 1, 1, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, generator=generator, dtype=torch.float64)
    ours, theirs = short_convolution(x, weight, bias), F.conv2d(x, weight, bias, padding=(half, 0))
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)
    probe = torch.randn(theirs.shape, generator=generator, dtype=torch.float64)
    wanted = torch.autograd.grad((theirs * probe).sum(), (x, weight))
    for gradient, other in zip(torch.autograd.grad((ours * probe).sum(), (x, weight)), wanted, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-11, atol=1e-11)


def test_the_transform_is_used_where_it_pays() -> None:
    wide = TemporalConvolution(128, 128, taps=9)
    x = torch.randn(1, 128, 13, 2)
    torch.testing.assert_close(wide(x), F.conv2d(x, wide.weight, wide.bias, padding=(4, 0)), rtol=1e-4, atol=1e-4)
    assert not torch.equal(wide(x), F.conv2d(x, wide.weight, wide.bias, padding=(4, 0)))


@pytest.mark.parametrize("p", [0.25, 0.5, 0.3])
def test_dropout_keeps_the_share_and_the_mean(p: float) -> None:
    torch.manual_seed(0)
    n = 200_001
    y = ByteDropout(p)(torch.ones(n))
    kept = (y != 0).float().mean().item()
    assert kept == pytest.approx(1 - p, abs=5 * math.sqrt(p * (1 - p) / n))
    assert y[y != 0].unique().item() == pytest.approx(1 / (1 - p))
    assert torch.equal(ByteDropout(p).eval()(torch.ones(5)), torch.ones(5))


def test_dropout_repeats_with_the_seed_and_passes_the_gradient_it_kept() -> None:
    x = torch.randn(3, 7, requires_grad=True)
    torch.manual_seed(4)
    first = ByteDropout(0.5)(x)
    torch.manual_seed(4)
    assert torch.equal(first, ByteDropout(0.5)(x))
    first.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad == 0, first == 0)


def test_a_probability_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="probability of 1"):
        ByteDropout(1)


def test_the_published_size() -> None:
    assert sum(parameter.numel() for parameter in STGCN(layout=NTU25).parameters()) == 821_380
