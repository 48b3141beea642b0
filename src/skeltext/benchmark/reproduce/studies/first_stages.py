"""Encoders that are trained before: by the labels of the seen classes, or by the clips alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skeltext.benchmark.presets import Preset
from skeltext.benchmark.reproduce.study import PAPER_SETS

Stage = Callable[[Preset], Mapping[str, Any]]

_CONTRAST: Mapping[str, Any] = {"learning_rate": 0.1, "weight_decay": 1e-4, "warmup": 0}  # SkeletonCLR, AimCLR
_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "classifier": {  # SMIE
        "method": "classifier",
        "optimizer": "adam",
        "learning_rate": 0.005,
        "weight_decay": 0.0,
        "warmup": 0,
        "schedule": "cosine",
    },
    "skeleton-clr": {**_CONTRAST, "method": "skeleton_clr"},
    "logo-clr": {**_CONTRAST, "method": "logo_clr"},
}
_PUBLISHED_EPOCHS: Mapping[str, Mapping[str, Any]] = {"classifier": {"epochs": 150}}
_SMALL = {"method_options": {"queue": 256}}  # a queue longer than a small set would hold a clip's own older keys
_CONTRAST_EPOCHS: Mapping[str, Any] = {"epochs": 300, "milestones": (250,)}


def first_stage(name: str) -> Stage:
    """The published settings of a first stage; off the papers' data sets for as many epochs as the runs after it.

    >>> from skeltext.benchmark.presets import load_preset
    >>> first_stage("classifier")(load_preset("kinect20"))["learning_rate"]
    0.005
    """

    def settings(preset: Preset) -> Mapping[str, Any]:
        if preset.settings.get("dataset") in PAPER_SETS:
            return {**_SETTINGS[name], **_PUBLISHED_EPOCHS.get(name, _CONTRAST_EPOCHS)}
        return {**_SETTINGS[name], **({} if name == "classifier" else _SMALL)}

    return settings
