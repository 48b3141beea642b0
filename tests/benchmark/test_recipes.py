"""Recipes: every one that ships trains, goes over a preset, and one with a mistake is a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from skeltext.benchmark import recipes as recipes_module
from skeltext.benchmark.presets import load_preset
from skeltext.benchmark.recipes import (
    OF_THE_DATA,
    Recipe,
    load_recipe,
    own_recipe,
    recipe_given,
    recipe_names,
    recipes_of,
    settings_of,
)
from skeltext.cli import _preset_as_defaults as defaults_of
from skeltext.cli import app, main
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.methods.registry import METHODS, method_named
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.texts.descriptions import class_texts
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
pytestmark = pytest.mark.usefixtures("one_thread")
MINE = Path("mine.py")


@pytest.fixture
def own_method(tmp_path: Path) -> Iterator[Path]:
    """A file with a method, which is forgotten after the test."""
    path = tmp_path / MINE
    path.write_text(
        "from skeltext.methods.method import About, Method\n"
        "class Mine(Method):\n"
        "    about = About(title='Mine', paper='none', year=2020, needs='nothing')\n"
    )
    yield path
    METHODS.pop(path.stem, None)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_names_what_exists(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.about.endswith(".")
    assert method_named(recipe.method)
    assert not OF_THE_DATA & recipe.settings.keys()
    TrainingConfig(**recipe.settings)
    if recipe.first_stage:
        assert method_named(load_recipe(recipe.first_stage).method).route == "first stage"


@pytest.mark.parametrize("method", [name for name, cls in METHODS.items() if cls.route != "first stage"])
def test_every_recogniser_has_a_recipe(method: str) -> None:
    assert recipes_of(method)


def two_steps(recipe: Recipe, configure: Configure, folder: Path) -> RunFolder:
    """A run of a recipe that is cut short, on that of its first stage."""
    first = load_recipe(recipe.first_stage) if recipe.first_stage else None
    short = {"epochs": 1, "steps_per_epoch": 2, "batch_size": 16, "pseudo_unseen": 0.0}
    above = {"pretrained": two_steps(first, configure, folder).path, "finetune": recipe.finetune} if first else {}
    run = RunFolder(folder / recipe.name)
    config = configure(**{**recipe.settings, **short, **above, "text_encoder": "minilm"})
    train_run(config, run, watcher=ProgressBars(quiet=True))
    return run


@pytest.mark.parametrize("name", [name for name in recipe_names() if not load_recipe(name).settings.get("ways")])
def test_a_recipe_trains_two_steps(
    name: str, tiny_config: Configure, embed_offline: Callable[[Sequence[str]], None], tmp_path: Path
) -> None:
    recipe = load_recipe(name)
    kinds = method_named(recipe.method).text_kinds or (recipe.settings.get("texts", "complete"),)
    for kind in kinds:
        embed_offline(class_texts("builtin", dataset_named("builtin").classes, kind=kind))
    assert np.isfinite(two_steps(recipe, tiny_config, tmp_path).metrics()[0]["loss"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("about: A.\nepoch: 3\n", "recipe one sets 'epoch', which is no setting of a run; leave it out"),
        ("about: A.\nseed: 3\n", "recipe one sets 'seed', which the data or the machine decide; leave it out"),
        ("about: A.\n3: 3\n", "recipe one sets '3', which is no setting of a run"),
        ("method: pgfa\n", "recipe one has no `about`, expected keys and values"),
        ("- pgfa\n", "recipe one has no `about`"),
        ("about: [\n", "recipe one is no YAML: while parsing"),
        ("about: A.\nfinetune: true\n", "recipe one is to finetune, but names no first_stage"),
        ("about: A.\nfirst_stage: two\n", "recipe one builds on the recipe 'two', which is not known; known are one$"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "one.yaml").write_text(text)
    monkeypatch.setattr(recipes_module, "files", lambda _: tmp_path)
    with pytest.raises(SkeltextError, match=sentence):
        load_recipe("one")


@pytest.mark.parametrize("name", ["nothing", "", "../recipes/pgfa", "pgfa.yaml"])
def test_an_unknown_recipe_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SkeltextError, match=re.escape(f"is not known; known are {', '.join(recipe_names())}")):
        load_recipe(name)


def test_a_recipe_goes_over_a_preset_and_finds_its_first_stage() -> None:
    preset, recipe = load_preset("ntu120-setting2"), load_recipe("devise")
    settings = settings_of(preset, recipe)
    assert settings["alpha"] == preset.settings["alpha"]
    assert settings["learning_rate"] == recipe.settings["learning_rate"] != preset.settings["learning_rate"]
    assert settings["pretrained"] == "runs/ntu120-setting2-classifier"
    assert settings_of(None, recipe)["pretrained"] == "runs/builtin-classifier"
    assert settings_of(preset, None) == preset.settings


def test_the_command_line_goes_over_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"method": "pgfa", "method_options": {"target": "rows"}, "milestones": (3, 4), "epochs": 7}
    recipe = Recipe(name="x", about="X.", settings=options, first_stage="classifier", finetune=True)
    monkeypatch.setattr(recipes_module, "load_recipe", lambda _: recipe)
    words = ["train", "--preset=demo", "--recipe", "x", "--epochs", "9"]
    monkeypatch.setattr(app, "config", tuple(defaults_of(words)))
    _, bound, _ = app.parse_args(words, exit_on_error=False)
    config = bound.arguments["config"]
    assert (config.epochs, config.batch_size, config.finetune) == (9, load_preset("demo").settings["batch_size"], True)
    assert (config.method_options, config.milestones) == ({"target": "rows"}, (3, 4))
    assert config.pretrained == Path("runs/demo-classifier")


def test_train_runs_the_file_of_a_method(own_method: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--method", str(own_method.with_name("absent.py"))])
    assert "there is no Python file" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--method", str(own_method), "--store", str(own_method.with_name("none"))])
    assert "none does not exist" in capsys.readouterr().err
    assert "mine" in METHODS


def test_a_method_of_ones_own_has_its_recipe_beside_it(own_method: Path) -> None:
    assert own_recipe(own_method).settings == {"method": "mine"}
    own_method.with_suffix(".yaml").write_text("about: Mine.\nfirst_stage: classifier\nepochs: 2\n")
    recipe = own_recipe(own_method)
    assert (recipe.name, recipe.first_stage) == ("mine", "classifier")
    assert recipe.settings == {"method": "mine", "epochs": 2}
    assert recipe_given(str(own_method)) == recipe
    assert recipe_given("pgfa") == load_recipe("pgfa")
    own_method.with_suffix(".yaml").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(SkeltextError, match=r"mine.yaml cannot be read .*; write it as UTF-8 text"):
        own_recipe(own_method)
