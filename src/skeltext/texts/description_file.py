"""A JSON file of class descriptions, made by `skeltext describe --save` or by hand: class name -> kind -> text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError
from skeltext.formats.format import read_text
from skeltext.formats.writing import made_folder, written_aside

KINDS = ("name", "parts", "complete", "skeleton")
WORDS = ("verb", "noun")
PARTS = ("head", "hand", "arm", "hip", "leg", "foot")
PHASES = ("start", "middle", "end")
ENTRIES = (*KINDS, *WORDS, "phases")
"""What a class can have in a file; all of its kinds of text are made of these."""
Description = dict[str, str | dict[str, str]]

_OBJECTS = {"parts": PARTS, "phases": PHASES}  # entries that hold several texts


@dataclass
class DescriptionFile:
    """The texts of a file by class, any entries of them, and its notes, which are the keys that start with "_".

    ``parts`` is an object with a text for each of the six parts and ``phases`` one with a text for each of the three
    phases; a plain text in the place of a class's object is the complete description.
    """

    path: Path
    texts: dict[str, Description] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> DescriptionFile:
        """The file at `path`; :class:`SkeltextError` if it is not there or holds anything else."""
        try:
            content = json.loads(read_text(path))
        except (ValueError, RecursionError) as error:
            raise SkeltextError(
                f"{path} is no JSON ({error}); give a file that `skeltext describe --save` made"
            ) from error
        if not isinstance(content, dict):
            raise SkeltextError(
                f"{path} holds {_shown(content)}, expected an object from class names to texts; mend it"
            )
        notes = {name: value for name, value in content.items() if name.startswith("_")}
        texts = {name: _checked(path, name, value) for name, value in content.items() if name not in notes}
        return cls(path, texts, notes)

    def save(self) -> None:
        """Write the file aside and rename it."""
        made_folder(self.path.parent)
        content = json.dumps(self.notes | self.texts, indent=1, ensure_ascii=False) + "\n"
        with written_aside(self.path) as aside:  # a half of a character pair has no UTF-8, its escape has
            aside.write_text(content, encoding="utf-8", errors="backslashreplace")


def is_text(value: Any) -> bool:
    """Whether a value of JSON is a text of printable characters and white space, and not of white space alone.

    >>> is_text("wave"), is_text(" "), is_text(3)
    (True, False, False)
    """
    return isinstance(value, str) and bool(value.strip()) and "".join(value.split()).isprintable()


def are_parts(value: Any) -> bool:
    """Whether a value of JSON has a text for each of the six parts and nothing else."""
    return _are_texts(value, PARTS)


def _are_texts(value: Any, names: tuple[str, ...]) -> bool:
    return isinstance(value, dict) and set(value) == set(names) and all(map(is_text, value.values()))


def _checked(path: Path, class_name: str, value: Any) -> Description:
    texts = {"complete": value} if isinstance(value, str) else value
    if not isinstance(texts, dict) or not texts or not set(texts) <= set(ENTRIES):
        raise SkeltextError(
            f"{path}: class {class_name!r} is {_shown(value)}, expected a text or an object with some of the kinds"
            f" {', '.join(ENTRIES)}; mend it"
        )
    for entry, text in texts.items():
        names = _OBJECTS.get(entry)
        if not (_are_texts(text, names) if names else is_text(text)):
            expected = f"an object with a text for each of {', '.join(names)}" if names else "a text"
            raise SkeltextError(
                f"{path}: {entry} of class {class_name!r} is {_shown(text)}, expected {expected}; mend it"
            )
    return texts


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {json.dumps(value)[:60]}"
