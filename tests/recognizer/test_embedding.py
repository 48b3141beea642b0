"""Clips to features in either precision, wherever the method is."""

from __future__ import annotations

import pytest
import torch

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.embedding import embed_clips, encode_clips

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def method() -> Method:
    """A small model that has seen a few batches."""
    torch.manual_seed(0)
    options = {"hidden": 8, "features": 32}
    config = ModelConfig(method="pgfa", encoder="st_gcn", layout="kinect20", text_width=16, encoder_options=options)
    method = build_method(config).train()
    with torch.no_grad():
        for _ in range(5):
            method.embed(torch.randn(8, 3, 20, 20, 1))
    return method.eval()


@pytest.fixture(scope="module")
def clips() -> torch.Tensor:
    """(N, C, T, V, M) more clips than are embedded at a time."""
    return torch.randn(19, 3, 20, 20, 1, generator=torch.Generator().manual_seed(1))


def test_bfloat16_is_near_single_precision(method: Method, clips: torch.Tensor) -> None:
    exact, rounded = embed_clips(method, clips), embed_clips(method, clips, precision="bf16-mixed")
    assert exact.dtype == rounded.dtype == torch.float32
    assert 1e-5 < float((rounded - exact).norm() / exact.norm()) < 3e-2
    assert torch.equal(embed_clips(method, clips, precision="32-true"), exact)
    with torch.no_grad():
        torch.testing.assert_close(method.embed(clips), exact, rtol=1e-4, atol=1e-5)


def test_a_part_of_the_method_can_do_it(method: Method, clips: torch.Tensor) -> None:
    features = encode_clips(method, clips, encode=method.encoder)
    assert features.shape == (19, 32)
    torch.testing.assert_close(encode_clips(method, features, encode=method.projection), embed_clips(method, clips))


@pytest.mark.parametrize("precision", ["16-mixed", "bf16", "", None])
def test_another_precision_is_one_sentence(method: Method, clips: torch.Tensor, precision: str) -> None:
    with pytest.raises(SkeltextError, match=r"precision .* is not known; known are 32-true and bf16-mixed"):
        embed_clips(method, clips, precision=precision)  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "bound"), [("32-true", 1e-2), ("bf16-mixed", 5e-2)])
def test_a_graphics_processor_agrees(method: Method, clips: torch.Tensor, precision: str, bound: float) -> None:
    exact = embed_clips(method, clips)
    there = embed_clips(method.to("cuda"), clips, precision=precision)  # type: ignore[arg-type]
    method.to("cpu")
    assert (there.device.type, there.dtype) == ("cpu", torch.float32)
    assert float((there - exact).norm() / exact.norm()) < bound
