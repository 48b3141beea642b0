"""Encoders by name. Every file of this folder that defines one is an entry, named after its file.

Files of other people's encoders are named in the variable ``SKELTEXT_ENCODERS``, separated as in ``PATH``, or given to
:func:`add_encoder`. An encoder takes ``layout``, if it asks for it, and its own options.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skeltext.encoders.base import BaseEncoder
from skeltext.encoders.fixed import FixedEncoder
from skeltext.registry import Registry
from skeltext.skeletons.layout import Layout

if TYPE_CHECKING:
    from skeltext.encoders.encoder import Encoder

ENCODERS: Registry[BaseEncoder] = Registry(
    "encoder",
    BaseEncoder,
    packages=("skeltext.encoders",),
    variable="SKELTEXT_ENCODERS",
    marker="about",
)


class Listed(NamedTuple):
    """An encoder as a list shows it: the ``name`` that options take, its ``about``, whether it has nothing to learn."""

    name: str
    about: str
    fixed: bool


def list_encoders() -> list[Listed]:
    """All encoders that are known here.

    >>> [entry.name for entry in list_encoders() if not entry.fixed]
    ['shift_gcn', 'st_gcn']
    """
    return [Listed(name, cls.about, is_fixed(name)) for name, cls in sorted(ENCODERS.items())]


def add_encoder(path: Path) -> str:
    """Add the encoder that the Python file at `path` defines, and return its name; see :meth:`Registry.add`."""
    return ENCODERS.add(path)


def is_fixed(name: str) -> bool:
    """Whether the encoder of that name is a fixed function, which has nothing to learn."""
    return issubclass(ENCODERS.named(name), FixedEncoder)


def build_encoder(name: str, options: Mapping[str, Any], *, layout: Layout) -> Encoder:
    """An encoder with fresh weights; :class:`SkeltextError` names an unknown encoder or option."""
    return ENCODERS.build(name, options, layout=layout).as_module()
