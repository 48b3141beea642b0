"""The examples: a method in one file can be added, learns, and takes part in the leaderboard."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import skeltext
from skeltext.adaptation.registry import STEPS
from skeltext.adaptation.step import Unlabeled
from skeltext.benchmark.recipes import own_recipe
from skeltext.cli import app, main
from skeltext.datasets.registry import dataset_named
from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import Batch, Method
from skeltext.methods.registry import METHODS
from skeltext.training.optimizer import optimizer_named, set_rate

ROOT = Path(__file__).resolve().parents[1]
RIDGE = ROOT / "examples" / "ridge_regression.py"
CENTERED = ROOT / "examples" / "centered_alignment.py"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def ridge() -> Iterator[type[Method]]:
    """The class of the example, which is forgotten after the test."""
    name = skeltext.add_method(RIDGE)
    yield METHODS[name]
    del METHODS[name]


class Given(Encoder):
    """An encoder of features that are there already."""

    width = 8

    def forward(self, clips: Tensor) -> Tensor:
        """The features as they are."""
        return clips


def test_the_example_is_short_and_its_recipe_is_in_the_docs() -> None:
    assert len(RIDGE.read_text(encoding="utf-8").splitlines()) <= 60
    docs = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert RIDGE.with_suffix(".yaml").read_text(encoding="utf-8") in docs
    for target in re.findall(r"\]\(([^)#]+)\)", docs):
        assert (ROOT / "docs" / target).exists(), target
    for block in re.findall(r"```sh\n(.*?)```", docs, flags=re.DOTALL):
        for line in block.splitlines():
            assert app.parse_args(shlex.split(line)[1:], exit_on_error=False), line


def test_it_learns_to_tell_classes_that_it_was_not_shown(ridge: type[Method]) -> None:
    """Features are a turned text and noise: the map that is learnt on ten classes holds for ten others."""
    torch.manual_seed(0)
    texts = nn.functional.normalize(torch.randn(20, 6), dim=1)
    labels = torch.arange(20).repeat(12)
    features = texts[labels] @ torch.randn(6, 8) + 0.1 * torch.randn(240, 8)
    seen = labels < 10
    method = ridge(encoder=Given(), text_width=6, decay=1e-4)
    optimizer = optimizer_named("adam", method, momentum=0.9, weight_decay=0.0)
    set_rate(optimizer, 0.03)
    batch = Batch(labels=labels[seen], texts=texts[:10], features=features[seen])
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = method.training_loss(batch)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    with torch.inference_mode():
        guessed = method.scores(method.embed_features(features[~seen]), texts[10:]).argmax(dim=1)
    assert (guessed == labels[~seen] - 10).float().mean() > 0.7  # chance is 0.1
    assert method.anchors(texts) is texts


def test_it_refuses_what_cannot_work(ridge: type[Method]) -> None:
    with pytest.raises(ValueError, match="decay -1, expected a number that is not negative"):
        ridge(encoder=Given(), text_width=6, decay=-1)
    groups = ridge(encoder=Given(), text_width=6, decay=0.5).parameter_groups()
    assert [group.weight_decay for group in groups] == [0.5, 0.0]


def test_its_recipe_is_read(ridge: type[Method]) -> None:
    recipe = own_recipe(RIDGE)
    assert (recipe.method, recipe.first_stage) == ("ridge_regression", "classifier")


@pytest.mark.slow
def test_it_beats_chance_on_the_built_in_motions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared = tmp_path / "prepared"
    words = ["leaderboard", "builtin", "--method", RIDGE, "--methods", "devise", "--quick", "--prepared", prepared]
    try:
        for call in (["prepare", "builtin", "--out", prepared / "builtin"], [*words, "--out", tmp_path, "--json"]):
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main([str(word) for word in call])
            assert not ended.value.code
        board = json.loads(capsys.readouterr().out)["tables"][0]
    finally:
        METHODS.pop("ridge_regression", None)
    last = {row[0]: row[board["columns"].index("last %")][0] for row in board["rows"]}
    chance = 100 / len(dataset_named("builtin").split("0").unseen)
    assert last["Ridge regression"] > 1.5 * chance


def test_a_variable_names_methods_of_other_people() -> None:
    """So that `evaluate` and `predict`, which take no such file, can load their runs."""
    code = "from skeltext.methods.registry import METHODS; print('ridge_regression' in METHODS)"
    for named, known in ((str(RIDGE), "True"), ("", "False")):
        environment = os.environ | {"SKELTEXT_METHODS": named}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        assert done.stdout.strip() == known


def test_the_step_of_the_docs_is_evaluated_beside_the_others(
    tiny_run: Path, embed_offline: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = (ROOT / "docs" / "test-time-steps.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", docs, flags=re.DOTALL)
    assert code in CENTERED.read_text(encoding="utf-8")
    for line in [line for block in re.findall(r"```sh\n(.*?)```", docs, re.DOTALL) for line in block.splitlines()]:
        assert app.parse_args(shlex.split(line)[1:], exit_on_error=False), line
    words = ["evaluate", str(tiny_run), "--steps", "prototype_alignment", f"{CENTERED}:rounds=2", "--json"]
    try:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--report", str(tmp_path / "page.html")])
        assert not ended.value.code
        found = json.loads(capsys.readouterr().out)
        step = STEPS["centered_alignment"]()
        rng = np.random.default_rng(0)
        texts = rng.normal(size=(4, 8)).astype(np.float32)
        truth = np.repeat(np.arange(4), 10)
        features = texts[truth] + 5 * np.eye(8, dtype=np.float32)[0] + 0.05 * rng.normal(size=(40, 8))  # far from texts
        clips = Unlabeled(features=features.astype(np.float32), scores=(features @ texts.T), anchors=texts)
        assert step.fit(clips).labels.tolist() == truth.tolist()
    finally:
        del STEPS["centered_alignment"]
    assert found["steps"] == ["plain", "prototype_alignment", "centered_alignment:rounds=2"]
    assert all(0 <= found[step]["last"] <= 1 for step in found["steps"])
    assert "centered_alignment: the means of clips and texts are taken off" in found["protocol"]
