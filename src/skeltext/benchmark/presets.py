"""Presets: settings under a name, as YAML files beside this one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any

import yaml

from skeltext.errors import SkeltextError
from skeltext.runs.config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The settings that differ from the defaults, and the splits and seeds that make the benchmark."""

    name: str
    about: str
    settings: dict[str, Any]
    splits: tuple[str, ...]
    seeds: tuple[int, ...]


def preset_names() -> list[str]:
    """All presets there are.

    >>> "demo" in preset_names()
    True
    """
    folder = files("skeltext.benchmark").joinpath("presets")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_preset(name: str) -> Preset:
    """A preset by name; :class:`SkeltextError` lists the names there are."""
    if name not in preset_names():
        raise SkeltextError(f"preset {name!r} is not known; known are {', '.join(preset_names())}")
    values = yaml.safe_load(files("skeltext.benchmark").joinpath("presets", f"{name}.yaml").read_text(encoding="utf-8"))
    about, splits, seeds = values.pop("about"), values.pop("splits"), values.pop("seeds")
    unknown = set(values) - {entry.name for entry in fields(TrainingConfig)}
    if unknown:
        raise SkeltextError(f"preset {name} sets {sorted(unknown)[0]!r}, which is no setting of a run")
    return Preset(
        name=name, about=about, settings=values, splits=tuple(str(split) for split in splits), seeds=tuple(seeds)
    )
