"""MediaPipe Pose: world landmarks in metres, or image landmarks as a flat clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import MEDIAPIPE33, MEDIAPIPE33_FLAT
from skeltext.skeletons.sources.frames import Person, clip_of_people
from skeltext.skeletons.sources.values import Reals, listed

_SOURCE = "MediaPipe results"


def _lists(result: Any, name: str, *, what: str) -> list[list[Any]]:
    """The landmarks of every person: a list each in the Tasks API, one `landmark` or None in the legacy solution."""
    landmarks = getattr(result, name, None)
    if landmarks is None:
        return []
    people = [landmarks.landmark] if hasattr(landmarks, "landmark") else listed(landmarks, what=what)
    return [listed(person, what=what) for person in people]


def _coordinates(landmarks: list[Any], axes: str, *, what: str) -> Reals:
    """(V, C) of the named axes."""
    try:
        return np.array([[getattr(landmark, axis) for axis in axes] for landmark in landmarks], np.float64)
    except (AttributeError, TypeError, ValueError) as error:
        raise SkeltextError(
            f"{what} has a landmark without {', '.join(axes)}; give the results as they come"
        ) from error


def _visibility(landmarks: list[Any]) -> Reals | None:
    """(V,) or None. `presence` is left aside: visibility includes it, and the legacy solution leaves it at 0."""
    values = [getattr(landmark, "visibility", None) for landmark in landmarks]
    return None if None in values else np.array(values, np.float64)


def _people(result: Any, *, image_size: tuple[int, int] | None, what: str) -> list[Person]:
    """The people of a frame, in pixels of an image of `image_size` or, if that is None, in metres."""
    if not hasattr(result, "pose_landmarks") and not hasattr(result, "pose_world_landmarks"):
        raise SkeltextError(
            f"{what} is of type {type(result).__name__}, expected a PoseLandmarkerResult for every frame"
        )
    image, world = (_lists(result, name, what=what) for name in ("pose_landmarks", "pose_world_landmarks"))
    places = [_coordinates(landmarks, "xy", what=what) for landmarks in image]
    if image_size is not None:
        return [
            Person(positions=place * image_size, confidence=_visibility(landmarks))
            for place, landmarks in zip(places, image, strict=True)
        ]
    require(
        world or not image,
        f"{what} has image landmarks only, which are shares of the width and height without a scale of depth; give"
        " results with pose_world_landmarks, or say flat=True and image_size=(width, height)",
    )
    people = [
        Person(positions=_coordinates(landmarks, "xyz", what=what), confidence=_visibility(landmarks))
        for landmarks in world
    ]
    if len(places) == len(people):  # everybody's hips are the origin of the world, so the image tells people apart
        people = [replace(person, place=place) for person, place in zip(people, places, strict=True)]
    return people


def mediapipe_clip(
    results: Iterable[Any],
    *,
    fps: float | None,
    flat: bool,
    image_size: tuple[int, int] | None,
    threshold: float,
    min_frames: int,
) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_mediapipe`."""
    require(
        flat == (image_size is not None), "a flat clip needs flat=True and image_size=(width, height), others neither"
    )
    return clip_of_people(
        [
            _people(result, image_size=image_size, what=f"frame {frame} of the {_SOURCE}")
            for frame, result in enumerate(listed(results, what=_SOURCE))
        ],
        layouts={(33, 2): MEDIAPIPE33_FLAT} if flat else {(33, 3): MEDIAPIPE33},
        fps=fps,
        source=_SOURCE,
        threshold=threshold,
        min_frames=min_frames,
    )
