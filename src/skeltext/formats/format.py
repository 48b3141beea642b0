"""What a file format is to skeltext, and how any file is opened without trusting it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip

MAX_BYTES = 1 << 30  # no published clip comes near one gibibyte; a larger file is damaged or no clip


@dataclass(frozen=True, kw_only=True)
class Format:
    """A file format: how to know it and how to read it.

    ``recognises(path, head)`` sees the first 4096 bytes; ``read(path)`` returns the one clip in the file or
    raises :class:`SkeltextError` with one sentence.
    """

    name: str
    about: str
    suffixes: tuple[str, ...]
    recognises: Callable[[Path, bytes], bool]
    read: Callable[[Path], Clip]


def read_bytes(path: Path, *, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular, non-empty file of at most `limit` bytes; anything else is one sentence."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SkeltextError(f"{path} is not a regular file; give the path of a motion file")
        if status.st_size == 0:
            raise SkeltextError(f"{path} is empty; record or download it again")
        if status.st_size > limit:
            raise SkeltextError(
                f"{path} has {status.st_size / 1e9:.1f} GB, more than the {limit / 1e9:.1f} GB that any clip needs;"
                " cut the recording into clips first"
            )
        return path.read_bytes()
    except OSError as error:
        raise SkeltextError(
            f"{path} cannot be read: {error.strerror or error}; check the path and its rights"
        ) from error


def read_text(path: Path, *, encoding: str = "utf-8") -> str:
    """The text of a file; bytes that are no text of that encoding are one sentence."""
    try:
        return read_bytes(path).decode(encoding)
    except UnicodeDecodeError as error:
        raise SkeltextError(
            f"{path} is not {encoding} text (byte {error.start} is {error.object[error.start]:#04x});"
            " it is damaged or of another format"
        ) from error
