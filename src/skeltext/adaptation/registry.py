"""Test-time steps by name, and how somebody writes one with its options.

Every file of this room that defines a :class:`TestTimeStep` is a step, named after its file. Files of other people's
steps are named in the variable ``SKELTEXT_STEPS``, separated as in ``PATH``, or given to :func:`add_step`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from skeltext.adaptation.step import TestTimeStep
from skeltext.errors import SkeltextError
from skeltext.registry import Registry

STEPS: Registry[TestTimeStep] = Registry(
    "test-time step", TestTimeStep, packages=("skeltext.adaptation",), variable="SKELTEXT_STEPS"
)

PLAIN, ALIGNMENT = "plain", "prototype_alignment"
USUAL = (PLAIN, ALIGNMENT)
"""What is evaluated unless somebody names steps."""


@dataclass(frozen=True, kw_only=True)
class NamedStep:
    """A step that somebody asked for: its ``name`` in the registry and the ``options`` that were chosen.

    >>> NamedStep.parse("prototype_alignment:alpha=0.5,pseudo_labels=weighted").options
    {'alpha': 0.5, 'pseudo_labels': 'weighted'}
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> NamedStep:
        """From ``NAME`` or ``NAME:OPTION=VALUE,OPTION=VALUE``, with values as in YAML; a Python file is added first.

        Raises :class:`SkeltextError` for an unknown step or option.
        """
        file, rest = re.fullmatch(r"(.*?\.py)?(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        name, _, rest = (f"{add_step(Path(file))}{rest}" if file else text).partition(":")
        options = {}
        for pair in filter(None, rest.split(",")):
            option, sign, value = pair.partition("=")
            if not sign or not value:
                raise SkeltextError(f"{pair!r} in {text!r} is not an option with a value; write {option}=VALUE")
            try:
                options[option.strip()] = yaml.safe_load(value)
            except yaml.YAMLError as error:
                raise SkeltextError(f"{value!r} in {text!r} cannot be read; write a number or a word") from error
        step = cls(name=name, options=options)
        step.build()
        return step

    @property
    def label(self) -> str:
        """What tables and files call it: the text that it is parsed from."""
        chosen = ",".join(f"{option}={value}" for option, value in self.options.items())
        return f"{self.name}:{chosen}" if chosen else self.name

    def resolved(self, **usual: Any) -> NamedStep:
        """The same with those of the `usual` options that the step has and that were not chosen otherwise."""
        asked = inspect.signature(STEPS.named(self.name)).parameters
        return replace(self, options={name: usual[name] for name in usual if name in asked} | dict(self.options))

    def build(self) -> TestTimeStep:
        """The step with its options."""
        return STEPS.build(self.name, self.options)


def named_steps(texts: Sequence[str] = ()) -> tuple[NamedStep, ...]:
    """The steps that somebody asked for, each once, after ``plain``, which everything is compared with.

    >>> [step.label for step in named_steps()]
    ['plain', 'prototype_alignment']
    """
    steps = [NamedStep(name=PLAIN), *(NamedStep.parse(text) for text in texts or USUAL)]
    return tuple({step.label: step for step in steps}.values())


def add_step(path: Path) -> str:
    """Add the step that the Python file at `path` defines, and return its name; see :meth:`Registry.add`."""
    return STEPS.add(path)


def list_steps() -> dict[str, str]:
    """What every step does, by name.

    >>> list_steps()["plain"]
    'plain: every clip gets the class with the highest score.'
    """
    return {name: step.about for name, step in STEPS.items()}
