"""Files full of numbers: text cells become arrays fast, and no number is trusted before it is counted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.formats.format import read_bytes

MAX_TEXT_BYTES = 64 << 20  # the longest published text clips have 3 MB; split into cells, a text takes tenfold memory


def read_cells(path: Path) -> bytes:
    """The bytes of a text that is about to be split into cells; `float` and `int` read ASCII bytes as they are."""
    return read_bytes(path, limit=MAX_TEXT_BYTES)


def floats(cells: Iterable[bytes], *, path: Path) -> npt.NDArray[np.float64]:
    """One float64 per cell; a cell that is no number is one sentence.

    >>> floats([b"1.5", b"-2e3", b"nan"], path=Path("clip.txt")).tolist()
    [1.5, -2000.0, nan]
    """
    try:
        return np.fromiter(map(float, cells), np.float64)
    except ValueError as error:
        raise SkeltextError(
            f"{path} is damaged or of another format: {str(error)[:80]}; every cell must be a number"
        ) from error


def read_joint_rows(path: Path, *, joints: int, columns: int, meaning: str) -> npt.NDArray[np.float64]:
    """(T, joints, columns) from a text of one joint per line; `meaning` names the columns in the sentence."""
    content = read_cells(path)
    widths = [len(line.split()) for line in content.splitlines() if line.strip()]
    if set(widths) != {columns} or len(widths) % joints:
        raise SkeltextError(
            f"{path} has {len(widths)} lines of {min(widths, default=0)} to {max(widths, default=0)} cells, expected"
            f" {joints} lines per frame of {columns} numbers ({meaning}); it is cut off or of another format"
        )
    return floats(content.split(), path=path).reshape(-1, joints, columns)


def is_number_line(head: bytes, *, columns: int) -> bool:
    r"""Whether the first line that is not blank consists of that many numbers.

    >>> is_number_line(b"0.1 0.2 2.5\r\n0.3", columns=3), is_number_line(b"HIERARCHY", columns=1)
    (True, False)
    """
    line = head.lstrip().partition(b"\n")[0].split()
    try:
        return len([float(cell) for cell in line]) == columns
    except ValueError:
        return False
