"""The fast formulation of Shift-GCN against the layer-by-layer one, its pieces, and what it does with odd input."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.benchmark.reference.shift_gcn import ReferenceShiftGCN
from skeltext.encoders.batch_norm import BatchNorm
from skeltext.encoders.shift_gcn import CLIPS_AT_ONCE, ShiftGCN
from skeltext.encoders.spatial_shift import IN, OUT, STAY, spatial_shift
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Batch
from skeltext.methods.model_config import ModelConfig
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import KINECT20, LAYOUTS, NTU25

NARROW = {"hidden": 8, "features": 16}


def pair(*, dtype: torch.dtype, frames: int | None = None) -> tuple[ShiftGCN, ReferenceShiftGCN]:
    """Both formulations with the same weights, none of which is at its initial value."""
    torch.manual_seed(0)
    reference = ReferenceShiftGCN(layout=KINECT20, frames=frames, **NARROW).to(dtype)
    for parameter in reference.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    fast = ShiftGCN(layout=KINECT20, frames=frames, offset_gradient="true", **NARROW).to(dtype)
    fast.load_state_dict(reference.state_dict())
    return fast, reference


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("length", "frames"), [(50, 64), (20, None), (13, None), (1, None)])
def test_outputs_and_gradients_in_double_precision(length: int, frames: int | None) -> None:
    fast, reference = pair(dtype=torch.float64, frames=frames)
    clips = torch.randn(3, 3, length, 20, 2, dtype=torch.float64)
    probe = torch.randn(3, 16, dtype=torch.float64)
    outputs = []
    for encoder in (fast.train(), reference.train()):
        outputs.append(encoder(clips))
        (outputs[-1] * probe).sum().backward()
    torch.testing.assert_close(*outputs, rtol=1e-10, atol=1e-12)
    gradients = {name: parameter.grad for name, parameter in reference.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
    whole = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients.values() if gradient is not None))
    for name, ours in fast.named_parameters():
        theirs = gradients[name]
        assert ours.grad is not None
        assert theirs is not None
        # A bias before a normalisation has no gradient but rounding, which is measured against the whole gradient.
        assert (ours.grad - theirs).norm() / theirs.norm().clamp(min=1e-4 * whole) < 1e-10, name
    state = reference.state_dict()
    for name, ours in fast.state_dict().items():
        torch.testing.assert_close(ours, state[name], rtol=1e-10, atol=1e-12, msg=name)


@pytest.mark.usefixtures("one_thread")
def test_evaluation_in_single_precision_of_many_clips() -> None:
    fast, reference = pair(dtype=torch.float32, frames=64)
    clips = torch.randn(2 * CLIPS_AT_ONCE + 1, 3, 23, 20, 2)
    with torch.no_grad():
        ours, theirs = fast.eval()(clips), reference.eval()(clips)
    assert ((ours - theirs).abs().max() / theirs.abs().max()).item() < 2e-6
    torch.testing.assert_close(fast(clips), ours)  # the same where gradients are wanted


@pytest.mark.parametrize("frames", [1, 7, 13, 23, 50, 64])
@pytest.mark.parametrize("stretch", [64, None])
def test_any_length(frames: int, stretch: int | None) -> None:
    encoder = ShiftGCN(layout=KINECT20, hidden=4, features=8, frames=stretch)
    clips = torch.randn(2, 3, frames, 20, 1)
    assert encoder(clips).shape == (2, 8)
    assert encoder.eval()(clips).isfinite().all()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_any_layout(layout: Layout) -> None:
    encoder = ShiftGCN(layout=layout, hidden=4, features=8)
    assert encoder(torch.randn(2, layout.C, 23, layout.V, 2)).shape == (2, 8)


def test_stages_of_one_width_are_joined_by_a_projection_all_the_same() -> None:
    options = {"hidden": 8, "middle": 8, "features": 8}
    fast, reference = ShiftGCN(layout=KINECT20, **options), ReferenceShiftGCN(layout=KINECT20, **options)
    fast.load_state_dict(reference.state_dict())
    clips = torch.randn(2, 3, 16, 20, 2)
    torch.testing.assert_close(fast(clips), reference(clips), rtol=1e-3, atol=1e-4)


def test_fewer_bodies_use_the_statistics_of_the_first() -> None:
    encoder = ShiftGCN(layout=KINECT20, bodies=3, **NARROW)
    size = KINECT20.V * KINECT20.C
    encoder(torch.randn(2, 3, 16, 20, 1))
    changed = encoder.input_norm.running_mean != 0
    assert changed[:size].all()
    assert not changed[size:].any()
    with pytest.raises(SkeltextError, match="clips of 4 bodies, expected at most 3"):
        encoder(torch.randn(2, 3, 16, 20, 4))


def test_the_published_size() -> None:
    count = sum(parameter.numel() for parameter in ShiftGCN(layout=NTU25).parameters())
    published, along_joints = 677_687, 2816  # without a classifier; offsets along the joints, which are left out
    assert count == published - along_joints


def test_a_step_of_pgfa_moves_everything() -> None:
    torch.manual_seed(0)
    options = {"hidden": 4, "features": 8}
    method = build_method(
        ModelConfig(method="pgfa", encoder="shift_gcn", layout="kinect20", text_width=12, encoder_options=options)
    )
    labels = torch.tensor([0, 1, 1, 0])
    loss = method.training_loss(Batch(clips=torch.randn(4, 3, 20, 20, 2), labels=labels, texts=torch.randn(2, 12)))
    loss["loss"].backward()
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    torch.optim.SGD(method.parameters(), lr=0.1).step()
    for name, parameter in method.named_parameters():
        assert parameter.isfinite().all()
        if name.endswith("offset"):
            torch.testing.assert_close((parameter - before[name]).abs(), torch.full_like(parameter, 0.001))
        elif not name.endswith("bias"):
            assert not torch.equal(parameter, before[name]), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hiden": 8}, "encoder shift_gcn has no option 'hiden'; it has features, hidden, middle, frames, bodies"),
        ({"hidden": 0}, "hidden 0, middle 0"),
        ({"frames": 0}, "frames 0, expected positive numbers"),
        ({"offset_gradient": "up", **NARROW}, "an offset gradient of 'up', expected 'sign' or 'true'"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(SkeltextError, match=message):
        build_method(
            ModelConfig(method="pgfa", encoder="shift_gcn", layout="ntu25", text_width=12, encoder_options=options)
        )


def test_onnx_runtime_computes_the_same_for_any_number_of_clips(tmp_path: Path) -> None:
    encoder = ShiftGCN(layout=KINECT20, **NARROW).eval()
    clips = torch.randn(5, 3, 25, 20, 2)  # an odd number of frames
    path = tmp_path / "encoder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own parts
        program = torch.onnx.export(
            encoder, (clips[:3],), dynamo=True, dynamic_shapes=({0: torch.export.Dim("clips", min=1, max=64)},)
        )
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: clips.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found), encoder(clips), rtol=1e-4, atol=1e-4)


def test_training_in_mixed_precision() -> None:
    encoder = ShiftGCN(layout=KINECT20, **NARROW)
    with torch.autocast("cpu", torch.bfloat16):
        encoder(torch.randn(2, 3, 16, 20, 2)).float().square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in encoder.parameters())


@settings(deadline=None, max_examples=20)
@given(channels=st.integers(1, 40), joints=st.integers(1, 7), seed=st.integers(0, 99))
def test_shifting_out_undoes_shifting_in(channels: int, joints: int, seed: int) -> None:
    x = torch.randn(channels, joints, 2, 3, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(spatial_shift(spatial_shift(x, IN), OUT), x)
    assert torch.equal(spatial_shift(x, STAY), x)


@pytest.mark.parametrize("shape", [(7, 5), (7, 1), (7, 3, 4), (7, 1, 1, 6)])
@pytest.mark.parametrize("shuffled", [False, True])
def test_batch_normalisation_is_that_of_torch(shape: tuple[int, ...], *, shuffled: bool) -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(7).double(), torch.nn.BatchNorm1d(7).double()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    ours.load_state_dict(theirs.state_dict())
    order = torch.randperm(7) if shuffled else torch.arange(7)
    x = 3 + 2 * torch.randn(shape, dtype=torch.float64)
    rows = x.view(1, 7, -1)
    modes = (True, True, False) if rows.shape[2] > 1 else (False,)
    for training in modes:
        ours.train(training)
        theirs.train(training)
        wanted = theirs(rows[:, order.argsort()])[:, order].view(shape)
        torch.testing.assert_close(ours(x, order if shuffled else None), wanted)
    for name, value in ours.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[name], msg=name)


def test_batch_normalisation_of_single_numbers_is_refused_in_training() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchNorm(3)(torch.randn(3, 1))
