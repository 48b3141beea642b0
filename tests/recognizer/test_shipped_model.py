"""The models that come with the package: what people get who name none."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import skeltext
from skeltext.commands.models import models
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.formats.table import write_csv
from skeltext.recognizer.packaged import list_models, packaged
from skeltext.recognizer.recognizer import Recognizer
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.variants import seen_from

MOST_BYTES = 6_000_000
FLAT, RESEARCH = "flat", "research"


@pytest.fixture(scope="module")
def model() -> Recognizer:
    return Recognizer.load(RESEARCH)


@pytest.fixture(scope="module")
def clips(tiny_store: Path) -> list[Clip]:
    """Two clips of every built-in action, none of which a model of the package has seen."""
    store = open_store(tiny_store)
    return [store.clip(index) for index in range(len(store))]


@pytest.fixture(scope="module")
def truth(tiny_store: Path) -> list[str]:
    store = open_store(tiny_store)
    return [store.classes[label] for label in store.labels]


def share_found(model: Recognizer, clips: list[Clip], truth: list[str], *, among: int = 1) -> float:
    """Of how many clips the true label is one of the first `among`."""
    answers = model.predict_all(clips, sorted(set(truth)))
    found = [
        name in [guess.label for guess in answer.guesses[:among]] for name, answer in zip(truth, answers, strict=True)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("name", list_models())
def test_it_is_small_and_its_page_tells_what_it_is(name: str) -> None:
    folder = packaged(name).folder
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) <= MOST_BYTES
    assert {array.dtype for array in load_file(folder / "text_space.safetensors").values() if array.ndim == 2} == {
        np.dtype(np.float16)
    }
    page = (folder / "README.md").read_text(encoding="utf-8")
    for word in ("Licence:", "**Settings**", "pseudo-unseen", "oracle", "chance", "false-accept"):
        assert word in page
    dataset = dataset_named(packaged(name).card.dataset)
    for part in (*dataset.citation.splitlines(), dataset.licence):
        assert part in page


@pytest.mark.parametrize("name", list_models())
def test_it_has_learnt_every_class_of_its_union(name: str) -> None:
    card = packaged(name).card
    assert set(card.labels) == set(dataset_named(card.dataset).split("all").seen)


def test_the_command_lists_every_model_with_what_it_may_be_used_for(capsys: pytest.CaptureFixture[str]) -> None:
    models(as_json=True)
    listed = json.loads(capsys.readouterr().out)["models"]
    assert [one["name"] for one in listed] == list_models()
    assert [one["name"] for one in listed if one["default"]] == ["open"]
    for one in listed:
        assert one["terms"] == dataset_named(packaged(one["name"]).card.dataset).licence
        assert one["accuracy"]["chance"] < one["accuracy"]["last"]["plain"] < 1
    models()
    printed = capsys.readouterr().out
    assert all(len(line) <= 80 for line in printed.splitlines())
    for one in listed:
        assert " ".join(one["terms"].split()) in " ".join(printed.split())
        assert f"{100 * one['accuracy']['last']['plain']:.1f}" in printed


def test_former_names_are_understood(model: Recognizer) -> None:
    assert Recognizer.load("kinect20").card == model.card
    with pytest.raises(SkeltextError, match="'kinect21' in the package, which has flat, open, research;"):
        packaged("kinect21")


def test_three_lines_are_enough(clips: list[Clip], truth: list[str], tmp_path: Path) -> None:
    write_csv(clips[truth.index("raise both hands")], tmp_path / "it.csv")
    clip = skeltext.load(tmp_path / "it.csv")
    model = skeltext.Recognizer.load()
    assert model.card.dataset == "motion-open"  # by default nobody is given what they may not use
    answer = model.predict(clip, labels=["raise both hands", "sit down", "kick with the right leg"], false_accept=0.3)
    assert answer.guesses[0].label == "raise both hands"
    assert answer.calibrated


def test_actions_of_a_set_that_it_never_saw_are_found(model: Recognizer, clips: list[Clip], truth: list[str]) -> None:
    chance = 1 / len(set(truth))
    assert share_found(model, clips, truth) > 4 * chance
    assert share_found(model, clips, truth, among=5) > 3 * 5 * chance


@pytest.mark.parametrize("layout", ["mediapipe33", "h36m17", "smpl24"])
def test_other_layouts_are_recognised_as_well(
    model: Recognizer, clips: list[Clip], truth: list[str], layout: str
) -> None:
    there = [convert(clip, layout_named(layout)) for clip in clips]
    assert share_found(model, there, truth, among=5) > share_found(model, clips, truth, among=5) - 0.12


def test_onnx_answers_as_torch_does(model: Recognizer, clips: list[Clip]) -> None:
    other = Recognizer.load(RESEARCH, onnx=True)
    labels = ["wave", "sit down", "kick"]
    one, two = (each.scores(each.embed(clips[:8]), labels) for each in (model, other))
    np.testing.assert_allclose(one, two, atol=2e-3)


def test_its_exported_file_needs_no_torch() -> None:
    code = """
import sys
import numpy as np
from skeltext.recognizer.onnx_model import OnnxModel
from skeltext.recognizer.packaged import DEFAULT, packaged
model = OnnxModel(packaged(DEFAULT).folder / "model.onnx")
assert model.embed(np.ones((2, 3, 64, 20, 1), np.float32)).shape == (2, model.card.model.text_width)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_flat_model_takes_key_points_of_images_and_the_other_refuses_them(
    model: Recognizer, clips: list[Clip], truth: list[str]
) -> None:
    flat = [convert(seen_from(clip), layout_named("coco17")) for clip in clips]
    with pytest.raises(SkeltextError, match="such as flat"):
        model.predict(flat[0], ["wave", "sit down"])
    chance = 1 / len(set(truth))
    assert share_found(Recognizer.load(FLAT), flat, truth, among=5) > 2 * 5 * chance


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("onnx", "most"), [(True, 0.030), (False, 0.060)])
def test_three_seconds_are_answered_in_time(clips: list[Clip], onnx: bool, most: float) -> None:
    """Processor time, so that whatever else runs on the machine does not count."""
    model = Recognizer.load(onnx=onnx)
    clip = min(clips, key=lambda each: abs(each.T / (each.fps or 30) - 3))
    took = []
    for _ in range(15):
        began = time.process_time()
        model.predict(clip, ["wave", "sit down", "throw a ball"])
        took.append(time.process_time() - began)
    assert statistics.median(took) < most


def test_recorded_people_of_another_studio_are_recognised(unpacked: Callable[[str], Path], real_data: Path) -> None:
    """24 BVH files, one of each action of a set that the default model has not seen."""
    about = json.loads((real_data / "bandai_namco" / "meta.json").read_text())
    files = sorted(unpacked("bandai_namco").rglob("*.bvh"))
    called = dict(zip(about["class_names_raw"], about["class_names"], strict=True))
    names = [called[file.stem.split("_")[1]] for file in files]  # dataset-1_walk-left_active_001
    answers = Recognizer.load().predict_all([skeltext.load(file) for file in files], names)
    ranks = [[guess.label for guess in answer.guesses].index(name) for answer, name in zip(answers, names, strict=True)]
    assert len(ranks) == 24
    assert np.mean(ranks) < 7  # 11.5 by chance, with a standard error of 1.4
