"""UTD-MHAD: MATLAB files with the array `d_skel`, 20 joints x 3 coordinates x frames (Kinect v1).

Source: C. Chen, R. Jafari and N. Kehtarnavaz, UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing
a Depth Camera and a Wearable Inertial Sensor, ICIP 2015.
"""

from __future__ import annotations

from pathlib import Path

from skeltext.errors import require
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format
from skeltext.formats.matlab import read_matlab_array
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

# The files run down the trunk from the head; from joint 4 on they agree with the order of the SDK.
_FILE_ORDER = ("head", "spine_shoulder", "spine", "pelvis", *KINECT20.joints[4:])
_TO_KINECT20 = [_FILE_ORDER.index(joint) for joint in KINECT20.joints]


def read_utd(path: Path) -> Clip:
    """The one body of a UTD-MHAD file at 30 frames per second in layout kinect20, metres."""
    values = read_matlab_array(path, "d_skel")
    require(
        values.ndim == 3 and values.shape[:2] == (20, 3),
        f"{path} has d_skel of shape {values.shape}, expected (20, 3, frames) as in UTD-MHAD",
    )
    positions = values.transpose(2, 0, 1)[:, _TO_KINECT20]  # (T, V, C)
    return checked_clip(positions[None], layout=KINECT20, fps=30.0, path=path)


FORMAT = Format(
    name="utd",
    about="UTD-MHAD MATLAB files (Kinect v1)",
    suffixes=(".mat",),
    recognises=lambda path, head: head.startswith(b"MATLAB 5.0"),
    read=read_utd,
)
