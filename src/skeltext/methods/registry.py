"""Methods by name. Every file in ``zero_shot``, ``one_shot`` and ``first_stages`` is one, named after its file.

Nothing else lists them: a method is added by its file and removed with it. Files of other people's methods are named
in the variable ``SKELTEXT_METHODS``, separated as in ``PATH``, or given to :func:`add_method`. A method takes
``encoder``, ``layout``, ``text_width`` and ``classes`` as it needs them, and its own options.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from skeltext.methods.method import Method, Route
from skeltext.registry import Registry

METHODS: Registry[Method] = Registry(
    "method",
    Method,
    packages=("skeltext.methods.zero_shot", "skeltext.methods.one_shot", "skeltext.methods.first_stages"),
    variable="SKELTEXT_METHODS",
    marker="about",
)


class Listed(NamedTuple):
    """A method as a list shows it: the ``name`` that options take, then what its file says of it."""

    name: str
    title: str
    route: Route
    paper: str
    year: int
    needs: str


def method_named(name: str) -> type[Method]:
    """The method of that name; :class:`SkeltextError` lists the names there are."""
    return METHODS.named(name)


def list_methods() -> list[Listed]:
    """All methods that are known here, zero-shot ones first, each route in the order of the years.

    >>> next(entry.title for entry in list_methods() if entry.name == "pgfa")
    'PGFA'
    """
    listed = [
        Listed(name, cls.about.title, cls.route, cls.about.paper, cls.about.year, cls.about.needs)
        for name, cls in METHODS.items()
    ]
    order = ("zero-shot", "one-shot", "first stage")
    return sorted(listed, key=lambda entry: (order.index(entry.route), entry.year, entry.name))


def add_method(path: Path) -> str:
    """Add the method that the Python file at `path` defines, and return its name; see :meth:`Registry.add`."""
    return METHODS.add(path)
