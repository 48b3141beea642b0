"""The layers of the compiled training against the plain ones, one at a time."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

pytest.importorskip("numba", reason="the extra `fast` is not installed")

from skeltext.encoders.dropout import draw_bytes
from skeltext.encoders.fused import compiled
from skeltext.encoders.fused.batch_norm import normalise
from skeltext.encoders.fused.graph_convolution import Edges, graph_convolution, message_bias
from skeltext.encoders.fused.temporal_convolution import temporal_convolution
from skeltext.encoders.graph import spatial_partition
from skeltext.encoders.temporal_convolution import TemporalConvolution
from skeltext.skeletons.layouts import KINECT20


def assert_same(ours: Tensor, theirs: Tensor, inputs: tuple[Tensor, ...]) -> None:
    """Equal values, and equal gradients of the inputs under a random probe."""
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)
    probe = torch.randn_like(theirs)
    wanted = torch.autograd.grad((theirs * probe).sum(), inputs, retain_graph=True)
    for gradient, other in zip(torch.autograd.grad((ours * probe).sum(), inputs), wanted, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-9, atol=1e-10)


def values(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(("channels", "out"), [(3, 16), (16, 16), (5, 7)])
def test_messages_along_the_edges(channels: int, out: int) -> None:
    torch.manual_seed(0)
    partition = torch.from_numpy(spatial_partition(KINECT20))
    x, weight, bias, importance = (
        values(4, 3, 20, channels),
        values(3 * out, channels),
        values(3 * out),
        values(3, 20, 20),
    )
    adjacency = partition * importance
    ours = graph_convolution(x, adjacency, Edges(partition), weight[:, :, None, None]) + message_bias(adjacency, bias)
    per_subset = F.linear(x, weight, bias).unflatten(3, (3, out))
    theirs = torch.einsum("btvkc,kvw->btwc", per_subset, adjacency)
    assert_same(ours, theirs, (x, weight, bias, importance))


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(1, 9)),
    relu=st.booleans(),
    with_offset=st.booleans(),
    with_residual=st.booleans(),
    p=st.sampled_from([0.0, 0.5, 0.3]),
    far=st.sampled_from([0.0, 1e3]),
)
def test_normalisation_and_what_follows_it(
    shape: tuple[int, int, int, int], relu: bool, with_offset: bool, with_residual: bool, p: float, far: float
) -> None:
    torch.manual_seed(0)
    b, t, v, c = shape
    assume(b * t * v > 2)  # the normalised values of one or two are constant
    x = (torch.randn(b, t, v, c, dtype=torch.float64) + far).requires_grad_()
    offset, residual = (values(v, c) if with_offset else None), (values(b, t, v, c) if with_residual else None)
    ours_norm, theirs_norm = (nn.BatchNorm2d(c, dtype=torch.float64) for _ in range(2))
    for norm in (ours_norm, theirs_norm):
        torch.manual_seed(1)
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    torch.manual_seed(2)
    ours = normalise(x, ours_norm, offset=offset, residual=residual, dropout=p, relu=relu)
    shifted = x if offset is None else x + offset
    theirs = theirs_norm(shifted.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    if p:
        torch.manual_seed(2)
        draws, threshold = draw_bytes((b, t, v * c), p)
        theirs = theirs * (draws >= threshold).view(shape) / (1 - p)
    if residual is not None:
        theirs = theirs + residual
    theirs = theirs.relu() if relu else theirs
    inputs = tuple(value for value in (x, offset, residual) if value is not None)
    tolerance = 1e-12 * max(far, 1) ** 2  # a mean a thousand deviations away costs the plain layer digits
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=10 * tolerance)
    probe = torch.randn_like(theirs)
    mine = torch.autograd.grad((ours * probe).sum(), (*inputs, ours_norm.weight, ours_norm.bias))
    wanted = torch.autograd.grad((theirs * probe).sum(), (*inputs, theirs_norm.weight, theirs_norm.bias))
    for gradient, other in zip(mine, wanted, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-6, atol=1e4 * tolerance)
    for ours_buffer, theirs_buffer in zip(ours_norm.buffers(), theirs_norm.buffers(), strict=True):
        torch.testing.assert_close(ours_buffer, theirs_buffer, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("channels", "frames", "stride"), [(128, 13, 1), (128, 5, 1), (8, 13, 1), (8, 13, 2), (8, 1, 1)]
)
def test_convolution_over_time(channels: int, frames: int, stride: int) -> None:
    torch.manual_seed(0)
    convolution = TemporalConvolution(channels, channels, taps=9, stride=stride).double()
    x = values(3, frames, 4, channels)
    ours = temporal_convolution(x, convolution)
    theirs = F.conv2d(x.permute(0, 3, 1, 2), convolution.weight, None, (stride, 1), (4, 0)).permute(0, 2, 3, 1)
    assert_same(ours, theirs, (x, convolution.weight))


def test_small_pieces_and_more_threads_change_nothing(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    torch.manual_seed(0)
    partition = torch.from_numpy(spatial_partition(KINECT20))
    x, weight, importance = values(7, 5, 20, 128), values(3 * 128, 128), values(3, 20, 20)
    convolution, norm = TemporalConvolution(128, 128, taps=9).double(), nn.BatchNorm2d(128).double()

    def layers() -> Tensor:
        sent = graph_convolution(x, partition * importance, Edges(partition), weight)
        return temporal_convolution(sent, convolution)

    whole, normalised = layers(), normalise(x, norm)
    monkeypatch.setattr(compiled, "PIECE", 1)
    assert_same(layers(), whole, (x, weight, importance, convolution.weight))
    torch.set_num_threads(2)
    assert torch.equal(normalise(x, norm), normalised)


def test_a_value_that_is_no_number_is_not_hidden() -> None:
    x = torch.randn(2, 3, 4, 5)
    x[0, 1, 2, 3] = torch.nan
    assert normalise(x, nn.BatchNorm2d(5))[..., 3].isnan().all()
