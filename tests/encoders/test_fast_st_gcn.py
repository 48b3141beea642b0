"""The fast formulation against the layer-by-layer one, and its pieces against what torch has."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from skeltext.benchmark.reference.st_gcn import ReferenceSTGCN
from skeltext.encoders.dropout import ByteDropout
from skeltext.encoders.st_gcn import STGCN, kernels_serve
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


@pytest.fixture(params=["torch", "compiled"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to train on a CPU; without the compiler there is only one."""
    if request.param == "compiled":
        pytest.importorskip("numba", reason="the extra `fast` is not installed")
    monkeypatch.setenv("SKELTEXT_KERNELS", request.param)
    return str(request.param)


def gradients(encoder: nn.Module, clips: Tensor, probe: Tensor) -> dict[str, Tensor]:
    """The gradient of every parameter and of the clips."""
    clips = clips.clone().requires_grad_()
    encoder.train()
    encoder.zero_grad()
    (encoder(clips) * probe).sum().backward()
    found = {name: parameter.grad for name, parameter in encoder.named_parameters()} | {"clips": clips.grad}
    assert all(gradient is not None for gradient in found.values())
    return found  # type: ignore[return-value]


def distance(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """The relative difference of two gradients as one vector."""
    squares = [
        ((ours[name].double() - theirs[name].double()).square().sum(), theirs[name].square().sum()) for name in theirs
    ]
    return math.sqrt(sum(float(a) for a, _ in squares) / sum(float(b) for _, b in squares))


@pytest.mark.parametrize(("frames", "bodies"), [(50, 2), (20, 1)])
def test_outputs_and_gradients_in_double_precision(kernels: str, frames: int, bodies: int) -> None:
    fast, reference = pair(dtype=torch.float64)
    clips = torch.randn(3, 3, frames, 20, bodies, dtype=torch.float64)
    probe = torch.randn(3, 256, dtype=torch.float64)
    ours, theirs = gradients(fast, clips, probe), gradients(reference, clips, probe)
    whole = math.sqrt(sum(float(gradient.square().sum()) for gradient in theirs.values()))
    for name, gradient in theirs.items():
        # A bias before a normalisation has no gradient but rounding, which is measured against the whole gradient.
        error = (ours[name] - gradient).norm() / gradient.norm().clamp(min=1e-6 * whole)
        assert error < 1e-10 or (ours[name] - gradient).norm() < 1e-13 * whole, name
    for buffer, wanted in zip(fast.buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(buffer, wanted, rtol=1e-10, atol=1e-12)


def test_a_training_may_follow_a_prediction_in_double_precision() -> None:
    fast, _ = pair(dtype=torch.float64)
    clips = torch.randn(2, 3, 23, 20, 1, dtype=torch.float64)  # of a length that no other test has prepared for
    with torch.inference_mode():
        fast(clips)
    gradients(fast, clips, torch.randn(2, 256, dtype=torch.float64))


def test_gradients_in_single_precision_are_as_exact_as_those_of_the_layers(kernels: str, one_thread: None) -> None:
    fast, reference = pair(dtype=torch.float32)
    torch.manual_seed(1)
    clips, probe = torch.randn(8, 3, 50, 20, 2), torch.randn(8, 256)
    truth = gradients(copy.deepcopy(reference).double(), clips.double(), probe.double())
    error = distance(gradients(fast, clips, probe), truth)
    assert error < 5 * distance(gradients(reference, clips, probe), truth)
    assert error < 0.01


def test_what_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    encoder, x = STGCN(layout=KINECT20, hidden=4, features=8), torch.zeros(1)
    assert kernels_serve(encoder, x)
    assert not kernels_serve(encoder, x.half())
    assert not kernels_serve(encoder.eval(), x)
    with torch.autocast("cpu"):
        assert not kernels_serve(encoder.train(), x)
    monkeypatch.setenv("SKELTEXT_KERNELS", "torch")
    assert not kernels_serve(encoder, x)


def test_a_normalisation_that_is_kept_fixed_stays_so_and_a_hook_is_heard() -> None:
    encoder = STGCN(layout=KINECT20, hidden=4, features=8).train()
    fixed = encoder.input_norm.eval()
    encoder(torch.randn(2, 3, 13, 20, 1))
    assert not fixed.running_mean.any()  # type: ignore[union-attr]
    heard: list[tuple[int, ...]] = []
    encoder.train().blocks[3].register_forward_hook(lambda part, given, y: heard.append(tuple(y.shape)))
    encoder(torch.randn(2, 3, 13, 20, 1))
    assert heard == [(2, 4, 13, 20)]


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
