"""What all sources share: the people of every frame become a clip, with joints missing that were not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.sources.values import Reals, numbers, sound_confidence, within_reach, without_zeros
from skeltext.skeletons.tracking import assign_tracks

MAX_SKELETONS = 1 << 18  # bodies x frames of a clip: more than two hours of one person at 30 frames per second
MAX_PEOPLE = 100  # in a frame; a crowd of more is nothing whose actions could be told
SMALLEST_IMAGE = 2.0  # pixels; all coordinates below are shares of the width and height

# (joints, coordinates) as a source gives them, and the layout of the first of these joints.
Layouts = Mapping[tuple[int, int], Layout]


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """One person in one frame.

    ``positions`` is (V, C), ``confidence`` (V,) as the source gives it, ``track`` the id that the source gives.
    ``place`` is (V, any) where to look for the person from frame to frame if the positions do not tell.
    """

    positions: Reals
    confidence: Reals | None = None
    track: str | None = None
    place: Reals | None = None


def people_of(keypoints: Any, scores: Any = None, *, tracks: Sequence[str | None] = (), what: str) -> list[Person]:
    """The people of a frame out of (N, V, C) key points and (N, V) scores or None, both empty where nobody is.

    >>> [person.positions.shape for person in people_of(np.ones((2, 17, 2)), np.ones((2, 17)), what="frame 0")]
    [(17, 2), (17, 2)]
    """
    positions = numbers(keypoints, what=f"the key points of {what}")
    if positions.size == 0:
        return []
    confidence = None if scores is None else numbers(scores, what=f"the scores of {what}")
    scored = positions.shape[:-1] if confidence is None else confidence.shape
    require(
        positions.ndim == 3 and scored == positions.shape[:-1],
        f"{what} has key points of shape {positions.shape} and scores of shape {scored}, expected (people, joints,"
        " coordinates) and (people, joints); give the results as they come",
    )
    require(
        len(tracks) in (0, len(positions)), f"{what} has {len(tracks)} ids of {len(positions)} people; give all or none"
    )
    return [
        Person(
            positions=positions[n],
            confidence=None if confidence is None else confidence[n],
            track=tracks[n] if tracks else None,
        )
        for n in range(len(positions))
    ]


def _layout(frames: Sequence[Sequence[Person]], layouts: Layouts, source: str) -> Layout:
    """The layout of everybody; all must have the same joints."""
    shapes = {person.positions.shape for person in chain.from_iterable(frames)}
    require(shapes, f"{source} has nobody in any of its {len(frames)} frames; leave it out")
    shape = next(iter(shapes))
    layout = layouts.get((shape[0], shape[1])) if len(shape) == 2 else None
    if len(shapes) > 1 or layout is None:
        known = ", ".join(f"{V} in {C} dimensions ({layout.name})" for (V, C), layout in layouts.items())
        found = ", ".join(map(str, sorted(shapes)))
        raise SkeltextError(
            f"{source} has people of shape {found[:80]}, expected all with one of {known}; use a model of these joints"
        )
    return layout


def _sound(person: Person, layout: Layout, *, threshold: float, zero_is_missing: bool, source: str) -> Person:
    """The person in `layout`: NaN where a joint is missing, and a confidence, 0 there."""
    positions = within_reach(person.positions[: layout.V], source=source)
    if zero_is_missing:
        positions = without_zeros(positions)
    told = np.ones(layout.V) if person.confidence is None else sound_confidence(person.confidence[: layout.V])
    missing = np.isnan(positions).any(axis=-1) | (told < threshold) | (told == 0)
    return replace(
        person, positions=np.where(missing[:, None], np.nan, positions), confidence=np.where(missing, 0.0, told)
    )


def clip_of_people(
    frames: Sequence[Sequence[Person]],
    *,
    layouts: Layouts,
    fps: float | None,
    source: str,
    threshold: float = 0.0,
    zero_is_missing: bool = False,
    min_frames: int = 1,
) -> Clip:
    """The clip of all people over all frames, one body for each track (:mod:`skeltext.skeletons.tracking`).

    A joint is missing where it is NaN, where its confidence is 0 or below `threshold`, and with `zero_is_missing` where
    it lies exactly at the origin. Tracks of fewer than `min_frames` frames are left out.

    >>> from skeltext.skeletons.layouts import COCO17
    >>> frame = people_of(np.full((1, 17, 2), 9.0), what="frame 0")
    >>> clip_of_people([frame, []], layouts={(17, 2): COCO17}, fps=30.0, source="doc").tracked[0, :, 0].tolist()
    [True, False]
    """
    layout = _layout(frames, layouts, source)
    options: dict[str, Any] = {"threshold": threshold, "zero_is_missing": zero_is_missing, "source": source}
    sound = [[_sound(person, layout, **options) for person in people] for people in frames]
    seen = [[person for person in people if not np.isnan(person.positions).all()] for people in sound]
    _check_people(seen, layout, source)
    clip = _stacked(seen, layout, fps=fps, source=source, min_frames=min_frames)
    told = any(person.confidence is not None for person in chain.from_iterable(frames))
    return clip if told else replace(clip, confidence=None)


def _check_people(frames: Sequence[Sequence[Person]], layout: Layout, source: str) -> None:
    """Somebody, no crowd, and pixels where there should be pixels."""
    most = max(map(len, frames))
    require(most > 0, f"{source} has nobody in any of its {len(frames)} frames; leave it out")
    require(
        most <= MAX_PEOPLE, f"{source} has {most} people in a frame, more than {MAX_PEOPLE}; cut smaller pictures out"
    )
    if layout.unit == "px":
        largest = max(np.nanmax(np.abs(person.positions)) for person in chain.from_iterable(frames))
        require(
            largest >= SMALLEST_IMAGE,
            f"{source} has no key point beyond {SMALLEST_IMAGE:g} pixels, so they seem to be shares of the image; give"
            " them in pixels",
        )


def _stacked(
    frames: Sequence[Sequence[Person]], layout: Layout, *, fps: float | None, source: str, min_frames: int
) -> Clip:
    """One body for each track, in the order in which they appear."""
    placed = all(person.place is not None for person in chain.from_iterable(frames))
    tracks = assign_tracks(
        [[person.place if placed and person.place is not None else person.positions for person in p] for p in frames],
        names=[[person.track for person in people] for people in frames],
        source=source,
    )
    lengths = Counter(chain.from_iterable(tracks.numbers))
    bodies = [track for track in range(len(tracks.names)) if lengths[track] >= min_frames]
    require(bodies, f"{source} shows nobody in {min_frames} frames; ask for fewer with `min_frames`")
    require(
        len(bodies) * len(frames) <= MAX_SKELETONS,
        f"{source} has {len(bodies)} tracks in {len(frames)} frames, more than the {MAX_SKELETONS} skeletons of a clip;"
        " cut it into clips first, or leave short tracks out with `min_frames`",
    )
    positions = np.full((len(bodies), len(frames), layout.V, layout.C), np.nan, np.float32)  # (M, T, V, C)
    confidence = np.zeros(positions.shape[:3], np.float32)
    body_of = {track: body for body, track in enumerate(bodies)}
    for frame, (people, found) in enumerate(zip(frames, tracks.numbers, strict=True)):
        for person, track in zip(people, found, strict=True):
            if track in body_of:
                positions[body_of[track], frame] = person.positions
                confidence[body_of[track], frame] = person.confidence
    return Clip(
        positions=positions,
        layout=layout,
        fps=fps,
        confidence=confidence,
        tracks=tuple(tracks.names[track] for track in bodies),
        source=source,
    )
