"""rtmlib: the pair of key points and scores that its models and its PoseTracker return for every frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skeltext.errors import require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import COCO17, HALPE26, OPENPOSE18
from skeltext.skeletons.sources.frames import clip_of_people, people_of
from skeltext.skeletons.sources.values import listed

# Whole bodies begin with the body; `to_openpose=True` puts a neck among the key points.
LAYOUTS = {(17, 2): COCO17, (26, 2): HALPE26, (133, 2): COCO17, (18, 2): OPENPOSE18, (134, 2): OPENPOSE18}


def rtmlib_clip(results: Iterable[Any], *, fps: float | None, threshold: float, min_frames: int) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_rtmlib`."""
    frames = []
    for frame, result in enumerate(listed(results, what="rtmlib results")):
        what = f"frame {frame} of the rtmlib results"
        pair = listed(result, what=what)
        require(
            len(pair) >= 2, f"{what} has {len(pair)} parts, expected (keypoints, scores); give what the model returns"
        )
        frames.append(people_of(pair[0], pair[1], what=what))
    return clip_of_people(
        frames, layouts=LAYOUTS, fps=fps, source="rtmlib results", threshold=threshold, min_frames=min_frames
    )
