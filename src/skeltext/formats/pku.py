"""PKU-MMD: text of a long recording, a line per frame with the joints of two bodies (Kinect v2), and its labels.

A line of a recording holds 150 numbers: x y z of the 25 joints of the first body, then of the second. A body that is
not there is all zeros. The label file of the same name has a line ``class,start,end,confidence`` for every action.

Source: C. Liu et al., PKU-MMD: A Large Scale Benchmark for Continuous Multi-Modal Human Action Understanding,
arXiv:1703.07475, 2017.
"""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.formats.checked import absent_where_zero, checked_clip
from skeltext.formats.format import Format, read_text
from skeltext.formats.numeric import floats, is_number_line, read_cells
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25

Floating = npt.NDArray[np.floating]

_BODIES = 2
_COLUMNS = _BODIES * NTU25.V * NTU25.C


def read_pku(path: Path) -> Clip:
    """The whole recording at 30 frames per second in layout ntu25, metres.

    Bodies keep their place in the line; the second is left out where it never appears. A line that is cut off, or a
    recording without anybody in it, raises :class:`SkeltextError`.
    """
    lines = [cells for line in read_cells(path).splitlines() if (cells := line.split())]
    for number, cells in enumerate(lines, 1):
        require(
            len(cells) == _COLUMNS,
            f"{path} has {len(cells)} cells in line {number} of {len(lines)}, expected {_COLUMNS} numbers (x y z of 25"
            " joints of two bodies); it is cut off or of another format",
        )
    numbers = floats(chain.from_iterable(lines), path=path).reshape(-1, _BODIES, NTU25.V, NTU25.C)
    positions = absent_where_zero(numbers.transpose(1, 0, 2, 3))  # (T, M, V, C) to (M, T, V, C)
    return checked_clip(_without_absent(positions), layout=NTU25, fps=30.0, path=path)


def _without_absent(positions: Floating) -> Floating:
    """(M, T, V, C) without the second body if it never appears."""
    return positions[:1] if np.isnan(positions[1:]).all() else positions


def read_pku_cut(recording: Path, *, first: int, last: int, longest: int | None = None) -> Clip:
    """Frames `first` to `last` of a recording, both included and counted from 1; of those the middle `longest`.

    The recording is kept in memory for the cuts that follow. Raises :class:`SkeltextError` if the frames are not all
    in the recording, or nobody is in them.
    """
    whole = _recording(recording, _changed(recording))
    require(
        1 <= first <= last <= whole.T,
        f"{recording} has {whole.T} frames, its label file speaks of frames {first} to {last}; leave this action out",
    )
    start, stop = _middle(first - 1, last, longest)
    positions = _without_absent(whole.positions[:, start:stop])  # (M, T, V, C)
    return checked_clip(positions, layout=NTU25, fps=whole.fps, path=Path(f"{recording}, frames {first} to {last},"))


def _middle(start: int, stop: int, longest: int | None) -> tuple[int, int]:
    """The `longest` frames in the middle of a range of frames.

    >>> _middle(100, 405, 300), _middle(0, 20, 300)
    ((102, 402), (0, 20))
    """
    if longest is None or stop - start <= longest:
        return start, stop
    start += (stop - start - longest) // 2
    return start, start + longest


def _changed(path: Path) -> int:
    """When a file was written last, 0 if there is none; a recording that changed is read again."""
    return path.stat().st_mtime_ns if os.path.exists(path) else 0


@lru_cache(maxsize=2)
def _recording(path: Path, changed: int) -> Clip:
    """A long recording; the cuts that a process reads one after the other are mostly of the same one."""
    return read_pku(path)


class Labelled(NamedTuple):
    """A line of a label file: a class, the first and the last frame of the action, all counted from 1."""

    action: int
    first: int
    last: int


def read_pku_labels(path: Path) -> list[Labelled | str]:
    """The lines of a label file that are not blank; for a line without three numbers, the sentence that says so.

    The first frame is 0 in some files of phase 2; it is taken for frame 1.
    """
    return [_labelled(line, path) for line in read_text(path).splitlines() if line.strip()]


def _labelled(line: str, path: Path) -> Labelled | str:
    try:
        action, first, last = map(int, line.split(",")[:3])
    except ValueError:
        return f"{path} has the line {line[:40]!r}, expected class,start,end,confidence; mend or remove it"
    return Labelled(action, first or 1, last)


FORMAT = Format(
    name="pku",
    about="PKU-MMD text of a long recording (150 numbers per frame: two bodies of 25 joints)",
    suffixes=(".txt",),
    recognises=lambda path, head: is_number_line(head, columns=_COLUMNS),
    read=read_pku,
)
