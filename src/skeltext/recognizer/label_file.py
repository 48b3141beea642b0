"""The file of a label set: JSON that can be edited by hand, with the paths of example clips.

``{"format": "skeltext-labels", "version": 1, "labels": {"wave": {"texts": ["waving a hand"], "examples":
["wave-1.npz"]}}, "negatives": ["standing still"]}``. Paths are relative to the file. A label may lack its texts or its
examples, and the file its negatives; ``"verbatim": true`` says that labels are taken by their words.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from skeltext.errors import SkeltextError, require
from skeltext.formats.json_file import read_json
from skeltext.formats.writing import made_folder, written_aside

FORMAT, VERSION = "skeltext-labels", 1


class LabelEntry(NamedTuple):
    """What a file says of a label: its texts, and the paths of its examples."""

    texts: tuple[str, ...]
    examples: tuple[str, ...]


class LabelFile(NamedTuple):
    """The content of a file."""

    labels: Mapping[str, LabelEntry]
    negatives: tuple[str, ...]
    verbatim: bool


def write_label_file(path: Path, record: Mapping[str, Any]) -> None:
    """Write labels and negatives as plain values, aside first."""
    made_folder(path.parent)
    content = json.dumps({"format": FORMAT, "version": VERSION, **record}, indent=1, ensure_ascii=False) + "\n"
    with written_aside(path) as aside:  # a half of a character pair has no UTF-8, its escape has
        aside.write_text(content, encoding="utf-8", errors="backslashreplace")


def read_label_file(path: Path) -> LabelFile:
    """The content of a file; :class:`SkeltextError` for a damaged or another one."""
    content = read_json(path)
    try:
        require(isinstance(content, dict) and content.get("format") == FORMAT, f'it has no "format": "{FORMAT}"')
        version = content.get("version")
        require(version == VERSION, f"it is of version {version!r}, and this skeltext reads {VERSION}")
        _known(content, "the file", "format", "version", "labels", "negatives", "verbatim")
        labels = content.get("labels")
        require(isinstance(labels, dict), 'its "labels" are not an object with a key for every label')
        verbatim = content.get("verbatim", False)
        require(isinstance(verbatim, bool), f'its "verbatim" is {verbatim!r}, expected true or false')
        entries = {name: _entry(name, entry) for name, entry in labels.items()}
        return LabelFile(entries, _texts(content, "negatives"), verbatim)
    except SkeltextError as error:
        raise SkeltextError(f"{path} is not a label set: {error}; mend it, or write it with LabelSet.save") from error


def examples_beside(path: Path) -> Path:
    """The folder for clips that are in no file yet.

    >>> examples_beside(Path("home/actions.json")).as_posix()
    'home/actions.examples'
    """
    return path.with_name(f"{path.stem}.examples")


def seen_from(folder: Path, file: Path) -> str:
    """The way from a folder to a file, or the whole path where there is none, as between two drives.

    >>> seen_from(Path("sets"), Path("clips/a.npz"))
    '../clips/a.npz'
    """
    whole = file.parent.resolve() / file.name
    try:
        return Path(os.path.relpath(whole, folder.resolve())).as_posix()
    except ValueError:
        return whole.as_posix()


def _entry(name: str, entry: Any) -> LabelEntry:
    what = f"the label {name!r}"
    require(isinstance(entry, dict), f'{what} is not an object with "texts" and "examples"')
    _known(entry, what, "texts", "examples")
    return LabelEntry(_texts(entry, "texts"), _texts(entry, "examples"))


def _known(entry: Mapping[str, Any], what: str, *keys: str) -> None:
    """A key with a slip would be overlooked."""
    others = ", ".join(repr(key) for key in entry if key not in keys)
    require(not others, f"{what} has the key {others}, expected only {', '.join(keys)}")


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = entry.get(key, [])
    require(isinstance(texts, list) and all(map(_is_text, texts)), f'"{key}" is not a list of texts')
    return tuple(texts)


def _is_text(value: Any) -> bool:
    """Whether a value is a text that can be a sentence or a path."""
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value
