"""MMPose: the `PoseDataSample`s of its models, or the dictionaries of its inferencers, flat or lifted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import COCO17, H36M17, HALPE26
from skeltext.skeletons.sources.frames import Person, clip_of_people, people_of
from skeltext.skeletons.sources.values import attribute, listed, numbers


def _samples(result: Any, *, what: str) -> list[Any]:
    """The samples or dictionaries of a frame: one with everybody, or one per person, as the inferencer nests them."""
    if isinstance(result, Mapping) and "predictions" in result:
        predictions = listed(result["predictions"], what=f"`predictions` of {what}")
        nested = len(predictions) == 1 and isinstance(predictions[0], list | tuple)
        return list(predictions[0]) if nested else predictions
    return listed(result, what=what) if isinstance(result, list | tuple) else [result]


def _people(sample: Any, *, what: str) -> list[Person]:
    """The people of a sample; lifters put an axis of length 1 in the middle of (N, 1, V, C)."""
    if isinstance(sample, Mapping):
        missing = {"keypoints", "keypoint_scores"} - set(sample)
        require(not missing, f"{what} has no `{min(missing, default='')}`; give what the inferencer returns")
        keypoints, scores, track = sample["keypoints"], sample["keypoint_scores"], None
    else:
        instances = attribute(sample, "pred_instances", what=what)
        keypoints = attribute(instances, "keypoints", what=what)
        scores, track = getattr(instances, "keypoint_scores", None), getattr(sample, "track_id", None)
    positions = numbers(keypoints, what=f"the key points of {what}")
    if positions.size == 0:
        return []
    require(positions.ndim >= 2, f"{what} has key points of shape {positions.shape}, expected (people, joints, 2 or 3)")
    positions = positions.reshape(-1, *positions.shape[-2:])  # (N, V, C)
    if scores is not None:
        scores = numbers(scores, what=f"the scores of {what}")
        require(
            scores.size == positions[..., 0].size, f"{what} has {scores.size} scores of {positions.shape[:2]} joints"
        )
        scores = scores.reshape(positions.shape[:2])
    known = track is not None and track >= 0 and len(positions) == 1
    return people_of(positions, scores, tracks=[str(track)] if known else [], what=what)


def _depth(clip: Clip, *, up: str, unit: str) -> Clip:
    """Lifted key points in the axes and unit of h36m17.

    The inferencer makes (-x, z, -y) out of x to the right, y down and z forward: up is z, but what was a right hand is
    drawn as a left one, which negating the first axis undoes.
    """
    if up not in ("+z", "-y"):
        raise SkeltextError(f"up {up!r} is not known, expected +z (inferencer) or -y (axes of the camera)")
    hand = np.array([-1, 1, 1] if up == "+z" else [1, 1, 1], np.float32)
    layout = replace(H36M17, up=up, unit=unit)
    return convert(replace(clip, positions=clip.positions * hand, layout=layout), H36M17)


def mmpose_clip(
    results: Iterable[Any], *, fps: float | None, up: str, unit: str, threshold: float, min_frames: int
) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_mmpose`."""
    source = "MMPose results"
    frames = [
        [
            person
            for sample in _samples(result, what=f"frame {frame} of the {source}")
            for person in _people(sample, what=f"frame {frame} of the {source}")
        ]
        for frame, result in enumerate(listed(results, what=source))
    ]
    clip = clip_of_people(
        frames,
        layouts={(17, 2): COCO17, (26, 2): HALPE26, (133, 2): COCO17, (17, 3): H36M17},
        fps=fps,
        source=source,
        threshold=threshold,
        min_frames=min_frames,
    )
    return _depth(clip, up=up, unit=unit) if clip.layout.C == 3 else clip
