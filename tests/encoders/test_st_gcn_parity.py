"""ST-GCN against numbers of the published network (PGFA at 3e09542), weights and all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from skeltext.encoders.graph import spatial_partition
from skeltext.encoders.st_gcn import STGCN, from_published_names
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import LAYOUTS, NTU25

SIZES = {"tiny": {"hidden": 4, "features": 32}, "full": {"hidden": 16, "features": 256}}
Arrays = dict[str, npt.NDArray[np.float64]]


def load(golden: Path, size: str, *, dtype: torch.dtype = torch.float32) -> tuple[STGCN, Arrays]:
    arrays = dict(np.load(golden / "st_gcn" / f"{size}.npz"))
    encoder = STGCN(layout=NTU25, dropout=0.0, **SIZES[size]).to(dtype)
    state = {key[6:]: torch.tensor(value) for key, value in arrays.items() if key.startswith("state/")}
    encoder.load_state_dict(from_published_names(state))
    return encoder, arrays


def our_name(published: str) -> str:
    return next(iter(from_published_names({published: torch.empty(0)})))


def test_the_graph_is_exactly_the_published_one(golden: Path) -> None:
    np.testing.assert_array_equal(spatial_partition(NTU25), np.load(golden / "st_gcn" / "graph.npz")["A"])


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_the_partition_of_any_layout_sums_to_normalised_columns(layout: Layout) -> None:
    partition = spatial_partition(layout)
    np.testing.assert_allclose(partition.sum(axis=(0, 1)), 1)
    assert ((partition > 0).sum(axis=0) <= 1).all()


@pytest.mark.parametrize("size", SIZES)
def test_evaluation(golden: Path, size: str) -> None:
    encoder, arrays = load(golden, size)
    encoder.eval()
    clips = torch.tensor(arrays["input"])
    with torch.no_grad():
        np.testing.assert_allclose(encoder(clips), arrays["out_eval"], atol=5e-6)
        np.testing.assert_allclose(encoder(clips[:2, :, 10:30]), arrays["out_eval_single_T20"], atol=5e-6)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == arrays.get("n_parameters")


@pytest.mark.parametrize("size", SIZES)
def test_training_step_in_double_precision(golden: Path, size: str) -> None:
    encoder, arrays = load(golden, size, dtype=torch.float64)
    encoder.train()
    out = encoder(torch.tensor(arrays["input"], dtype=torch.float64))
    np.testing.assert_allclose(out.detach(), arrays["out_train_f64"], rtol=1e-9, atol=1e-12)
    for key, wanted in arrays.items():
        if key.startswith("after/"):
            np.testing.assert_allclose(encoder.state_dict()[our_name(key[6:])], wanted, rtol=1e-5, atol=1e-6)


def test_gradients_in_double_precision(golden: Path) -> None:
    encoder, arrays = load(golden, "tiny", dtype=torch.float64)
    clips = torch.tensor(arrays["input"], dtype=torch.float64, requires_grad=True)
    encoder.train()
    (encoder(clips) * torch.tensor(arrays["grad_probe"])).sum().backward()
    assert clips.grad is not None
    np.testing.assert_allclose(clips.grad, arrays["grad_input_f64"], rtol=1e-8, atol=1e-11)
    gradients = {name: parameter.grad for name, parameter in encoder.named_parameters()}
    checked = [key for key in arrays if key.startswith("grad_f64/")]
    assert len(checked) == 6
    for key in checked:
        np.testing.assert_allclose(gradients[our_name(key[9:])], arrays[key], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
def test_any_layout_any_length(layout: Layout) -> None:
    encoder = STGCN(layout=layout, hidden=4, features=8)
    assert encoder(torch.randn(2, layout.C, 23, layout.V, 1)).shape == (2, 8)
