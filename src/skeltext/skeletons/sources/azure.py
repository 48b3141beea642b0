"""Azure Kinect body tracking: the bodies of its Python bindings, or the JSON of the official offline processor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import AZURE32
from skeltext.skeletons.sources.frames import Person, clip_of_people
from skeltext.skeletons.sources.values import attribute, listed, numbers

_SURE = 2  # of the levels none, low (guessed), medium and high; the SDK never says high


def _recorded(body: Mapping[str, Any], *, what: str) -> Person:
    """A body of the offline processor, which writes no confidence."""
    require("joint_positions" in body, f"{what} has a body without `joint_positions`; process the recording again")
    positions = numbers(body["joint_positions"], what=f"`joint_positions` of {what}")
    track = body.get("body_id")
    return Person(positions=positions, track=None if track is None else str(track)[:40])


def _live(body: Any, *, what: str) -> Person:
    """A `k4abt_body_t`, or the `Body` that pykinect_azure puts around one."""
    joints = [attribute(getattr(body, "skeleton", body), "joints", what=what)[joint] for joint in range(AZURE32.V)]
    places = [getattr(joint.position, "xyz", joint.position) for joint in joints]
    levels = numbers([joint.confidence_level for joint in joints], what=f"the confidence levels of {what}")
    track = getattr(body, "id", None)
    if track is None and hasattr(body, "handle"):
        track = body.handle().id
    return Person(
        positions=np.array([[place.x, place.y, place.z] for place in places], np.float64),
        confidence=np.minimum(levels / _SURE, 1.0),
        track=None if track is None else str(track),
    )


def _people(frame: Any, *, what: str) -> list[Person]:
    if isinstance(frame, Mapping):
        if "bodies" not in frame:
            raise SkeltextError(f"{what} has no `bodies`; give the frames that the offline processor writes")
        bodies = frame["bodies"]
    else:
        bodies = frame.get_bodies() if hasattr(frame, "get_bodies") else frame
    return [
        _recorded(body, what=what) if isinstance(body, Mapping) else _live(body, what=what)
        for body in listed(bodies, what=what)
    ]


def azure_clip(
    frames: Iterable[Any], *, fps: float | None, min_frames: int, source: str = "Azure Kinect frames"
) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_azure`."""
    return clip_of_people(
        [
            _people(frame, what=f"{source}, frame {number},")
            for number, frame in enumerate(listed(frames, what=f"{source}, `frames`,"))
        ],
        layouts={(32, 3): AZURE32},
        fps=fps,
        source=source,
        zero_is_missing=True,
        min_frames=min_frames,
    )
