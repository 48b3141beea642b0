"""NW-UCLA Multiview Action 3D: JSON with the key `skeletons`, frames of 20 joints of x y z (Kinect v1).

Source: J. Wang et al., Cross-view Action Modeling, Learning and Recognition, CVPR 2014, in the JSON conversion
that is distributed with skeleton networks.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from skeltext.errors import SkeltextError
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format
from skeltext.formats.numeric import read_cells
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20


def read_ucla(path: Path) -> Clip:
    """The one body of an NW-UCLA JSON file at 30 frames per second (nominal) in layout kinect20, metres."""
    try:
        content = json.loads(read_cells(path))
        skeletons = np.asarray(content["skeletons"], np.float64)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise SkeltextError(
            f"{path} is no NW-UCLA file: expected JSON with `skeletons` as frames of 20 joints of x y z,"
            f" got {type(error).__name__} ({str(error)[:80]}); get it again"
        ) from error
    if skeletons.ndim != 3:
        raise SkeltextError(
            f"{path} has `skeletons` of shape {skeletons.shape}, expected (frames, 20, 3); get it again"
        )
    return checked_clip(skeletons[None], layout=KINECT20, fps=30.0, path=path)


FORMAT = Format(
    name="ucla",
    about="NW-UCLA Multiview Action 3D JSON (Kinect v1)",
    suffixes=(".json",),
    recognises=lambda path, head: b'"skeletons"' in head,
    read=read_ucla,
)
