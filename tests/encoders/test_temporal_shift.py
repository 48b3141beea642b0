"""The temporal shift against its definition, its adjoint and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from skeltext.encoders.spatial_shift import IN, OUT, STAY
from skeltext.encoders.temporal_shift import TemporalShift, constrained_gradient, temporal_shift

offsets = st.lists(
    st.one_of(st.floats(-9, 9), st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0, 60.0])), min_size=1, max_size=5
)
any_shift = given(
    offsets=offsets,
    frames=st.integers(1, 9),
    stride=st.integers(1, 3),
    way=st.sampled_from([IN, STAY, OUT]),
    seed=st.integers(0, 99),
)


def array(channels: int, frames: int, *, seed: int) -> Tensor:
    """(C, 3, T, 2) numbers."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, 3, frames, 2, generator=generator, dtype=torch.float64)


def by_definition(x: Tensor, offset: Tensor, *, stride: int, way: int) -> Tensor:
    c, v, t, n = x.shape
    y = torch.zeros(c, v, -(-t // stride), n, dtype=x.dtype)
    for channel in range(c):
        for joint in range(v):
            for frame in range(y.shape[2]):
                position = frame * stride + offset[channel].item()
                before = math.floor(position)
                for source, weight in ((before, 1 - (position - before)), (before + 1, position - before)):
                    if 0 <= source < t:
                        y[channel, joint, frame] += weight * x[channel, (joint + way * channel) % v, source]
    return y


@settings(deadline=None, max_examples=60)
@any_shift
def test_it_is_what_its_definition_says(offsets: list[float], frames: int, stride: int, way: int, seed: int) -> None:
    x, offset = array(len(offsets), frames, seed=seed), torch.tensor(offsets, dtype=torch.float64)
    wanted = by_definition(x, offset, stride=stride, way=way)
    torch.testing.assert_close(temporal_shift(x, offset, stride=stride, way=way), wanted, rtol=0, atol=1e-12)
    with torch.no_grad():
        torch.testing.assert_close(temporal_shift(x, offset, stride=stride, way=way), wanted, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=60)
@any_shift
def test_the_gradient_of_the_input_is_the_adjoint(
    offsets: list[float], frames: int, stride: int, way: int, seed: int
) -> None:
    x = array(len(offsets), frames, seed=seed).requires_grad_()
    y = temporal_shift(x, torch.tensor(offsets, dtype=torch.float64), stride=stride, way=way)
    probe, other = torch.randn_like(y), torch.randn_like(x)
    (gradient,) = torch.autograd.grad(y, x, probe)
    forward = temporal_shift(other, torch.tensor(offsets, dtype=torch.float64), stride=stride, way=way)
    assert (forward * probe).sum().item() == pytest.approx((other * gradient).sum().item(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_true_gradient_is_that_of_finite_differences(stride: int) -> None:
    x = array(6, 7, seed=0).requires_grad_()
    offset = torch.tensor([-3.7, -0.6, -0.2, 0.3, 1.4, 8.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x, offset: temporal_shift(x, offset, stride=stride, way=OUT, gradient="true"), (x, offset)
    )


def test_the_published_gradient_is_a_step_of_one_size() -> None:
    assert constrained_gradient(torch.tensor([-7.0, 0.0, 1e-9])).tolist() == pytest.approx([-0.01, 0.0001, 0.01])
    x = array(3, 7, seed=1)
    signed, true = (torch.tensor([0.3, 60.0, -1.2], dtype=torch.float64, requires_grad=True) for _ in range(2))
    temporal_shift(x, signed).square().sum().backward()
    temporal_shift(x, true, gradient="true").square().sum().backward()
    assert signed.grad is not None
    assert true.grad is not None
    assert true.grad[1] == 0
    torch.testing.assert_close(signed.grad, constrained_gradient(true.grad), rtol=0, atol=0)


def test_only_what_needs_a_gradient_gets_one() -> None:
    x, offset = array(2, 5, seed=2), torch.tensor([0.2, 0.4], dtype=torch.float64)
    temporal_shift(x.requires_grad_(), offset).sum().backward()
    assert x.grad is not None
    assert offset.grad is None


@pytest.mark.parametrize(("frames", "left"), [(1, 1), (2, 1), (7, 4), (8, 4)])
def test_a_stride_of_two_reads_half_a_frame_later(frames: int, left: int) -> None:
    shift = TemporalShift(4, stride=2)
    x = array(4, frames, seed=3).float()
    y = shift(x)
    assert y.shape == (4, 3, left, 2)
    torch.testing.assert_close(y, temporal_shift(x, shift.offset + 0.5, stride=2))
    assert shift.offset.abs().max() <= 1


def test_another_gradient_is_refused() -> None:
    with pytest.raises(ValueError, match="'sgn'"):
        TemporalShift(4, gradient="sgn")  # type: ignore[arg-type]
