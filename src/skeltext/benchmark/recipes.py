"""Recipes: how a method was published to be trained, whatever the data, as YAML files of the folder ``recipes``.

A preset names data and what suits them; a recipe is put over it and names a method with its optimiser. The recipe of a
method of your own lies beside its file: ``my_method.yaml`` beside ``my_method.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from skeltext.benchmark.presets import Preset
from skeltext.encoders.registry import add_encoder
from skeltext.errors import SkeltextError
from skeltext.methods.registry import add_method
from skeltext.runs.config import TrainingConfig

OF_THE_DATA = frozenset(
    {
        *("dataset", "store", "split", "protocol", "without", "without_sources", "clips_per_class"),
        *("pseudo_unseen", "calibration", "authors"),
        *("descriptions", "text_encoder", "text_space", "text_space_options", "pretrained", "seed"),
        *("device", "threads", "cuda_graphs"),
    }
)
"""Settings of a run that no recipe has a say in: which data, and on which machine."""
_OWN = {"about", "first_stage", "finetune"}  # the keys of a recipe that are told apart from its settings


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a method is trained: ``settings`` are fields of a run and name the ``method``.

    ``first_stage`` is the recipe of the run whose encoder it takes over, frozen unless it is to ``finetune`` it.
    """

    name: str
    about: str
    settings: Mapping[str, Any]
    first_stage: str | None = None
    finetune: bool = False

    @property
    def method(self) -> str:
        """The method that it trains."""
        return str(self.settings["method"])


def recipe_names() -> list[str]:
    """All recipes that ship.

    >>> "pgfa" in recipe_names()
    True
    """
    folder = files("skeltext.benchmark").joinpath("recipes")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_recipe(name: str) -> Recipe:
    """A recipe that ships, by name; :class:`SkeltextError` lists the names there are.

    >>> load_recipe("devise").first_stage
    'classifier'
    """
    if name not in recipe_names():
        raise SkeltextError(f"recipe {name!r} is not known; known are {', '.join(recipe_names())}")
    text = files("skeltext.benchmark").joinpath("recipes", f"{name}.yaml").read_text(encoding="utf-8")
    return _recipe(name, text, origin=f"recipe {name}")


def own_recipe(path: Path) -> Recipe:
    """Add the method that the Python file `path` defines, and give its recipe: the YAML file of that name beside it.

    Without such a file the method is trained with the settings of the data. A recipe may name the Python file of an
    encoder, which lies beside it, too.
    """
    name, beside = add_method(path), path.with_suffix(".yaml")
    if not beside.exists():
        return Recipe(
            name=name, about=f"The settings of the data, for want of {beside.name}.", settings={"method": name}
        )
    try:
        text = beside.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SkeltextError(f"{beside} cannot be read ({error}); write it as UTF-8 text or remove it") from error
    recipe = _recipe(name, text, origin=str(beside))
    encoder = str(recipe.settings.get("encoder", ""))
    if not encoder.endswith(".py"):
        return recipe
    return replace(recipe, settings={**recipe.settings, "encoder": add_encoder(path.with_name(encoder))})


def recipe_given(name: str) -> Recipe:
    """What a user means by `name`: the Python file of a method of their own, or a recipe that ships."""
    return own_recipe(Path(name)) if name.endswith(".py") else load_recipe(name)


def recipes_of(method: str) -> list[str]:
    """The recipes that ship for a method.

    >>> recipes_of("relation_net")
    ['relation_net']
    """
    return [name for name in recipe_names() if load_recipe(name).method == method]


def settings_of(preset: Preset | None, recipe: Recipe | None) -> dict[str, Any]:
    """The settings of a preset with those of a recipe over them, as defaults of `skeltext train`.

    A first stage is looked for where `skeltext train --recipe` puts it by default.
    """
    settings = {**(preset.settings if preset else {}), **(recipe.settings if recipe else {})}
    if recipe and recipe.first_stage:
        data = preset.name if preset else settings.get("dataset", TrainingConfig.dataset)
        settings |= {"pretrained": str(Path("runs") / f"{data}-{recipe.first_stage}"), "finetune": recipe.finetune}
    return settings


def _recipe(name: str, text: str, *, origin: str) -> Recipe:
    """The recipe that a text holds; :class:`SkeltextError` names the key or value that is wrong."""
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SkeltextError(f"{origin} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not isinstance(values.get("about"), str):
        raise SkeltextError(f"{origin} has no `about`, expected keys and values with a sentence that tells what it is")
    allowed = ({entry.name for entry in fields(TrainingConfig)} - OF_THE_DATA) | _OWN
    wrong = sorted(str(key) for key in values if key not in allowed)
    if wrong:
        reason = "which the data or the machine decide" if wrong[0] in OF_THE_DATA else "which is no setting of a run"
        raise SkeltextError(f"{origin} sets {wrong[0]!r}, {reason}; leave it out")
    own = {key: values.pop(key) for key in _OWN & values.keys()}
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    recipe = Recipe(name=name, settings={"method": name} | settings, **own)
    if recipe.finetune and recipe.first_stage is None:
        raise SkeltextError(f"{origin} is to finetune, but names no first_stage whose encoder it could go on from")
    if recipe.first_stage is not None and recipe.first_stage not in recipe_names():
        raise SkeltextError(
            f"{origin} builds on the recipe {recipe.first_stage!r}, which is not known; known are"
            f" {', '.join(recipe_names())}"
        )
    return recipe
