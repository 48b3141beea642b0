"""What every encoder keeps, ours and those of the examples: width, shapes, layouts, gradients, determinism."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import skeltext
from skeltext.encoders.encoder import Encoder
from skeltext.encoders.fixed import FixedEncoder
from skeltext.encoders.registry import ENCODERS, build_encoder, is_fixed, list_encoders
from skeltext.errors import SkeltextError
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, KINECT20, NTU25

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
OWN = [EXAMPLES / "transformer_encoder.py", EXAMPLES / "kinematic_descriptor.py"]
NAMES = [*ENCODERS, *(path.stem for path in OWN)]
SMALL = {"features": 8, "hidden": 4}  # for those that have such options
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _examples() -> Iterator[None]:
    """The encoders of the examples are known, and forgotten after the test."""
    added = [skeltext.add_encoder(path) for path in OWN]
    yield
    for name in added:
        del ENCODERS[name]


def usual(name: str) -> Layout:
    """A layout that the encoder takes."""
    return COCO17 if name == "kinematic_flat" else NTU25


def built(name: str, layout: Layout = NTU25) -> Encoder:
    """A small encoder with random weights."""
    torch.manual_seed(0)
    takes = inspect.signature(ENCODERS[name]).parameters
    return build_encoder(name, {key: value for key, value in SMALL.items() if key in takes}, layout=layout)


def clips_of(count: int, layout: Layout = NTU25) -> Tensor:
    """Clips of one body and of two."""
    clips = torch.randn(count, layout.C, 20, layout.V, 2, generator=torch.Generator().manual_seed(1))
    clips[::2, ..., 1] = 0
    return clips


def state_of(encoder: Encoder) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in encoder.state_dict().items()}


@pytest.mark.parametrize("layout", [NTU25, KINECT20, COCO17], ids=lambda layout: layout.name)
@pytest.mark.parametrize("name", NAMES)
def test_features_have_the_width_that_it_says(name: str, layout: Layout) -> None:
    if name == "kinematic_flat" and layout is not COCO17:
        with pytest.raises(SkeltextError, match=rf"{layout.name} has 3 dimensions; take the encoder kinematic"):
            built(name, layout)
        return
    if name in ("kinematic", "kinematic_pair") and layout is COCO17:
        with pytest.raises(SkeltextError, match=r"coco17 has 2 dimensions and lacks .*train in another layout"):
            built(name, layout)
        return
    encoder, clips = built(name, layout).eval(), clips_of(3, layout)
    features = encoder(clips)
    assert features.shape == (3, encoder.width)
    assert features.dtype == torch.float32
    assert features.isfinite().all()
    assert (features[0] - features[2]).abs().max() > 1e-6  # they tell clips apart
    assert encoder(clips[:, :, :7]).shape == (3, encoder.width)  # whatever their length


@pytest.mark.parametrize("name", NAMES)
def test_in_evaluation_a_feature_follows_from_its_clip_alone(name: str) -> None:
    encoder, clips = built(name, usual(name)).eval(), clips_of(5, usual(name))
    before = state_of(encoder)
    with torch.inference_mode():
        first = encoder(clips)
        assert torch.equal(encoder(clips), first)
        torch.testing.assert_close(torch.cat([encoder(clip[None]) for clip in clips]), first, rtol=1e-4, atol=1e-5)
    after = encoder.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    torch.testing.assert_close(encoder(clips).detach(), first, rtol=1e-4, atol=1e-5)  # with gradients, too


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_or_is_fixed(name: str) -> None:
    encoder, layout = built(name, usual(name)).train(), usual(name)
    parameters = list(encoder.parameters())
    assert encoder.fixed == is_fixed(name) == (not parameters)
    if parameters:
        encoder(clips_of(4, layout)).square().mean().backward()
        assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in parameters)
    else:
        assert not encoder(clips_of(4, layout).requires_grad_()).requires_grad
        assert not encoder.state_dict()


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_of_its_nodes_is_the_feature_or_it_has_none(name: str) -> None:
    encoder, clips = built(name, usual(name)).eval(), clips_of(3, usual(name))
    if type(encoder).nodes is Encoder.nodes:
        with pytest.raises(SkeltextError, match=r"gives one feature for a whole clip.*choose one that has nodes"):
            encoder.nodes(clips)
        return
    nodes = encoder.nodes(clips)
    assert nodes.shape[0::2] == (3, NTU25.V)
    torch.testing.assert_close(nodes.mean(dim=(1, 2)), encoder(clips), rtol=1e-4, atol=1e-6)


def test_lists_and_messages_name_all_of_them() -> None:
    listed = {entry.name: entry for entry in list_encoders()}
    assert listed.keys() == set(NAMES)
    assert all(entry.about.endswith(".") for entry in listed.values())
    fixed = sorted(name for name, entry in listed.items() if entry.fixed)
    assert fixed == ["kinematic", "kinematic_descriptor", "kinematic_flat", "kinematic_pair"]
    with pytest.raises(SkeltextError, match=r"encoder 'stgcn' is not known; known are .*st_gcn"):
        build_encoder("stgcn", {}, layout=NTU25)
    with pytest.raises(SkeltextError, match="encoder kinematic_descriptor has no option 'hidden'; it has segments"):
        build_encoder("kinematic_descriptor", {"hidden": 4}, layout=NTU25)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("width = 3", 0),
        ("from skeltext.encoders.fixed import FixedEncoder\nclass Half(FixedEncoder):\n    about = 'No encode.'", 0),
        (OWN[1].read_text() + "\nclass Second(KinematicDescriptor):\n    about = 'A second.'", 2),
    ],
    ids=["none", "unfinished", "two"],
)
def test_a_file_that_defines_no_encoder_or_two_is_one_sentence(text: str, found: int, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(text)
    sentence = rf"own.py defines {found} of what an encoder is, expected one subclass of .*BaseEncoder with an `about`"
    with pytest.raises(SkeltextError, match=sentence):
        skeltext.add_encoder(tmp_path / "own.py")
    assert "own" not in ENCODERS


class Wrong(FixedEncoder):
    """An encoder that returns what it is told to."""

    def __init__(self, result: Any) -> None:
        self.width, self.result = 3, result

    def encode(self, clips: Any) -> Any:
        """Whatever."""
        return self.result


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ([[1.0, 2.0]] * 2, r"returned features of shape \(2, 2\), expected \(2, 3\)"),
        ([[1.0, 2.0, 3.0]], r"returned features of shape \(1, 3\), expected \(2, 3\)"),
        ([[1.0, 2.0, float("nan")]] * 2, "returned a feature that is not finite"),
    ],
    ids=["width", "clips", "nan"],
)
def test_a_function_that_returns_something_else_is_one_sentence(result: Any, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        Wrong(result).as_module()(clips_of(2))


def test_a_function_outside_a_file_needs_a_version() -> None:
    """Its source cannot be read, so the cache of features would not notice a change of it."""
    typed: dict[str, Any] = {}
    exec(
        "class Typed(Wrong): pass\nclass Versioned(Wrong): version = '1'",
        {"Wrong": Wrong, "__name__": "nowhere"},
        typed,
    )
    with pytest.raises(SkeltextError, match=r"the encoder Typed was defined outside a file.*give it a `version`"):
        typed["Typed"](None).fingerprint()
    assert typed["Versioned"](None).fingerprint() != Wrong(None).fingerprint()


def test_a_fixed_encoder_can_be_defined_without_torch() -> None:
    code = f"""
import runpy, sys
import skeltext.encoders.fixed
runpy.run_path({str(OWN[1])!r})
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_variable_names_encoders_of_other_people() -> None:
    """So that `evaluate` and `predict`, which take no such file, can load their runs."""
    code = "from skeltext.encoders.registry import ENCODERS; print('kinematic_descriptor' in ENCODERS)"
    for named, known in ((os.pathsep.join(map(str, OWN)), "True"), ("", "False")):
        environment = os.environ | {"SKELTEXT_ENCODERS": named}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        assert done.stdout.strip() == known
