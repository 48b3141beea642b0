"""OpenPose: a folder with a JSON file for every frame, `NAME_000000000012_keypoints.json`, or one file with a list.

A file holds `people` with `pose_keypoints_2d`, x y confidence of 25 (BODY_25) or 18 (COCO) key points in pixels. The
list of such objects in one file is what programs that draw OpenPose skeletons write.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError, require
from skeltext.formats.format import Format
from skeltext.formats.json_file import read_json
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.sources.frames import MAX_SKELETONS
from skeltext.skeletons.sources.openpose import openpose_clip

_NAME = re.compile(r"(.*)_(\d{12})_keypoints\.json", re.ASCII | re.DOTALL)
_NOBODY: dict[str, Any] = {"people": []}


def _frame(path: Path) -> tuple[str, int] | None:
    """The name of the recording and the number of the frame, None if the file is not called so.

    >>> _frame(Path("walk_000000000012_keypoints.json")), _frame(Path("walk.json"))
    (('walk', 12), None)
    """
    match = _NAME.fullmatch(path.name)
    return None if match is None else (match[1], int(match[2]))


def _recordings(folder: Path) -> dict[str, dict[int, Path]]:
    """The frames of every recording in a folder."""
    try:
        paths = [folder / name for name in os.listdir(folder)]
    except OSError as error:
        raise SkeltextError(f"{folder} cannot be looked into: {error.strerror or error}; check its rights") from error
    found: dict[str, dict[int, Path]] = {}
    for path in paths:
        if (frame := _frame(path)) is not None:
            found.setdefault(frame[0], {})[frame[1]] = path
    return found


def _frames_of(path: Path) -> dict[int, Path]:
    """The files of the recording in a folder, or of the one that a file belongs to."""
    own = _frame(path)
    if own is not None and not os.path.isdir(path):
        return _recordings(path.parent).get(own[0], {}) | {own[1]: path}
    recordings = _recordings(path)
    require(
        len(recordings) == 1,
        f"{path} holds {len(recordings)} recordings of OpenPose, expected one of NAME_000000000000_keypoints.json;"
        " give a motion file, or the first frame of a recording",
    )
    return next(iter(recordings.values()))


def _contents(path: Path) -> list[Any]:
    """What is in the files of a recording, from its first frame to the last, nobody where a file is missing."""
    files = _frames_of(path)
    first, last = min(files), max(files)
    length = last - first + 1
    require(
        length <= MAX_SKELETONS,
        f"{path} has frames {first} to {last}, more than the {MAX_SKELETONS} skeletons of a clip;"
        " cut the recording first",
    )
    return [read_json(files[frame]) if frame in files else _NOBODY for frame in range(first, last + 1)]


def read_openpose(path: Path) -> Clip:
    """The people of a recording in layout body25 or openpose18, pixels; OpenPose does not say the frame rate.

    `path` is the folder of a recording, a frame of it, or a file with a list of frames.
    """
    if os.path.isdir(path) or _frame(path) is not None:
        frames = _contents(path)
    else:
        content = read_json(path)
        frames = content if isinstance(content, list) else [content]
    return openpose_clip(frames, fps=None, unit="px", threshold=0.05, min_frames=1, source=str(path))


def _recognises(path: Path, head: bytes) -> bool:
    """A list of frames, or the first frame of a recording: the others are no clips of their own."""
    frame = _frame(path)
    if frame is None:
        return b'"people"' in head and b"pose_keypoints" in head
    before = path.with_name(f"{frame[0]}_{frame[1] - 1:012}_keypoints.json")
    return b'"people"' in head and not (frame[1] and os.path.lexists(before))


FORMAT = Format(
    name="openpose",
    about="OpenPose JSON, a folder with a file per frame or a list of frames",
    suffixes=("_keypoints.json",),
    recognises=_recognises,
    read=read_openpose,
)
