"""Encoders that are trained before: by the labels of the seen classes, or by the clips alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skeltext.benchmark.presets import Preset
from skeltext.benchmark.recipes import load_recipe
from skeltext.benchmark.reproduce.study import PAPER_SETS

Stage = Callable[[Preset], Mapping[str, Any]]

_RECIPES = {"classifier": "classifier", "skeleton-clr": "skeleton_clr", "logo-clr": "logo_clr"}
_LENGTH = ("epochs", "steps_per_epoch", "batch_size", "milestones")
_SMALL = {"method_options": {"queue": 256}}  # a queue longer than a small set would hold a clip's own older keys


def without_length(recipe: str) -> dict[str, Any]:
    """The settings of a recipe except how long it is trained, which is then that of the preset.

    >>> without_length("devise")["learning_rate"]
    0.0001
    """
    return {name: value for name, value in load_recipe(recipe).settings.items() if name not in _LENGTH}


def first_stage(name: str) -> Stage:
    """The published settings of a first stage; off the papers' data sets for as many epochs as the runs after it.

    >>> from skeltext.benchmark.presets import load_preset
    >>> first_stage("classifier")(load_preset("kinect20"))["learning_rate"]
    0.005
    """

    def settings(preset: Preset) -> Mapping[str, Any]:
        if preset.settings.get("dataset") in PAPER_SETS:
            return load_recipe(_RECIPES[name]).settings
        return {**without_length(_RECIPES[name]), **({} if name == "classifier" else _SMALL)}

    return settings
