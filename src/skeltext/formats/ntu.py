"""NTU RGB+D and NTU RGB+D 120: `.skeleton` text of Kinect v2, several bodies per frame.

A file holds the number of frames; then for each frame the number of bodies; then for each body a line with its
tracking id and nine numbers about hands and lean, the number of joints (25) and one line of twelve numbers per
joint: x y z, depth-image x y, colour-image x y, a quaternion w x y z, and the tracking state.

Source: A. Shahroudy et al., NTU RGB+D: A Large Scale Dataset for 3D Human Activity Analysis, CVPR 2016.
"""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format
from skeltext.formats.numeric import floats, read_cells
from skeltext.formats.tracks import stack_tracks
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25

_HEAD_CELLS = 11  # tracking id, nine numbers, the number of joints
_JOINT_CELLS = 12
_BODY_CELLS = _HEAD_CELLS + 25 * _JOINT_CELLS
_USED_COLUMNS = (0, 1, 2, 11)  # x y z and the tracking state; the image coordinates may hold text like "-Infinity"


class NtuName(NamedTuple):
    """What an NTU file name says, all counted from 1."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int


def parse_ntu_name(name: str | Path) -> NtuName:
    """Setup, camera, performer, replication and action out of a file name.

    >>> parse_ntu_name("S018C003P008R001A061.skeleton")
    NtuName(setup=18, camera=3, performer=8, replication=1, action=61)
    """
    stem = Path(name).name.partition(".")[0]
    match = re.fullmatch(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})", stem, re.ASCII)
    if match is None:
        raise SkeltextError(f"{name} is no NTU file name, expected one like S001C002P003R002A013.skeleton; rename it")
    return NtuName(*map(int, match.groups()))


class _Body(NamedTuple):
    """Where in the file a body stands: its frame, its rank in the frame, its tracking id, its first joint cell."""

    frame: int
    rank: int
    track: str
    start: int


def _find_bodies(cells: list[bytes], path: Path) -> tuple[int, list[_Body]]:
    """The number of frames and every body; nothing is allocated on the word of the header."""
    found = []
    at, frame = 1, 0
    try:
        length = int(cells[0])
        for frame in range(length):
            count = int(cells[at])
            at += 1
            for rank in range(count):
                joints = int(cells[at + _HEAD_CELLS - 1])
                require(joints == 25, f"{path} has a body of {joints} joints in frame {frame + 1}, expected 25 (NTU)")
                cells[at + _BODY_CELLS - 1]  # IndexError where the file ends too early
                track = cells[at].decode("ascii", "replace")
                found.append(_Body(frame=frame, rank=rank, track=track, start=at + _HEAD_CELLS))
                at += _BODY_CELLS
    except (ValueError, IndexError) as error:
        claimed = cells[0][:20].decode("ascii", "replace") if cells else "none"
        raise SkeltextError(
            f"{path} is no complete NTU skeleton file: it ends or turns into something else in frame {frame + 1} of"
            f" {claimed}; get it again"
        ) from error
    return length, found


def _numbers(cells: list[bytes], found: list[_Body], path: Path) -> npt.NDArray[np.float64]:
    """(bodies of all frames, V, 4): x y z and the tracking state."""
    columns = (
        cells[body.start + column : body.start + _BODY_CELLS - _HEAD_CELLS : _JOINT_CELLS]
        for body in found
        for column in _USED_COLUMNS
    )
    values = floats(chain.from_iterable(columns), path=path)
    return values.reshape(len(found), len(_USED_COLUMNS), NTU25.V).transpose(0, 2, 1)


def read_ntu(path: Path, *, bodies: Literal["tracking id", "file order"] = "tracking id", max_bodies: int = 2) -> Clip:
    """The clip of one `.skeleton` file at 30 frames per second in layout ntu25, metres.

    With ``bodies="tracking id"`` every tracking id is a body of its own, NaN in the frames where it is absent.
    With ``bodies="file order"`` the clip is what the published preprocessing reads: the first of each frame is body 0
    whoever that is, the next body 1, those after `max_bodies` are dropped. It has zeros where this has NaN, and always
    `max_bodies` bodies where this has as many as are ever seen at once.
    The tracking states not tracked, inferred and tracked become confidence 0, 0.5 and 1.
    A file that breaks off, or in which there is no body at all, raises :class:`SkeltextError`.
    """
    cells = read_cells(path).split()
    length, found = _find_bodies(cells, path)
    if bodies == "file order":
        found = [body._replace(track=str(body.rank)) for body in found if body.rank < max_bodies]
    tracks = tuple(dict.fromkeys(body.track for body in found))
    require(found, f"{path} has no body in any of its {length} frames (a known fault of some NTU files); leave it out")
    stacked = stack_tracks(
        _numbers(cells, found, path),
        frames=[body.frame for body in found],
        bodies=[body.track for body in found],
        tracks=tracks,
        length=length,
        source=str(path),
    )
    confidence = np.nan_to_num(stacked[..., 3], nan=0.0) / 2
    return checked_clip(stacked[..., :3], confidence=confidence, layout=NTU25, fps=30.0, tracks=tracks, path=path)


def _recognises(path: Path, head: bytes) -> bool:
    """The number of frames and the number of bodies, each alone on its line."""
    lines = [line.strip() for line in head.split(b"\n", 2)[:2]]
    return len(lines) == 2 and all(line.isdigit() for line in lines)


FORMAT = Format(
    name="ntu",
    about="NTU RGB+D skeleton text (Kinect v2, several bodies)",
    suffixes=(".skeleton",),
    recognises=_recognises,
    read=read_ntu,
)
