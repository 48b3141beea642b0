"""Descriptions of the classes of a data set: our own, or those of a file.

A run embeds one of the four kinds ``name``, ``parts``, ``complete`` and ``skeleton``. A method may read others: the
``verb`` and the ``noun`` of a class, what the ``head``, ``hands``, ``torso`` and ``legs`` do, and its ``start``,
``middle`` and ``end``.

Our own were written by one author. A second one, who did not know the first one's words, described some of the classes
again, in the folder ``second-author``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from skeltext.datasets.packs import PACKS
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.texts.description_file import KINDS, PARTS, PHASES, WORDS, Description, DescriptionFile

_KINECT20 = ("kinect20", "kinder-gator", "utd-mhad", "msr-action3d", "nw-ucla", "gtu-action3d", "hdm05")
_MOTION14 = ("motion14", *_KINECT20)
_PACKS = tuple(name for name in PACKS if name != "penn-action")  # their classes are those of motion14
# A data set that borrows: its own file first, then those of the sets it is made of.
_BORROWS = {
    "ntu60": ("ntu120",),
    "pku-mmd2": ("pku-mmd",),
    "kinect20": _KINECT20,
    "motion14": _MOTION14,
    "motion15": (*_MOTION14, "penn-action"),
    "motion-open": (*_MOTION14, "builtin"),
    "penn-action": ("penn-action", *_KINECT20),
    **dict.fromkeys(_PACKS, _MOTION14),
}
_SUBSETS = ("ntu60", "pku-mmd2", "motion-open", "penn-action", *_PACKS)  # have some of the classes they borrow

FIRST, SECOND = "first", "second"
"""The authors of our own descriptions."""
_FOLDERS = {FIRST: (), SECOND: ("second-author",)}  # below that of all descriptions

_NAMED = ("parts", "complete", "skeleton")  # kinds of text that start with the name, as published
_BODY = {"head": ("head",), "hands": ("hand", "arm"), "torso": ("hip",), "legs": ("leg", "foot")}
_MADE_OF: dict[str, tuple[str, tuple[str, ...]]] = {
    **{kind: (kind, ()) for kind in KINDS},
    **{word: (word, ()) for word in WORDS},
    **{region: ("parts", parts) for region, parts in _BODY.items()},
    **{phase: ("phases", (phase,)) for phase in PHASES},
}
"""From a kind of text to the entry of a description that it is made of, and which texts of it where it has several."""


def described_sets() -> list[str]:
    """Names of the data sets whose classes are described.

    >>> "ntu60" in described_sets()
    True
    """
    return sorted({*description_files(), *_BORROWS})


def description_files() -> list[str]:
    """The names of the files that the first author's descriptions are in, most of which are those of data sets."""
    entries = [entry.name for entry in files("skeltext.texts").joinpath("descriptions").iterdir()]
    return sorted(name.removesuffix(".json") for name in entries if name.endswith(".json"))


def files_of(dataset: str) -> set[str]:
    """The names of the files that describe the classes of a data set: its own, and those it borrows from.

    >>> sorted(files_of("ntu60")), sorted(files_of("builtin"))
    (['ntu120'], ['builtin'])
    """
    return set(_BORROWS.get(dataset, (dataset,)))


@cache
def in_file(name: str, *, author: str = FIRST) -> dict[str, Description]:
    """The descriptions in one file of our own, by class; none where there is no such file."""
    file = files("skeltext.texts").joinpath("descriptions", *_FOLDERS[author], f"{name}.json")
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


@cache
def _own(dataset: str, author: str = FIRST) -> dict[str, Description]:
    """Our own descriptions of a data set, of a class that several of its files describe the first one."""
    if dataset not in described_sets():
        raise SkeltextError(f"no descriptions of {dataset!r} here; there are those of {', '.join(described_sets())}")
    found: dict[str, Description] = {}
    for name in _BORROWS.get(dataset, (dataset,)):
        found |= {key: texts for key, texts in in_file(name, author=author).items() if key not in found}
    if dataset in _SUBSETS:
        classes = dataset_named(dataset).classes
        return {name: texts for name, texts in found.items() if name in classes}
    return found


def described_classes(dataset: str, *, author: str = FIRST) -> list[str]:
    """Every class name that has a description by one of our own authors, in the order of the files.

    >>> len(described_classes("kinect20", author="second")), described_classes("ntu60", author="second")
    (86, [])
    """
    return list(_own(dataset, author))


def description(dataset: str, class_name: str, *, source: Path | None = None) -> Description:
    """The entries of one class: ``name``, ``parts``, ``complete``, ``skeleton``, ``verb``, ``noun`` and ``phases``.

    ``parts`` and ``phases`` are dictionaries. They are our own, which are always all of them, or those of the file
    `source`, which may be some. Raises :class:`SkeltextError` if the set or the class has none.

    >>> description("ntu60", "Brushing teeth")["noun"]
    'teeth'
    """
    return _descriptions(dataset, [class_name], source=source)[0]


def _descriptions(
    dataset: str, class_names: Sequence[str], *, source: Path | None, author: str = FIRST
) -> list[Description]:
    known = _own(dataset, author) if source is None else DescriptionFile.read(source).texts
    missing = [name for name in class_names if name not in known]
    if missing and source is None:
        raise SkeltextError(
            f"class {missing[0]!r} of {dataset} has no description; `skeltext describe {dataset}` lists those there are"
        )
    if missing:
        raise SkeltextError(
            f"{source} describes {len(known)} classes, but not {missing[0]!r} of {dataset}; add it, or have it written"
            f" with `skeltext describe {dataset} --ask URL --model NAME --save {source}`"
        )
    return [known[name] for name in class_names]


def class_text(dataset: str, class_name: str, *, kind: str, source: Path | None = None) -> str:
    """The one text of a class that is embedded for a kind; see :func:`class_texts`.

    >>> class_text("ntu60", "Clapping", kind="parts").split(". Head: ")[0]
    'clapping the hands'
    """
    return class_texts(dataset, [class_name], kind=kind, source=source)[0]


def class_texts(
    dataset: str, class_names: Sequence[str], *, kind: str, source: Path | None = None, author: str = FIRST
) -> list[str]:
    """For every class of a list, in its order, the one text that is embedded for a kind.

    As in the published description files, ``complete``, ``skeleton`` and ``parts``, which are the six parts joined to
    one paragraph, start with the name. `source` is a :class:`DescriptionFile` to take the texts from instead of our
    own; where it has no ``name`` for a class, the text starts with what the data set calls it. `author` says who of
    our own wrote them.
    """
    if kind not in _MADE_OF:
        raise SkeltextError(f"texts of kind {kind!r} do not exist; the kinds are {', '.join(_MADE_OF)}")
    found = _descriptions(dataset, class_names, source=source, author=author)
    entry, _ = _MADE_OF[kind]
    for name, texts in zip(class_names, found, strict=True):
        if entry not in texts:
            raise SkeltextError(
                f"{source} has no text of kind {entry} for class {name!r} of {dataset}, only {', '.join(texts)};"
                " add it or choose another kind"
            )
    return [_embedded_text(name, texts, kind=kind) for name, texts in zip(class_names, found, strict=True)]


def _embedded_text(class_name: str, texts: Description, *, kind: str) -> str:
    entry, chosen = _MADE_OF[kind]
    text = texts[entry]
    if isinstance(text, dict):
        text = _paragraph(text) if kind == entry else "; ".join(text[name] for name in chosen)
    return f"{texts.get('name', class_name)}. {text}" if kind in _NAMED else text


def _paragraph(parts: dict[str, str]) -> str:
    return " ".join(f"{part.capitalize()}: {parts[part]}." for part in PARTS)
