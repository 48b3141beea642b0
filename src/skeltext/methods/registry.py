"""Methods by name. Every file in ``zero_shot``, ``one_shot`` and ``first_stages`` is one, named after its file.

Nothing else lists them: a method is added by its file and removed with it. Files of other people's methods are named
in the variable ``SKELTEXT_METHODS``, separated as in ``PATH``, or given to :func:`add_method`. A method takes
``encoder``, ``layout``, ``text_width`` and ``classes`` as it needs them, and its own options.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import NamedTuple

from skeltext.errors import SkeltextError
from skeltext.methods import first_stages, one_shot, zero_shot
from skeltext.methods.method import Method, Route


class Listed(NamedTuple):
    """A method as a list shows it: the ``name`` that options take, then what its file says of it."""

    name: str
    title: str
    route: Route
    paper: str
    year: int
    needs: str


def _defined_in(module: ModuleType) -> list[type[Method]]:
    """The methods that a module defines and tells about; shared base classes tell nothing."""
    classes = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Method)]
    return [value for value in classes if value.__module__ == module.__name__ and "about" in vars(value)]


def _shipped() -> dict[str, type[Method]]:
    found = {}
    for package in (zero_shot, one_shot, first_stages):
        for entry in iter_modules(package.__path__):
            (found[entry.name],) = _defined_in(import_module(f"{package.__name__}.{entry.name}"))
    return found


METHODS: dict[str, type[Method]] = _shipped()


def method_named(name: str) -> type[Method]:
    """The method of that name; :class:`SkeltextError` lists the names there are."""
    if name not in METHODS:
        raise SkeltextError(f"method {name!r} is not known; known are {', '.join(METHODS)}")
    return METHODS[name]


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
    """Run the Python file at `path`, which defines one :class:`Method`, and give the name that the method has now.

    The name is that of the file. Raises :class:`SkeltextError` if the file cannot be run, defines no method or more
    than one, or has the name of a method that is there already.
    """
    name = path.stem
    if not path.is_file() or path.suffix != ".py":
        raise SkeltextError(f"there is no Python file {path}; give the file that defines your method")
    known = METHODS.get(name)
    if known is not None:
        if Path(sys.modules[known.__module__].__file__ or "").resolve() == path.resolve():
            return name
        raise SkeltextError(f"there is a method {name} already; give {path} another name")
    spec = importlib.util.spec_from_file_location(f"skeltext_method_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module.__name__]
        raise SkeltextError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    found = _defined_in(module)
    if len(found) != 1:
        raise SkeltextError(
            f"{path} defines {len(found)} methods, expected one subclass of skeltext.methods.method.Method with an"
            " `about`"
        )
    METHODS[name] = found[0]
    return name


for _path in filter(None, os.environ.get("SKELTEXT_METHODS", "").split(os.pathsep)):
    add_method(Path(_path))
