"""MSR-Action3D, real-world coordinates: text, 20 lines per frame of x y z confidence.

Source: W. Li, Z. Zhang and Z. Liu, Action Recognition Based on a Bag of 3D Points, CVPR workshops 2010. The data
set also ships the same skeletons in pixels of the depth image; those lack metres and are refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skeltext.errors import require
from skeltext.formats.checked import absent_where_zero, checked_clip
from skeltext.formats.format import Format
from skeltext.formats.numeric import is_number_line, read_joint_rows
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

# The order in the files. Left and right follow the data: in the right-handed actions the moving arm is at larger x.
_FILE_ORDER = (
    "left_shoulder right_shoulder spine_shoulder spine left_hip right_hip pelvis left_elbow right_elbow left_wrist"
    " right_wrist left_hand right_hand left_knee right_knee left_ankle right_ankle left_foot right_foot head"
)
_TO_KINECT20 = [_FILE_ORDER.split().index(joint) for joint in KINECT20.joints]
_FARTHEST = 20.0  # metres; the sensor sees to about 4, pixel coordinates reach hundreds


def read_msr(path: Path) -> Clip:
    """The one body of a ``*_skeleton3D.txt`` at 15 frames per second in layout kinect20, metres.

    Frames whose joints are all zero become NaN. :class:`SkeltextError` if that is every frame (a13_s09_e02 of the
    published files), or if the file holds screen coordinates.
    """
    rows = read_joint_rows(path, joints=KINECT20.V, columns=4, meaning="x y z confidence")[:, _TO_KINECT20]
    farthest = np.abs(rows[..., :3]).max()
    require(
        not _FARTHEST < farthest < np.inf,
        f"{path} holds screen coordinates (values up to {farthest:.0f}), expected metres; read the file of the same"
        " name that ends in _skeleton3D.txt",
    )
    positions = absent_where_zero(rows[..., :3])
    confidence = np.where(np.isnan(positions).any(axis=-1), 0, rows[..., 3])
    return checked_clip(positions[None], confidence=confidence[None], layout=KINECT20, fps=15.0, path=path)


FORMAT = Format(
    name="msr",
    about="MSR-Action3D text in real-world coordinates (20 lines of x y z confidence per frame)",
    suffixes=(".txt",),
    recognises=lambda path, head: is_number_line(head, columns=4),
    read=read_msr,
)
