"""Kinder-Gator: csv of Kinect v1 with a time stamp, 20 joints of X Y Z, a user id and an action in each row.

Source: A. Aloba et al., Kinder-Gator: The UF Kinect Database of Child and Adult Motion, Eurographics 2018.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from skeltext.errors import require
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format
from skeltext.formats.numeric import floats, read_cells
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

_FILE_JOINTS = (
    "HipCenter Spine ShoulderCenter Head ShoulderLeft ElbowLeft WristLeft HandLeft ShoulderRight ElbowRight WristRight"
    " HandRight HipLeft KneeLeft AnkleLeft FootLeft HipRight KneeRight AnkleRight FootRight"
)  # the same joints in the same order as KINECT20
_HEADER = ["Timestamp", *(joint + axis for joint in _FILE_JOINTS.split() for axis in "XYZ"), "User-ID", "Action"]
_LAST = 1 + 3 * KINECT20.V  # cells of a row up to here are numbers


def _cells(rows: list[bytes], path: Path) -> Iterator[bytes]:
    """The numbers of all rows; every row of the published files ends with an extra comma."""
    for number, row in enumerate(rows, 2):
        cells = row.split(b",")[:_LAST]
        require(len(cells) == _LAST, f"{path} breaks off in line {number}, expected {_LAST} numbers; get it again")
        yield from cells


def read_kinder_gator(path: Path) -> Clip:
    """The one body of a Kinder-Gator csv at 30 frames per second in layout kinect20, metres.

    The rate is the nominal one of the sensor: time stamps step by 32 or 33 ms in the median, but some of the
    published files have time stamps that run backwards, so they are read as numbers and not used. The files mark
    no beginning or end of the motion; most recordings start before it and end after it.
    """
    header, *rows = read_cells(path).rstrip().splitlines() or [b""]
    names = [name.strip() for name in header.decode("utf-8", "replace").split(",")]
    require(
        names[: len(_HEADER)] == _HEADER,
        f"{path} starts with {', '.join(names)[:60]!r}, expected the columns Timestamp, HipCenterX, ...",
    )
    require(rows, f"{path} has a header and no row below it; get it again")
    values = floats(_cells(rows, path), path=path).reshape(-1, _LAST)
    positions = values[:, 1:].reshape(1, -1, KINECT20.V, 3)
    return checked_clip(positions, layout=KINECT20, fps=30.0, path=path)


FORMAT = Format(
    name="kinder_gator",
    about="Kinder-Gator csv (Kinect v1)",
    suffixes=(".csv",),
    recognises=lambda path, head: head.startswith(b"Timestamp,HipCenterX"),
    read=read_kinder_gator,
)
