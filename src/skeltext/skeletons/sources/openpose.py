"""OpenPose: the JSON of every frame, with `people` and their key points as x y confidence, or x y z confidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import BODY25, BODY25_3D, OPENPOSE18
from skeltext.skeletons.sources.frames import Person, clip_of_people
from skeltext.skeletons.sources.values import listed, numbers

FLAT, DEEP = "pose_keypoints_2d", "pose_keypoints_3d"


def _track(person: Mapping[str, Any], *, what: str) -> str | None:
    """`person_id` is a list of one number, -1 where OpenPose did not track."""
    ids = np.ravel(numbers(person.get("person_id", []), what=f"`person_id` of {what}"))
    return f"{ids[0]:g}" if ids.size and ids[0] >= 0 else None


def _people(frame: Any, *, key: str, what: str) -> list[Person]:
    if not isinstance(frame, Mapping) or "people" not in frame:
        raise SkeltextError(f"{what} has no `people`; give the JSON that OpenPose writes for every frame")
    people = []
    for person in listed(frame["people"], what=f"`people` of {what}"):
        require(isinstance(person, Mapping), f"{what} has a person of type {type(person).__name__}, expected an object")
        values = numbers(person.get(key, []), what=f"`{key}` of {what}")
        columns = 3 if key == FLAT else 4
        require(
            values.ndim == 1 and values.size % columns == 0,
            f"{what} has `{key}` of shape {values.shape}, expected a list of {columns} numbers for every key point",
        )
        if values.size:
            joints = values.reshape(-1, columns)  # (V, C + 1)
            people.append(Person(positions=joints[:, :-1], confidence=joints[:, -1], track=_track(person, what=what)))
    return people


def openpose_clip(
    frames: Iterable[Any],
    *,
    fps: float | None,
    unit: str,
    threshold: float,
    min_frames: int,
    source: str = "OpenPose results",
) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_openpose`."""
    key = FLAT if unit == "px" else DEEP
    layout = BODY25 if unit == "px" else replace(BODY25_3D, unit=unit)
    clip = clip_of_people(
        [
            _people(frame, key=key, what=f"{source}, frame {number},")
            for number, frame in enumerate(listed(frames, what=source))
        ],
        layouts={(25, 2): BODY25, (18, 2): OPENPOSE18} if unit == "px" else {(25, 3): layout},
        fps=fps,
        source=source,
        threshold=threshold,
        zero_is_missing=True,
        min_frames=min_frames,
    )
    return clip if unit == "px" else convert(clip, BODY25_3D)
