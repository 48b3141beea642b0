"""Frames as lines of JSON, the simplest way to send a skeleton from one program to another.

A line is a list of joints, ``[[x, y, z], ...]``, or of several people, ``[[[x, y, z], ...], ...]``, or an object with
such ``positions`` and, if there are, a ``time`` in seconds and a ``confidence`` for every joint. A missing number is
``null``; ``[]`` is a frame without anybody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.recognizer.model import Floats
from skeltext.skeletons.layout import Layout

LONGEST = 1 << 20  # bytes of a line; a hundred people have less
_LOOK = 0.02  # seconds between two looks at the end of a file that grows


@dataclass(frozen=True, kw_only=True)
class FrameLine:
    """Positions (V, C) or (M, V, C), and what the line said beside them."""

    positions: Floats
    confidence: Floats | None = None
    time: float | None = None


def frame_lines(file: BinaryIO, *, wait: float = 0.0) -> Iterator[bytes]:
    """The lines of a file; at its end, for at most `wait` seconds, whatever is appended to it.

    Lines without content are told, too, so that they can be counted; one that is longer than any frame comes in pieces.
    """
    line, patience = b"", wait
    while True:
        more = file.readline(LONGEST + 1)
        line += more
        if line.endswith(b"\n") or len(line) > LONGEST:
            yield line
            line, patience = b"", wait
        elif not more:
            if patience <= 0:
                break
            time.sleep(_LOOK)
            patience -= _LOOK
    if line:
        yield line


def frame_of(line: bytes, layout: Layout) -> FrameLine:
    """The frame in a line of JSON; :class:`SkeltextError` if it holds none.

    >>> from skeltext.skeletons.layouts import COCO17
    >>> frame_of(b'{"positions": [], "time": 0.5}', COCO17).positions.shape
    (0, 17, 2)
    """
    require(len(line) <= LONGEST, f"it has more than {LONGEST} bytes, expected a frame of a few people")
    try:
        content = json.loads(line)
        said = content if isinstance(content, dict) else {"positions": content}
        positions = _numbers(said["positions"])
        told, instant = said.get("confidence"), said.get("time")
        nobody = positions.size == 0
        return FrameLine(
            positions=np.zeros((0, layout.V, layout.C), np.float32) if nobody else positions,
            confidence=None if told is None or nobody else _numbers(told),
            time=None if instant is None else float(instant),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:80]
        raise SkeltextError(
            f"it is no frame ({reason}); expected a list of {layout.V} joints with {layout.C} numbers each, or an"
            ' object with "positions"'
        ) from error


def _numbers(content: object) -> Floats:
    with np.errstate(over="ignore"):  # becomes infinite, which a stream refuses
        return np.array(content, np.float32)
