"""Ultralytics YOLO pose: the `Results` of every frame, with ids where `model.track` made them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skeltext.errors import require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import COCO17
from skeltext.skeletons.sources.frames import Person, clip_of_people, people_of
from skeltext.skeletons.sources.values import attribute, listed, numbers


def _people(result: Any, *, what: str) -> list[Person]:
    keypoints = attribute(result, "keypoints", what=what)
    require(keypoints is not None, f"{what} has no key points; use a pose model, such as yolo11n-pose")
    ids = getattr(getattr(result, "boxes", None), "id", None)  # None until the tracker is sure, and without tracking
    tracks = [] if ids is None else [f"{track:g}" for track in numbers(ids, what=f"the ids of {what}").ravel()]
    xy, confidence = attribute(keypoints, "xy", what=what), getattr(keypoints, "conf", None)
    return people_of(xy, confidence, tracks=tracks, what=what)


def ultralytics_clip(results: Iterable[Any], *, fps: float | None, threshold: float, min_frames: int) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_ultralytics`."""
    source = "Ultralytics results"
    return clip_of_people(
        [_people(result, what=f"frame {t} of the {source}") for t, result in enumerate(listed(results, what=source))],
        layouts={(17, 2): COCO17},
        fps=fps,
        source=source,
        threshold=threshold,
        zero_is_missing=True,
        min_frames=min_frames,
    )
