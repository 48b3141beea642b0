"""Azure Kinect: the JSON of the official offline processor, `frames` of `bodies` of 32 joints in millimetres.

Source: `offline_processor` of the Azure Kinect body tracking samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError
from skeltext.formats.format import Format
from skeltext.formats.json_file import read_json
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.sources.azure import azure_clip
from skeltext.skeletons.sources.values import numbers

_LATEST = 1e18  # microseconds; past any clock, and no difference of two such times overflows


def _rate(frames: list[Any], path: Path) -> float | None:
    """Frames per second by the median step of `timestamp_usec`, None where a frame has none."""
    times = [frame.get("timestamp_usec") if isinstance(frame, Mapping) else None for frame in frames]
    stamps = np.ravel(numbers(times, what=f"`timestamp_usec` in {path}"))
    if len(stamps) < 2 or not (np.abs(stamps) < _LATEST).all():
        return None
    step = float(np.median(np.diff(stamps)))
    return float(f"{1e6 / step:.6g}") if step > 0 else None


def read_azure(path: Path) -> Clip:
    """The bodies by their ids in layout azure32; the frame rate is that of the time stamps."""
    content = read_json(path)
    frames = content.get("frames") if isinstance(content, Mapping) else None
    if not isinstance(frames, list):
        raise SkeltextError(f"{path} has no list `frames`, expected the JSON of the offline processor; get it again")
    return azure_clip(frames, fps=_rate(frames, path), min_frames=1, source=str(path))


FORMAT = Format(
    name="azure",
    about="Azure Kinect JSON of the offline processor",
    suffixes=(".json",),
    recognises=lambda path, head: b'"bone_list"' in head or b'"joint_positions"' in head,
    read=read_azure,
)
