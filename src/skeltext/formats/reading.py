"""Any motion file that skeltext knows, read by what it is called and what it begins with."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from skeltext.errors import SkeltextError, require
from skeltext.formats.asf_amc import FORMAT as ASF_AMC
from skeltext.formats.azure import FORMAT as AZURE
from skeltext.formats.bvh import FORMAT as BVH
from skeltext.formats.format import Format, read_bytes
from skeltext.formats.gtu import FORMAT as GTU
from skeltext.formats.kinder_gator import FORMAT as KINDER_GATOR
from skeltext.formats.msr import FORMAT as MSR
from skeltext.formats.npz import FORMAT as NPZ
from skeltext.formats.npz import read_npz
from skeltext.formats.ntu import FORMAT as NTU
from skeltext.formats.openpose import FORMAT as OPENPOSE
from skeltext.formats.pku import FORMAT as PKU
from skeltext.formats.table import FORMAT as CSV
from skeltext.formats.ucla import FORMAT as UCLA
from skeltext.formats.utd import FORMAT as UTD
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import layout_named

FORMATS = {
    format.name: format
    for format in (NTU, UTD, MSR, UCLA, OPENPOSE, AZURE, KINDER_GATOR, GTU, PKU, ASF_AMC, BVH, NPZ, CSV)
}  # more special formats stand before more general ones, the first that recognises a file reads it
_HEAD_BYTES = 4096


def describe_formats() -> str:
    """One line that lists the readable formats and their file name endings.

    >>> "ntu (.skeleton)" in describe_formats()
    True
    """
    return ", ".join(f"{format.name} ({' '.join(format.suffixes)})" for format in FORMATS.values())


def _named(path: Path) -> list[Format]:
    """The formats with the longest ending that a file has: `_keypoints.json` before `.json`."""
    fitting = {
        name: max((len(ending) for ending in format.suffixes if path.name.lower().endswith(ending)), default=0)
        for name, format in FORMATS.items()
    }
    longest = max(fitting.values()) or None
    return [FORMATS[name] for name, length in fitting.items() if length == longest]


def recognise(path: Path) -> Format:
    """The format of a file: of those with its ending the one that knows its first bytes, else any that knows them.

    Where only one format has the ending, that one is taken, and its reader says what is wrong with the file.
    """
    if os.path.isdir(path):  # False, too, where one may not look
        return OPENPOSE  # the one format whose clips are folders
    head = read_bytes(path)[:_HEAD_BYTES]
    named = _named(path)
    fitting = [format for format in [*named, *FORMATS.values()] if format.recognises(path, head)]
    if fitting or len(named) == 1:
        return (fitting or named)[0]
    raise SkeltextError(f"{path} is of no known format; readable are {describe_formats()}")


def read_clip(
    path: str | Path, *, format: str | None = None, layout: str | None = None, fps: float | None = None
) -> Clip:
    """The clip in a motion file, or in a folder of OpenPose's files.

    `format` is one of :data:`FORMATS` where the file should not be trusted to tell, `layout` the name of the layout the
    file is in where it does not tell (npz), and `fps` replaces the frame rate of the file.
    Raises :class:`SkeltextError` if the file cannot be read, or is in another layout than `layout`.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise SkeltextError(f"format {format!r} is not known; readable are {describe_formats()}")
    chosen = FORMATS[format] if format is not None else recognise(path)
    known = layout_named(layout) if layout is not None else None
    clip = read_npz(path, layout=known) if chosen is NPZ else chosen.read(path)
    require(
        known is None or clip.layout == known,
        f"{path} is in layout {clip.layout.name}, not {layout}; read it as it is and convert it afterwards",
    )
    return clip if fps is None else replace(clip, fps=fps)


load = read_clip  # the short public name, ``skeltext.load``
