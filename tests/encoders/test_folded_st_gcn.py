"""The folded form against the layer-by-layer one: same numbers, never stale, nothing computed for nobody."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from skeltext.benchmark.reference.st_gcn import ReferenceSTGCN
from skeltext.encoders import folded_st_gcn
from skeltext.encoders.folded_st_gcn import FoldedSTGCN
from skeltext.encoders.st_gcn import STGCN
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import AZURE32, COCO17, KINECT20, NTU25

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = {"hidden": 8, "features": 32}


@torch.no_grad()
def unlike_fresh(encoder: nn.Module, *, seed: int = 0) -> nn.Module:
    """Weights and statistics as far from those of a new network as training takes them; features of size one."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in encoder.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.is_floating_point() and name != "adjacency":
            tensor.add_(torch.empty_like(tensor).normal_(0, 0.1, generator=generator))
    return encoder.eval()


def reference_of(encoder: STGCN, layout: Layout = KINECT20, **sizes: int) -> ReferenceSTGCN:
    """The layer-by-layer network with the weights of `encoder`."""
    reference = ReferenceSTGCN(layout=layout, **(sizes or SMALL)).to(encoder.adjacency.dtype).eval()
    reference.load_state_dict(encoder.state_dict())
    return reference


def small(**options: object) -> STGCN:
    """A small encoder of 20 joints."""
    encoder = unlike_fresh(STGCN(layout=KINECT20, **SMALL))
    assert isinstance(encoder, STGCN)
    return encoder.to(**options) if options else encoder


def random_clips(*shape: int, layout: Layout = KINECT20, dtype: torch.dtype = torch.float32) -> Tensor:
    """(N, C, T, V, M) for N, T and M."""
    n, t, m = shape
    return torch.randn(n, layout.C, t, layout.V, m, dtype=dtype, generator=torch.Generator().manual_seed(1))


def distance(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference by the largest number."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bodies went through the folded network, call by call."""
    counts: list[int] = []
    plain = FoldedSTGCN.bodies
    monkeypatch.setattr(FoldedSTGCN, "bodies", lambda self, bodies: counts.append(len(bodies)) or plain(self, bodies))
    return counts


CASES = [
    (NTU25, 50, 2, 16, 256),
    (KINECT20, 50, 1, 16, 256),
    (KINECT20, 13, 2, 32, 48),
    (AZURE32, 33, 1, 8, 160),
    (COCO17, 7, 3, 64, 64),
    (NTU25, 1, 2, 8, 32),
]


@pytest.mark.parametrize(("layout", "t", "m", "hidden", "features"), CASES)
@torch.no_grad()
def test_numbers_are_those_of_the_reference(layout: Layout, t: int, m: int, hidden: int, features: int) -> None:
    encoder = unlike_fresh(STGCN(layout=layout, hidden=hidden, features=features))
    reference = reference_of(encoder, layout, hidden=hidden, features=features)
    clips = random_clips(3, t, m, layout=layout)
    ours, theirs = encoder(clips), reference(clips)
    assert ours.dtype == torch.float32
    assert distance(ours, theirs) < 2e-6
    anchors = torch.randn(features, 5, generator=torch.Generator().manual_seed(2))
    assert torch.equal((ours @ anchors).argmax(dim=1), (theirs @ anchors).argmax(dim=1))
    ours, theirs = encoder.double()(clips.double()), reference.double()(clips.double())
    assert ours.dtype == torch.float64
    assert distance(ours, theirs) < 1e-12


@settings(deadline=None, max_examples=20)
@given(t=st.integers(1, 70), m=st.integers(1, 3), hidden=st.sampled_from([3, 16, 32]), seed=st.integers(0, 99))
def test_any_shape_in_double_precision(t: int, m: int, hidden: int, seed: int) -> None:
    torch.manual_seed(seed)
    sizes = {"hidden": hidden, "features": 40}
    encoder = unlike_fresh(STGCN(layout=COCO17, **sizes), seed=seed).double()
    clips = random_clips(2, t, m, layout=COCO17, dtype=torch.float64)
    with torch.no_grad():
        assert distance(encoder(clips), reference_of(encoder, COCO17, **sizes)(clips)) < 1e-12


@torch.no_grad()
def test_bfloat16_is_near_and_comes_back_in_single_precision() -> None:
    encoder = unlike_fresh(STGCN(layout=NTU25))
    clips = random_clips(4, 50, 1, layout=NTU25)
    exact = encoder(clips)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoder(clips)
    assert rounded.dtype == torch.float32
    assert 1e-5 < float((rounded - exact).norm() / exact.norm()) < 2e-2
    assert torch.nn.functional.cosine_similarity(rounded, exact).min() > 0.999
    torch.testing.assert_close(encoder(clips), exact, rtol=0, atol=0)


def train_a_step(encoder: STGCN) -> STGCN:
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
    with torch.enable_grad():
        encoder.train()(random_clips(4, 13, 1)).square().sum().backward()
    optimizer.step()
    return encoder.eval()


def watch_a_batch(encoder: STGCN) -> STGCN:
    encoder.train()(random_clips(4, 13, 1))  # moves the running statistics and nothing else
    return encoder.eval()


def load_others(encoder: STGCN) -> STGCN:
    encoder.load_state_dict(unlike_fresh(STGCN(layout=KINECT20, **SMALL), seed=5).state_dict())
    return encoder


def assign_others(encoder: STGCN) -> STGCN:
    encoder.load_state_dict(unlike_fresh(STGCN(layout=KINECT20, **SMALL), seed=6).state_dict(), assign=True)
    return encoder


def write_past_the_parameters(encoder: STGCN) -> STGCN:
    for parameter in encoder.parameters():
        parameter.data.mul_(1.1)
    return encoder


def copied_and_trained(encoder: STGCN) -> STGCN:
    return train_a_step(copy.deepcopy(encoder))


def pickled_and_trained(encoder: STGCN) -> STGCN:
    return train_a_step(pickle.loads(pickle.dumps(encoder)))


def change_one(name: str) -> Callable[[STGCN], STGCN]:
    def change(encoder: STGCN) -> STGCN:
        encoder.state_dict()[name].mul_(1.5)
        return encoder

    return change


CHANGES = [
    *(train_a_step, watch_a_batch, load_others, assign_others, write_past_the_parameters),
    *(copied_and_trained, pickled_and_trained, STGCN.double, lambda encoder: encoder.to(torch.float64)),
    *(change_one(name) for name in ("adjacency", "edge_importance.7", "input_norm.running_var")),
    *(change_one(f"blocks.{name}") for name in ("9.temporal.2.weight", "4.residual.1.bias", "0.graph.conv.bias")),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: getattr(change, "__name__", "change"))
@torch.no_grad()
def test_a_change_of_the_weights_is_seen_at_once(change: Callable[[STGCN], STGCN]) -> None:
    encoder = small()
    clips = random_clips(2, 13, 2)
    clips[0, ..., 1] = 0  # so that the features of nobody must change too
    before = encoder(clips)
    changed = change(encoder)
    clips = clips.to(changed.adjacency.dtype)
    after = changed(clips)
    assert distance(after, reference_of(changed)(clips)) < 2e-6
    if clips.dtype == torch.float32:
        assert distance(after, before) > 1e-4
    if changed is not encoder:
        assert torch.equal(encoder(clips), before)


@torch.no_grad()
def test_folding_is_done_once_and_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[int] = []
    plain = FoldedSTGCN.__init__

    def counted(self: FoldedSTGCN, encoder: STGCN, *, frames: int, dtype: torch.dtype) -> None:
        folded.append(frames)
        plain(self, encoder, frames=frames, dtype=dtype)

    monkeypatch.setattr(FoldedSTGCN, "__init__", counted)
    encoder = small()
    state, size = encoder.state_dict().keys(), len(pickle.dumps(encoder))
    for frames in (13, 13, 20, 13, 20):
        encoder(random_clips(1, frames, 1))
    with torch.inference_mode():
        encoder(random_clips(1, 13, 1))
    assert folded == [13, 20]
    assert encoder.state_dict().keys() == state == reference_of(encoder).state_dict().keys()
    assert len(pickle.dumps(encoder)) == size


@torch.no_grad()
def test_nobody_is_computed_once_for_all(computed: list[int]) -> None:
    encoder = small()
    clips = random_clips(4, 13, 2)
    whole = reference_of(encoder)(clips)
    assert distance(encoder(clips), whole) < 2e-6
    assert computed == [1, 8]
    clips[1:, ..., 1] = 0
    clips[2] = 0
    assert distance(encoder(clips), reference_of(encoder)(clips)) < 2e-6
    assert computed == [1, 8, 4]
    clips = torch.zeros_like(clips)
    assert distance(encoder(clips), reference_of(encoder)(clips)) < 2e-6
    assert computed == [1, 8, 4]
    assert encoder(clips[:0]).shape == (0, 32)


@torch.no_grad()
def test_one_number_makes_a_body(computed: list[int]) -> None:
    encoder = small()
    clips = torch.zeros(3, 3, 13, 20, 2)
    clips[0, 1, 5, 7, 1] = 1e-30
    clips[1, 0, 0, 0, 0] = math.nan
    features = encoder(clips)
    assert computed == [1, 2]
    assert features[1].isnan().all()
    assert distance(features[::2], reference_of(encoder)(clips[::2])) < 2e-6
    assert reference_of(encoder)(clips[1:2]).isnan().all()


@torch.no_grad()
def test_the_size_of_chunks_does_not_matter(monkeypatch: pytest.MonkeyPatch, computed: list[int]) -> None:
    encoder = small()
    clips = random_clips(5, 13, 1)
    whole = encoder(clips)
    monkeypatch.setattr(folded_st_gcn, "CHUNK", 4 * 30)
    assert distance(encoder(clips), whole) < 1e-6
    monkeypatch.setattr(folded_st_gcn, "CHUNK", 1)
    assert distance(encoder(clips), whole) < 1e-6
    assert computed == [1, 5, 2, 2, 1, 1, 1, 1, 1, 1]


def test_gradients_flow_as_ever(computed: list[int]) -> None:
    encoder = small()
    clips = random_clips(2, 13, 1).requires_grad_()
    encoder(clips).sum().backward()
    assert clips.grad is not None
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    assert computed == []


def part_in_training(encoder: STGCN, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder.blocks[3].train()


def listener(encoder: STGCN, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder.blocks[3].register_forward_hook(lambda *_: None)


def compiler(encoder: STGCN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)


def tracer(encoder: STGCN, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.jit, "is_tracing", lambda: True)


@pytest.mark.parametrize("reason", [part_in_training, listener, compiler, tracer])
@torch.no_grad()
def test_the_ordinary_form_is_used_where_it_must(
    reason: Callable[[STGCN, pytest.MonkeyPatch], None], computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = small()
    reason(encoder, monkeypatch)
    assert encoder(random_clips(2, 13, 1)).shape == (2, 32)
    assert computed == []


@pytest.mark.parametrize("shape", [(2, 20, 13, 3, 1), (2, 3, 13, 25, 1), (2, 2, 13, 20, 1), (2, 3, 13, 20)])
@torch.no_grad()
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises((RuntimeError, ValueError)):
        small()(torch.randn(shape))


@torch.no_grad()
def test_numbers_of_another_precision_are_refused() -> None:
    with pytest.raises(RuntimeError):
        small()(random_clips(2, 13, 1).double())
