"""Shift-GCN against numbers of the published network and its compiled shift (PGFA at 3e09542), weights and all."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from skeltext.encoders.shift_gcn import ShiftGCN, from_published_names, stretched
from skeltext.encoders.spatial_shift import IN, OUT, source_joints, spatial_shift
from skeltext.encoders.temporal_shift import OffsetGradient, temporal_shift
from skeltext.skeletons.layouts import NTU25

NARROW = {"hidden": 8, "middle": 12, "features": 16}
CASES = ("s1", "s2", "s1_special", "s2_special", "s2_oddT", "s1_f64", "s2_f64")
Arrays = dict[str, npt.NDArray[np.float64]]


def opened(golden: Path, name: str) -> Arrays:
    return dict(np.load(golden / "shift_gcn" / f"{name}.npz"))


@pytest.mark.parametrize(("way", "name"), [(IN, "in"), (OUT, "out")])
def test_the_tables_are_exactly_the_published_ones(golden: Path, way: int, name: str) -> None:
    tables = opened(golden, "spatial_tables")
    keys = [key for key in tables if key.startswith(f"shift_{name}_flat_c")]
    assert len(keys) >= 4
    for key in keys:
        width = int(key.rpartition("c")[2])
        np.testing.assert_array_equal(source_joints(width, 25, way).T, tables[f"shift_{name}_source_joint_c{width}"])
        entries = torch.arange(25 * width).view(25, width)  # V C
        shifted = spatial_shift(entries.T[:, :, None, None].contiguous(), way)
        np.testing.assert_array_equal(shifted[:, :, 0, 0].T.flatten(), tables[key])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("gradient", ["sign", "true"])
def test_the_temporal_shift(golden: Path, case: str, gradient: OffsetGradient) -> None:
    arrays = {key.rpartition("/")[2]: torch.tensor(value) for key, value in opened(golden, "temporal_shift_op").items()
              if key.startswith(f"{case}/")}  # fmt: skip
    stride = int(case[1])
    x = arrays["input"].requires_grad_()  # N C T V
    offset = arrays["ypos"].requires_grad_()
    y = temporal_shift(x.permute(1, 3, 2, 0), offset + (stride - 1) / 2, stride=stride, gradient=gradient)
    # The released code also shifts along the joints, by 1e-8 of a joint.
    y = temporal_shift(y.transpose(1, 2), arrays["xpos"]).permute(3, 0, 1, 2)  # C V T N -> C T V N -> N C T V
    whole = arrays["output"].shape[2]  # it drops the last output of an odd number of frames
    (y[:, :, :whole] * arrays["grad_output"]).sum().backward()
    atol = 1e-12 if case.endswith("f64") else 1e-6
    np.testing.assert_allclose(y.detach()[:, :, :whole], arrays["output"], rtol=0, atol=atol)
    assert x.grad is not None
    assert offset.grad is not None
    np.testing.assert_allclose(x.grad, arrays["grad_input"], rtol=0, atol=atol)
    if gradient == "sign":
        np.testing.assert_array_equal(offset.grad, arrays["grad_ypos"])
    else:
        mean = offset.grad / len(x)
        np.testing.assert_allclose(mean, arrays["grad_ypos_raw_before_constraint"], rtol=10 * atol, atol=10 * atol)


def narrow(
    golden: Path, *, dtype: torch.dtype, offset_gradient: OffsetGradient = "sign"
) -> tuple[ShiftGCN, Arrays, Tensor]:
    """The published narrow network with its arrays and clips."""
    arrays = opened(golden, "narrow_10_units")
    encoder = ShiftGCN(layout=NTU25, offset_gradient=offset_gradient, **NARROW).to(dtype)
    state = {key[6:]: torch.tensor(value) for key, value in arrays.items() if key.startswith("state/")}
    encoder.load_state_dict(from_published_names(state))
    return encoder, arrays, torch.tensor(arrays["input"], dtype=dtype)


def our_name(published: str) -> str | None:
    return next(iter(from_published_names({published: torch.empty(1)})), None)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("dtype", "key"), [(torch.float32, "out_eval"), (torch.float64, "out_eval_f64")])
def test_evaluation(golden: Path, dtype: torch.dtype, key: str) -> None:
    encoder, arrays, clips = narrow(golden, dtype=dtype)
    with torch.no_grad():
        np.testing.assert_allclose(encoder.eval()(clips), arrays[key], rtol=1e-5)


@pytest.mark.usefixtures("one_thread")
def test_training_step_in_single_precision(golden: Path) -> None:
    encoder, arrays, clips = narrow(golden, dtype=torch.float32)
    encoder.train()
    np.testing.assert_allclose(encoder(clips).detach(), arrays["out_train"], atol=2e-4)
    state = encoder.state_dict()
    checked = [key for key in arrays if key.startswith("after/")]
    assert len(checked) == 72
    for key in checked:
        name = our_name(key[6:])
        assert name is not None
        np.testing.assert_allclose(state[name], arrays[key], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("one_thread")
def test_gradients_in_double_precision(golden: Path) -> None:
    encoder, arrays, clips = narrow(golden, dtype=torch.float64)
    encoder.train()
    clips.requires_grad_()
    out = encoder(clips)
    np.testing.assert_allclose(out.detach(), arrays["out_train_f64"], atol=1e-6)
    (out * torch.tensor(arrays["grad_probe"])).sum().backward()
    assert clips.grad is not None
    wanted = arrays["grad_input_f64"]
    assert np.linalg.norm(clips.grad - wanted) < 1e-6 * np.linalg.norm(wanted)
    parameters = dict(encoder.named_parameters())
    checked = set()
    for key, wanted in arrays.items():
        name = our_name(key[9:]) if key.startswith("grad_f64/") else None
        if name is not None:
            gradient = parameters[name].grad
            assert gradient is not None
            # A bias before a normalisation has no gradient but rounding.
            assert np.linalg.norm(gradient.squeeze() - wanted.squeeze()) < 1e-6 * np.linalg.norm(wanted) + 1e-12, name
            checked.add(name)
    steps = {name: parameter.grad for name, parameter in parameters.items() if name.endswith("offset")}
    assert checked | set(steps) == set(parameters)
    for published in (key for key in arrays if key.startswith("grad/") and key.endswith("ypos")):
        name = our_name(published[5:])
        assert name is not None
        np.testing.assert_allclose(steps[name], arrays[published], rtol=1e-6)


@pytest.mark.usefixtures("one_thread")
def test_offset_gradients_before_the_constraint(golden: Path) -> None:
    encoder, arrays, clips = narrow(golden, dtype=torch.float64, offset_gradient="true")
    (encoder.train()(clips) * torch.tensor(arrays["grad_probe"])).sum().backward()
    parameters = dict(encoder.named_parameters())
    checked = [key for key in arrays if key.startswith("grad_raw_f64/")]
    assert len(checked) == 20
    for key in checked:
        gradient = parameters[our_name(key[13:]) or ""].grad
        assert gradient is not None
        mean = gradient / (clips.shape[0] * clips.shape[4])  # the released code averages over bodies
        np.testing.assert_allclose(mean, arrays[key], rtol=1e-5, atol=1e-6 * np.abs(arrays[key]).max())


def formula_state(golden: Path, checksums: npt.NDArray[np.float64]) -> dict[str, Tensor]:
    """The state that the golden numbers of the full width were made with, by published names."""
    random = np.random.RandomState(401)
    state = {}
    lines = (golden / "shift_gcn" / "full_state_keys.txt").read_text().splitlines()
    for line, checksum in zip(lines, checksums, strict=True):
        key, _, written = line.partition(" ")
        shape = ast.literal_eval(written)
        if key.endswith(("gcn1.shift_in", "gcn1.shift_out", "num_batches_tracked")):
            continue
        a = random.uniform(-1, 1, shape)
        if key.endswith("running_var"):
            value = 1 + 0.5 * a
        elif key.endswith("xpos"):
            value = 1e-8 * a
        elif key.endswith("ypos"):
            value = a
        elif key.endswith("Linear_weight"):
            value = 0.8 * np.sqrt(3 / shape[0]) * a
        elif key.endswith(("Feature_Mask", "Linear_bias", "running_mean")):
            value = 0.1 * a
        elif len(shape) > 1:
            value = 0.8 * np.sqrt(3 / shape[1]) * a
        else:
            value = 1 + 0.2 * a if key.endswith("weight") else 0.1 * a
        assert value.sum() == pytest.approx(checksum, rel=1e-4, abs=1e-4)
        state[key] = torch.tensor(value, dtype=torch.float32)
    return state


@pytest.mark.usefixtures("one_thread")
def test_evaluation_at_full_width(golden: Path) -> None:
    arrays = opened(golden, "full_formula_weights")
    encoder = ShiftGCN(layout=NTU25).eval()
    state = formula_state(golden, arrays["state_key_checksums_sum"])
    encoder.load_state_dict(from_published_names(state))
    with torch.no_grad():
        features = encoder(torch.tensor(arrays["input"]))
    np.testing.assert_allclose(features, arrays["out_eval"], rtol=1e-5, atol=1e-6 * np.abs(arrays["out_eval"]).max())


def test_clips_are_stretched_as_published(golden: Path) -> None:
    arrays = opened(golden, "resample_50_to_64")
    np.testing.assert_allclose(stretched(torch.tensor(arrays["input"]), 64), arrays["output"], atol=1e-6)
