"""Kinect v1 (20 joints) and v2 (25 joints): arrays, or the bodies that the SDK's Python bindings hand over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from skeltext.errors import require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20, NTU25
from skeltext.skeletons.sources.arrays import array_clip
from skeltext.skeletons.sources.frames import Person, clip_of_people
from skeltext.skeletons.sources.values import attribute, listed, numbers, without_zeros

_LAYOUTS = {(20, 3): KINECT20, (25, 3): NTU25}
_TRACKED = 2  # of the states not tracked, inferred and tracked; of a v1 body: not tracked, position only, tracked


def _state(state: Any) -> float:
    """A tracking state as 0, 1 or 2, also where ctypes wraps it."""
    return float(getattr(state, "value", state))


def _body(places: Iterable[Any], states: Iterable[Any], track: Any) -> Person:
    return Person(
        positions=np.array([[place.x, place.y, place.z] for place in places], np.float64),
        confidence=np.array([_state(state) for state in states]) / _TRACKED,
        track=str(track),
    )


def _v1(body: Any) -> list[Person]:
    """A `SkeletonData` of pykinect; others than tracked ones have no joints."""
    if _state(body.eTrackingState) != _TRACKED:
        return []
    places, states = body.SkeletonPositions, body.eSkeletonPositionTrackingState
    return [_body(list(places)[: KINECT20.V], list(states)[: KINECT20.V], body.dwTrackingID)]


def _v2(body: Any, *, what: str) -> list[Person]:
    """A `KinectBody` of PyKinect2, whose `joints` is a pointer without a length."""
    if not attribute(body, "is_tracked", what=what):
        return []
    joints = [body.joints[joint] for joint in range(NTU25.V)]
    places, states = [joint.Position for joint in joints], [joint.TrackingState for joint in joints]
    return [_body(places, states, body.tracking_id)]


def _people(frame: Any, *, what: str) -> list[Person]:
    bodies = getattr(frame, "bodies", getattr(frame, "SkeletonData", frame))
    found = []
    for body in listed(bodies, what=what):
        found += _v1(body) if hasattr(body, "SkeletonPositions") else _v2(body, what=what)
    return found


def kinect_clip(frames: Any, *, fps: float | None, min_frames: int) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_kinect`."""
    source = "Kinect frames"
    if not isinstance(frames, np.ndarray):
        return clip_of_people(
            [_people(frame, what=f"frame {t} of the {source}") for t, frame in enumerate(listed(frames, what=source))],
            layouts=_LAYOUTS,
            fps=fps,
            source=source,
            zero_is_missing=True,
            min_frames=min_frames,
        )
    joints = frames.shape[-1] // 3 if frames.ndim == 2 else frames.shape[-2] if frames.ndim > 2 else 0
    require(
        (joints, 3) in _LAYOUTS,
        f"{source} are of shape {frames.shape}, expected (frames, 20 or 25, 3) for Kinect v1 or v2",
    )
    clip = array_clip(frames, layout=_LAYOUTS[joints, 3], fps=fps, source=source)
    seen = without_zeros(numbers(clip.positions, what=source))
    return replace(clip, positions=seen.astype(np.float32))
