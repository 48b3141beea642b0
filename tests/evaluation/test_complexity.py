"""Parameters and multiply-adds against the published models and against counts by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from skeltext.encoders.graph import spatial_partition
from skeltext.errors import SkeltextError
from skeltext.evaluation.complexity import complexity
from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.registry import list_methods
from skeltext.skeletons.layouts import layout_named

PUBLISHED = ModelConfig(method="pgfa", encoder="st_gcn", layout="ntu25", text_width=768)
SHIFT = replace(PUBLISHED, encoder="shift_gcn")


def test_the_published_st_gcn() -> None:
    found = complexity(PUBLISHED, frames=50, bodies=2)
    assert (found.parameters, found.projection_parameters, found.total_parameters) == (821_380, 197_376, 1_018_756)
    assert found.edge_parameters == 18_750
    assert found.total_parameters - found.edge_parameters == 1_000_006  # what the paper calls 1.00 M
    assert found.idle_parameters == 0
    assert found.multiply_adds / 1e9 == pytest.approx(0.612, abs=5e-4)
    assert found.multiply_adds_without_adjacency / 1e9 == pytest.approx(0.567, abs=5e-4)
    assert found.projection_multiply_adds == 256 * 768


def test_the_published_shift_gcn() -> None:
    found = complexity(SHIFT, frames=64, bodies=2)
    assert (found.parameters, found.total_parameters) == (677_687, 875_063)
    assert found.parameters - found.idle_parameters == sum(p.numel() for p in build_method(SHIFT).encoder.parameters())
    assert found.multiply_adds / 1e9 == pytest.approx(0.761, abs=1e-3)
    assert found.multiply_adds_without_adjacency == found.multiply_adds
    assert complexity(SHIFT, frames=50, bodies=2) == found  # it stretches clips to 64 frames


def by_hand(*, joints: int, coordinates: int, subsets: int, frames: int, hidden: int, width: int) -> tuple[int, int]:
    """Multiply-adds of convolutions and of messages of one body in ST-GCN."""
    convolutions = messages = 0
    channels, t = coordinates, frames
    for depth, out in enumerate([hidden] * 4 + [2 * hidden] * 3 + [4 * hidden] * 2 + [width]):
        halved = -(-t // 2) if depth in (4, 7) else t
        convolutions += channels * subsets * out * t * joints
        messages += subsets * out * t * joints * joints
        convolutions += 9 * out * out * halved * joints
        if depth and (channels != out or halved != t):
            convolutions += channels * out * halved * joints
        channels, t = out, halved
    return convolutions, messages


@pytest.mark.parametrize(("layout", "frames", "bodies"), [("ntu25", 50, 2), ("kinect20", 17, 1)])
def test_a_tiny_model_counted_by_hand(layout: str, frames: int, bodies: int) -> None:
    options = {"hidden": 2, "features": 6}
    tiny = ModelConfig(method="pgfa", encoder="st_gcn", layout=layout, text_width=5, encoder_options=options)
    known = layout_named(layout)
    convolutions, messages = by_hand(
        joints=known.V,
        coordinates=known.C,
        subsets=len(spatial_partition(known)),
        frames=frames,
        hidden=2,
        width=6,
    )
    found = complexity(tiny, frames=frames, bodies=bodies)
    assert found.multiply_adds == bodies * (convolutions + messages)
    assert found.multiply_adds_without_adjacency == bodies * convolutions
    assert (found.projection_multiply_adds, found.projection_parameters) == (6 * 5, 6 * 5 + 5)
    assert found.total_parameters == sum(parameter.numel() for parameter in build_method(tiny).parameters())
    assert found.total_multiply_adds == found.multiply_adds + 30


def test_a_second_pass_doubles_the_work_and_not_the_size() -> None:
    one, two = (complexity(PUBLISHED, frames=50, bodies=2, passes=passes) for passes in (1, 2))
    doubled = ("multiply_adds", "multiply_adds_without_adjacency", "projection_multiply_adds")
    assert replace(one, passes=2, **{name: 2 * getattr(one, name) for name in doubled}) == two


def test_work_grows_with_bodies_and_nothing_else_does() -> None:
    one, two = (complexity(PUBLISHED, frames=50, bodies=bodies) for bodies in (1, 2))
    assert two.multiply_adds == 2 * one.multiply_adds
    assert (two.parameters, two.projection_multiply_adds) == (one.parameters, one.projection_multiply_adds)


@pytest.mark.parametrize("method", [entry.name for entry in list_methods() if entry.route != "first stage"])
def test_whatever_a_method_takes_from_its_encoder_the_work_of_the_encoder_is_counted(method: str) -> None:
    expected, found = (
        complexity(replace(PUBLISHED, method=name, classes=3), frames=50, bodies=2) for name in ("pgfa", method)
    )
    assert found.multiply_adds == expected.multiply_adds
    assert found.multiply_adds_without_adjacency == expected.multiply_adds_without_adjacency


def test_settings_of_kernels_and_gradients_change_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    found = complexity(PUBLISHED, frames=13, bodies=1)
    monkeypatch.setenv("SKELTEXT_KERNELS", "torch")
    with torch.inference_mode():
        assert complexity(PUBLISHED, frames=13, bodies=1) == found


def test_what_is_no_model_or_no_clip_is_refused() -> None:
    with pytest.raises(SkeltextError, match="0 frames, 2 bodies and 1 passes, expected at least one of each"):
        complexity(PUBLISHED, frames=0, bodies=2)
    with pytest.raises(SkeltextError, match="encoder 'mlp' is not known"):
        complexity(replace(PUBLISHED, encoder="mlp"), frames=50, bodies=2)
