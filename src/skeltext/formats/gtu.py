"""GTU Action 3D: text of Kinect v2, 25 lines per frame of x y z, joints in the order of NTU RGB+D.

Source: S. Yucer and Y. S. Akgul, 3D Human Action Recognition with Siamese-LSTM Based Deep Metric Learning, 2018.
"""

from __future__ import annotations

from pathlib import Path

from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format
from skeltext.formats.numeric import is_number_line, read_joint_rows
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25


def read_gtu(path: Path) -> Clip:
    """The one body of a GTU text file at 30 frames per second (nominal) in layout ntu25, metres."""
    rows = read_joint_rows(path, joints=NTU25.V, columns=3, meaning="x y z")
    return checked_clip(rows[None], layout=NTU25, fps=30.0, path=path)


FORMAT = Format(
    name="gtu",
    about="GTU Action 3D text (Kinect v2, 25 lines of x y z per frame)",
    suffixes=(".txt",),
    recognises=lambda path, head: is_number_line(head, columns=3),
    read=read_gtu,
)
