"""Files are written aside and renamed, so that no half of a file is ever found under its name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skeltext.errors import SkeltextError


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
        aside.unlink(missing_ok=True)
