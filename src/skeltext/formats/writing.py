"""Files are written aside and renamed, so that no half of a file is ever found under its name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skeltext.errors import SkeltextError


def made_folder(folder: Path) -> Path:
    """`folder`, which is made with its parents if it is not there; :class:`SkeltextError` if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SkeltextError(
            f"{folder} cannot be made: {error.strerror or error}; choose another folder or make room"
        ) from error
    return folder


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` when the block ends well and vanishes when it does not."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield aside
        os.replace(aside, path)
    except OSError as error:
        raise SkeltextError(
            f"{path} cannot be written: {error.strerror or error}; choose another folder or make room"
        ) from error
    finally:
        if os.path.lexists(aside):  # never raises, wherever the path leads
            aside.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a file of text aside, then rename it into place."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")
