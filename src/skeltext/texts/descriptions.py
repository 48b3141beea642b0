"""Our own descriptions of the classes of every registered data set, in four kinds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from skeltext.errors import SkeltextError

KINDS = ("name", "parts", "complete", "skeleton")
PARTS = ("head", "hand", "arm", "hip", "leg", "foot")
Description = dict[str, str | dict[str, str]]

# A data set that borrows: its own file first, then those of the sets it is made of.
_BORROWS = {
    "ntu60": ("ntu120",),
    "kinect20": ("kinect20", "kinder-gator", "utd-mhad", "msr-action3d", "nw-ucla", "gtu-action3d", "hdm05"),
}


@cache
def _written(name: str) -> dict[str, Description]:
    text = files("skeltext.texts").joinpath("descriptions", f"{name}.json").read_text(encoding="utf-8")
    table: dict[str, Description] = json.loads(text)
    return table


def described_sets() -> list[str]:
    """Names of the data sets whose classes are described.

    >>> "ntu60" in described_sets()
    True
    """
    own = [entry.name.removesuffix(".json") for entry in files("skeltext.texts").joinpath("descriptions").iterdir()]
    return sorted({*own, *_BORROWS})


def description(dataset: str, class_name: str) -> Description:
    """All four kinds for one class: ``name``, ``parts`` (a dictionary), ``complete`` and ``skeleton``.

    Raises :class:`SkeltextError` if the set or the class has none.

    >>> sorted(description("ntu60", "Clapping"))
    ['complete', 'name', 'parts', 'skeleton']
    """
    if dataset not in described_sets():
        raise SkeltextError(f"no descriptions of {dataset!r} here; there are those of {', '.join(described_sets())}")
    for name in _BORROWS.get(dataset, (dataset,)):
        if class_name in _written(name):
            return _written(name)[class_name]
    raise SkeltextError(
        f"class {class_name!r} of {dataset} has no description; `skeltext describe {dataset}` lists those there are"
    )


def described_classes(dataset: str) -> list[str]:
    """Every class name that :func:`description` knows for a data set, in the order of its files."""
    if dataset not in described_sets():
        raise SkeltextError(f"no descriptions of {dataset!r} here; there are those of {', '.join(described_sets())}")
    names = [name for source in _BORROWS.get(dataset, (dataset,)) for name in _written(source)]
    return list(dict.fromkeys(names[:60] if dataset == "ntu60" else names))


def class_text(dataset: str, class_name: str, *, kind: str) -> str:
    """The one text of a class that is embedded for a kind.

    As in the published description files, every kind but the name itself starts with the name; the six parts
    are joined to one paragraph.

    >>> class_text("ntu60", "Clapping", kind="parts").split(". Head: ")[0]
    'clapping the hands'
    """
    if kind not in KINDS:
        raise SkeltextError(f"texts of kind {kind!r} do not exist; the kinds are {', '.join(KINDS)}")
    texts = description(dataset, class_name)
    text = texts[kind]
    if isinstance(text, dict):
        text = " ".join(f"{part.capitalize()}: {text[part]}." for part in PARTS)
    return text if kind == "name" else f"{texts['name']}. {text}"


def class_texts(dataset: str, class_names: Sequence[str], *, kind: str) -> list[str]:
    """:func:`class_text` for every class of a list, in its order."""
    return [class_text(dataset, name, kind=kind) for name in class_names]
