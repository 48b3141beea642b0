"""A general csv: columns `<joint>_x,<joint>_y,<joint>_z` under a header, and optionally `time` and `body`.

One row is one body in one frame. The joint names are those of a known layout, in any order; flat layouts have no
`_z`. An empty cell is a missing coordinate.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format
from skeltext.formats.numeric import floats, read_cells
from skeltext.formats.tracks import stack_tracks
from skeltext.formats.writing import written_aside
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import LAYOUTS

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # spreadsheets put it before the header
_LATEST = 1e12  # seconds; past any clock, and no difference of two such times overflows
_SEPARATORS = str.maketrans(dict.fromkeys(',"\r\n', " "))  # what would end a cell inside the name of a body


def _columns(layout: Layout) -> list[str]:
    """The coordinate columns of a layout, joint by joint.

    >>> from skeltext.skeletons.layouts import COCO17
    >>> _columns(COCO17)[:4]
    ['nose_x', 'nose_y', 'left_eye_x', 'left_eye_y']
    """
    return [f"{joint}_{axis}" for joint in layout.joints for axis in "xyz"[: layout.C]]


def _layout(header: list[str], path: Path) -> Layout:
    """The layout whose coordinate columns are exactly those of the header."""
    require(len(set(header)) == len(header), f"{path} has two columns of the same name; remove one")
    there = sorted(set(header) - {"time", "body"})
    for layout in LAYOUTS.values():
        if sorted(_columns(layout)) == there:
            return layout
    raise SkeltextError(
        f"{path} has {len(there)} coordinates ({', '.join(there)[:60]}), expected <joint>_x, <joint>_y, <joint>_z"
        f" for all joints of one of {', '.join(LAYOUTS)}; rename the columns"
    )


def _split(line: bytes) -> list[bytes]:
    return [cell.strip(b' "') for cell in line.split(b",")]


def _rows(lines: list[bytes], *, width: int, path: Path) -> list[list[bytes]]:
    """The rows below the header, each of `width` cells."""
    rows = []
    for number, line in enumerate(lines, 2):
        row = _split(line)
        require(
            len(row) == width,
            f"{path} has {len(row)} cells in line {number} and {width} in its header; it is cut off or damaged",
        )
        rows.append(row)
    require(rows, f"{path} has no row of numbers below its header; write one row per frame and body")
    return rows


def _frames(
    times: npt.NDArray[np.float64] | None, bodies: list[str], path: Path
) -> tuple[list[int], int, float | None]:
    """For every row its frame, the number of frames, and the frame rate or None where there is no time."""
    if times is None:  # the rows of each body follow each other
        counters = {body: count() for body in bodies}
        frames = [next(counters[body]) for body in bodies]
        return frames, max(frames) + 1, None
    require((np.abs(times) < _LATEST).all(), f"{path} has a row without a time in seconds; give one to every row")
    instants, order = np.unique(times, return_inverse=True)
    frames = order.tolist()
    twice = len(set(zip(frames, bodies, strict=True))) < len(frames)
    require(not twice, f"{path} has two rows of one body at the same time; tell the bodies apart in a column `body`")
    step = float(np.median(np.diff(instants))) if len(instants) > 1 else 0.0
    return frames, len(instants), float(f"{1 / step:.6g}") if step else None


def read_csv(path: Path) -> Clip:
    """The clip of a csv with a header, as described at the top of this module.

    The unit and the axes are those of the layout that has these joints. `time` is in seconds and tells the frame
    rate (one over the median step) and which rows are the same frame; without it the rate is None and the n-th row
    of each `body` is frame n. Raises :class:`SkeltextError` if the columns fit no layout or a cell is no number.
    """
    first, *lines = read_cells(path).removeprefix(_BYTE_ORDER_MARK).strip().splitlines() or [b""]
    header = [cell.decode("utf-8", "replace") for cell in _split(first)]
    layout = _layout(header, path)
    rows = _rows(lines, width=len(header), path=path)
    place = {name: column for column, name in enumerate(header)}
    times = floats((row[place["time"]] or b"nan" for row in rows), path=path) if "time" in place else None
    bodies = [row[place["body"]].decode("utf-8", "replace") if "body" in place else "0" for row in rows]
    frames, length, fps = _frames(times, bodies, path)
    order = [place[name] for name in _columns(layout)]
    values = floats((row[column] or b"nan" for row in rows for column in order), path=path)
    tracks = tuple(dict.fromkeys(bodies))
    positions = stack_tracks(
        values.reshape(len(rows), layout.V, layout.C),
        frames=frames,
        bodies=bodies,
        tracks=tracks,
        length=length,
        source=str(path),
    )
    return checked_clip(positions, layout=layout, fps=fps, tracks=tracks, path=path)


def write_csv(clip: Clip, path: Path) -> None:
    """Write `clip` as csv with a `time` column where its rate is known; confidence has no place in the format.

    Raises :class:`SkeltextError` if no csv of its layout could be read again, or if the file cannot be written.
    """
    require(clip.layout == LAYOUTS.get(clip.layout.name), f"layout {clip.layout.name} is not registered; write npz")
    header = [*(["time"] if clip.fps else []), "body", *_columns(clip.layout)]
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(",".join(header) + "\n")
        for frame in range(clip.T):
            time = [repr(round(frame / clip.fps, 9))] if clip.fps else []
            for body, track in enumerate(clip.tracks):
                numbers = clip.positions[body, frame].ravel().tolist()
                cells = ["" if number != number else f"{number:.9g}" for number in numbers]  # NaN is an empty cell
                stream.write(",".join([*time, track.translate(_SEPARATORS), *cells]) + "\n")


def _recognises(path: Path, head: bytes) -> bool:
    """Any csv, so that one with other columns is told what is expected; every layout has a head or a nose."""
    header = head.partition(b"\n")[0]
    return path.suffix.lower() == ".csv" or b"head_x" in header or b"nose_x" in header


FORMAT = Format(
    name="csv",
    about="csv with columns <joint>_x, <joint>_y, <joint>_z, and optionally time and body",
    suffixes=(".csv",),
    recognises=_recognises,
    read=read_csv,
)
