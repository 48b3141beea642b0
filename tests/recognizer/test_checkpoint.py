"""A checkpoint gives back what was saved, and anything that is none is one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import save_file

from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.card import Card, load_card, save_card
from skeltext.recognizer.checkpoint import load_method, read_tensors, write_tensors
from skeltext.skeletons.preprocessing import preprocessing_named

FILES = ("config.json", "labels.json", "preprocess.json")


def card_of(layout: str = "kinect20", hidden: int = 4) -> Card:
    return Card(
        model=ModelConfig(
            method="pgfa",
            encoder="st_gcn",
            layout=layout,
            text_width=8,
            method_options={"target": "rows"},
            encoder_options={"hidden": hidden, "features": 16, "dropout": 0.25},
        ),
        preprocessing=preprocessing_named("sound50-torso", layout=layout, bodies=2, frames=32),
        text_encoder="minilm",
        texts="skeleton",
        dataset="utd-mhad",
        labels={"wave": "waving with the hand: größer & 挥手", "</script>": '"\n'},
    )


def test_a_card_comes_back(tmp_path: Path) -> None:
    card = card_of()
    save_card(tmp_path / "new" / "folder", card)
    assert load_card(tmp_path / "new" / "folder") == card
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(FILES)


def fitted_card() -> Card:
    """A card with a text space that was fitted."""
    options = {"depth": 3, "words": ["a", "b"]}
    state = save({"mean": np.arange(8.0)})
    return replace(card_of(), text_space="centered", text_space_options=options, text_space_state=state)


def test_the_state_of_a_text_space_comes_back_to_the_bit(tmp_path: Path) -> None:
    card = replace(fitted_card(), text_kinds=("verb", "noun"))
    save_card(tmp_path, card)
    assert load_card(tmp_path) == card
    assert (tmp_path / "text_space.safetensors").read_bytes() == card.text_space_state
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*FILES, "text_space.safetensors"))


def test_a_card_of_old_means_the_plain_sentence(tmp_path: Path) -> None:
    save_card(tmp_path, card_of())
    config = json.loads((tmp_path / "config.json").read_text())
    old = {name: value for name, value in config.items() if name in ("model", "text_encoder", "texts", "dataset")}
    (tmp_path / "config.json").write_text(json.dumps(old))
    card = load_card(tmp_path)
    assert card == card_of()
    assert (card.text_space, card.text_space_options, card.text_space_state) == ("sentence", {}, b"")


def test_weights_come_back_ready_to_predict(tmp_path: Path) -> None:
    card = card_of()
    method = build_method(card.model).train()
    clips = torch.randn(3, 3, 32, 20, 2)
    method.embed(clips)
    write_tensors(tmp_path / "weights.safetensors", method.state_dict())
    loaded = load_method(card, tmp_path / "weights.safetensors")
    assert not loaded.training
    with torch.inference_mode():
        assert torch.equal(loaded.embed(clips), method.eval().embed(clips))


@pytest.mark.parametrize("other", [card_of(hidden=5), card_of(layout="ntu25")], ids=["width", "layout"])
def test_weights_of_another_model_are_one_sentence(tmp_path: Path, other: Card) -> None:
    path = tmp_path / "weights.safetensors"
    write_tensors(path, build_method(card_of().model).state_dict())
    with pytest.raises(SkeltextError, match=r"weights.safetensors holds the weights of another model") as caught:
        load_method(other, path)
    assert "\n" not in str(caught.value)


def harmed(path: Path, harm: str) -> None:
    content = path.read_bytes() if path.exists() else b""
    path.unlink(missing_ok=True)
    if harm == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "not UTF-8":
        path.write_bytes(b"\xff\xfe" + content)
    elif harm == "brackets":
        path.write_bytes(b"[" * 100_000)
    elif harm == "folder":
        path.mkdir()
    elif harm == "dangling link":
        path.symlink_to(path.with_name("nowhere"))
    elif harm == "link loop":
        path.symlink_to(path)
    elif harm == "10 GB":
        with path.open("wb") as stream:
            stream.truncate(10 * 10**9)


HARMS = ("missing", "cut off", "empty", "not UTF-8", "brackets", "folder", "dangling link", "link loop")


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_card_is_one_sentence(tmp_path: Path, name: str, harm: str) -> None:
    save_card(tmp_path, card_of())
    harmed(tmp_path / name, harm)
    with pytest.raises(SkeltextError) as caught:
        load_card(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value) or "preprocessing" in str(caught.value)


@pytest.mark.parametrize("harm", [*HARMS, "10 GB", "another"])
def test_a_damaged_state_of_a_text_space_is_one_sentence(tmp_path: Path, harm: str) -> None:
    save_card(tmp_path, fitted_card())
    path = tmp_path / "text_space.safetensors"
    harmed(path, harm)
    if harm == "another":
        path.write_bytes(save({"mean": np.arange(9.0)}))
    with pytest.raises(
        SkeltextError, match=r"text_space.safetensors is missing, damaged or of another model"
    ) as caught:
        load_card(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_state_that_nobody_fitted_is_one_sentence(tmp_path: Path) -> None:
    save_card(tmp_path, card_of())
    (tmp_path / "text_space.safetensors").write_bytes(save({"mean": np.arange(9.0)}))
    with pytest.raises(SkeltextError, match=r"text_space.safetensors is missing, damaged or of another model"):
        load_card(tmp_path)


@pytest.mark.parametrize("harm", [*HARMS, "10 GB"])
def test_damaged_weights_are_one_sentence(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "weights.safetensors"
    write_tensors(path, build_method(card_of().model).state_dict())
    harmed(path, harm)
    with pytest.raises(SkeltextError, match="is no readable weights file") as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("config.json", {"model": {"method": "pgfa"}}, "is no checkpoint"),
        ("config.json", {"model": None}, "is no checkpoint"),
        ("config.json", [], "is no checkpoint"),
        ("preprocess.json", {"steps": 3}, "is no preprocessing of skeltext"),
        ("preprocess.json", {"layout": "octopus8"}, "layout 'octopus8' is not known"),
        ("preprocess.json", {"steps": [{"step": "unfold"}]}, "step 'unfold' is not known"),
        ("labels.json", [], "is no checkpoint"),
    ],
)
def test_json_of_another_kind_is_one_sentence(tmp_path: Path, file: str, change: object, sentence: str) -> None:
    save_card(tmp_path, card_of())
    values = json.loads((tmp_path / file).read_text())
    (tmp_path / file).write_text(json.dumps(values | change if isinstance(change, dict) else change))
    with pytest.raises(SkeltextError, match=sentence):
        load_card(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "nothing"}, "method 'nothing' is not known; known are .*pgfa"),
        ({"encoder": "nothing"}, "encoder 'nothing' is not known; known are"),
        ({"layout": "octopus8"}, "layout 'octopus8' is not known"),
        ({"encoder_options": {"hidden": 0}}, "encoder st_gcn cannot be built with hidden=0"),
        ({"encoder_options": {"layout": "ntu25"}}, "encoder st_gcn has no option 'layout'"),
        ({"text_width": -1}, "method pgfa cannot be built"),
    ],
)
def test_a_model_that_cannot_be_built_is_one_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        build_method(replace(card_of().model, method_options={}, **changes))  # type: ignore[arg-type]


def test_weights_are_never_half_written(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"old": torch.ones(3)}, path)
    with pytest.raises(SkeltextError, match="cannot be written"):
        write_tensors(path / "below", {"new": torch.zeros(3)})
    with pytest.raises(AttributeError):
        write_tensors(path, {"new": None})  # type: ignore[dict-item]
    assert read_tensors(path).keys() == {"old"}
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
