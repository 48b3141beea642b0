"""Things that are added by a file: a method, an encoder, a test-time step, a text space.

A file that defines one subclass of the base class is an entry, and its name is the name of the entry. Files of the
package are found where they are. Files of other people are named in an environment variable, separated as in ``PATH``,
or given to :meth:`Registry.add`.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, TypeVar

from skeltext.errors import SkeltextError

T = TypeVar("T")


class Registry(MutableMapping[str, type[T]]):
    """The known subclasses of `base` by name, those of the package first. A file of it is imported when asked for.

    `kind` is what one is called in messages. `variable` names the environment variable with files of other people. A
    class is an entry where it is defined, unless it is abstract or its name begins with an underscore. With `marker` it
    must have that attribute of its own, so that shared base classes are not entries.
    """

    def __init__(
        self, kind: str, base: type[Any], *, packages: tuple[str, ...], variable: str, marker: str = ""
    ) -> None:
        self.kind, self.base, self.variable, self.marker = kind, base, variable, marker
        self._modules = {
            entry.name: f"{package}.{entry.name}"
            for package in packages
            for entry in iter_modules(import_module(package).__path__)
        }
        self._unread = dict(self._modules)
        self._entries: dict[str, type[T]] = {}
        for path in filter(None, os.environ.get(variable, "").split(os.pathsep)):
            self.add(Path(path))

    def _read(self, name: str) -> None:
        """Import the file of the package with that name, if there is one, and keep what it defines."""
        if module := self._unread.get(name):
            for found in self._defined_in(import_module(module)):
                self._entries.setdefault(name, found)
            self._unread.pop(name, None)

    def __getitem__(self, name: str) -> type[T]:
        self._read(name)
        return self._entries[name]

    def __setitem__(self, name: str, entry: type[T]) -> None:
        self._read(name)
        self._entries[name] = entry

    def __delitem__(self, name: str) -> None:
        self._read(name)
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        for name in self._modules:
            self._read(name)
        own = [name for name in self._modules if name in self._entries]
        return iter([*own, *(name for name in self._entries if name not in self._modules)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def _a_kind(self) -> str:
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"

    def named(self, name: str) -> type[T]:
        """The entry of that name; :class:`SkeltextError` lists the names there are."""
        if name not in self:
            raise SkeltextError(f"{self.kind} {name!r} is not known; known are {', '.join(self)}")
        return self[name]

    def build(self, name: str, options: Mapping[str, Any], **given: Any) -> T:
        """An instance from `options` that somebody chose, and of what is `given` that which its constructor asks for.

        Raises :class:`SkeltextError` for an unknown name or option, and for a value that the constructor refuses.
        """
        cls = self.named(name)
        asked = inspect.signature(cls).parameters
        given = {argument: value for argument, value in given.items() if argument in asked}
        allowed = [option for option in asked if option not in given]
        unknown = [option for option in options if option not in allowed]
        if unknown:
            has = ", ".join(allowed) or "none"
            raise SkeltextError(f"{self.kind} {name} has no option {unknown[0]!r}; it has {has}")
        try:
            return cls(**given, **options)
        except (TypeError, ValueError, RuntimeError) as error:
            chosen = ", ".join(f"{option}={value!r}" for option, value in options.items()) or "its defaults"
            reason = str(error).partition("\n")[0]
            raise SkeltextError(f"{self.kind} {name} cannot be built with {chosen}: {reason}") from error

    def add(self, path: Path) -> str:
        """Run the Python file at `path`, which defines one entry, and return its name, which is that of the file.

        Raises :class:`SkeltextError` if the file cannot be run, defines no entry or more than one, or has the name of
        another entry.
        """
        name = path.stem
        if not path.is_file() or path.suffix != ".py":
            raise SkeltextError(f"there is no Python file {path}; give the file that defines your {self.kind}")
        known = self.get(name)
        if known is not None:
            if Path(sys.modules[known.__module__].__file__ or "").resolve() == path.resolve():
                return name
            raise SkeltextError(f"there is {self._a_kind} {name} already; give {path} another name")
        module = _executed(path, f"skeltext_{re.sub('[^a-z]', '_', self.kind)}_{name}")
        found = list(self._defined_in(module))
        if len(found) != 1:
            raise SkeltextError(
                f"{path} defines {len(found)} of what {self._a_kind} is, expected one subclass of"
                f" {self.base.__module__}.{self.base.__qualname__}{f' with an `{self.marker}`' if self.marker else ''}"
            )
        self[name] = found[0]
        return name

    def _defined_in(self, module: ModuleType) -> Iterator[type[T]]:
        for name, value in vars(module).items():
            if not isinstance(value, type) or not issubclass(value, self.base) or value.__module__ != module.__name__:
                continue
            if value is self.base or name.startswith("_") or inspect.isabstract(value):
                continue
            if not self.marker or self.marker in vars(value):
                yield value


def _executed(path: Path, name: str) -> ModuleType:
    """The module that a Python file makes, known to the interpreter by `name`."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SkeltextError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    return module
