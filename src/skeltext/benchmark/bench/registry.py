"""Stages by name, in the order of the table. Stage ``train-step`` is ``STAGE`` of ``stages/train_step.py``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from skeltext.benchmark.bench.stage import Stage
from skeltext.errors import SkeltextError

STAGES = ("read", "preprocess", "train-step", "inference", "evaluation", "alignment", "text", "start")


def stage_named(name: str) -> Stage:
    """The stage of that name; its module is not loaded before."""
    stage: Stage = import_module(f"skeltext.benchmark.bench.stages.{name.replace('-', '_')}").STAGE
    return stage


def chosen_stages(names: Sequence[str] | None) -> list[str]:
    """The names in the order of the table, all by default; :class:`SkeltextError` if one is not known.

    >>> chosen_stages(["text", "read", "text"])
    ['read', 'text']
    """
    for name in names or ():
        if name not in STAGES:
            raise SkeltextError(f"stage {name!r} is not known; known are {', '.join(STAGES)}")
    return [name for name in STAGES if not names or name in names]
