"""How tall a body is, measured along its bones, so that it does not matter whether it stands, sits or lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SHORTEST, TALLEST = 0.8, 2.5  # metres from ankle to head; all people from small children to giants
USUAL = 1.55  # metres from the ankles to the base of the head of an adult, along the bones
_TOPS = ("head", "nose", "neck")
_BOTTOMS = ("left_ankle", "right_ankle", "left_foot", "right_foot")


def along_bones(lengths: Sequence[float], parents: Sequence[int], start: int) -> npt.NDArray[np.float64]:
    """(V,) the way from joint `start` to every joint along the bones; ``lengths[v]`` is the bone from v to its parent.

    >>> along_bones([0.0, 1.0, 2.0, 4.0], [-1, 0, 1, 0], 2).tolist()
    [3.0, 2.0, 0.0, 7.0]
    """
    reached = [start]
    far = {start: 0.0}
    for joint in reached:  # grows while it is walked
        for other, parent in enumerate(parents):
            bone = other if parent == joint else joint if other == parents[joint] else None
            if bone is not None and other not in far:
                far[other] = far[joint] + lengths[bone]
                reached.append(other)
    return np.array([far[joint] for joint in range(len(parents))])


def standing_height(lengths: Sequence[float], parents: Sequence[int], joints: Sequence[str]) -> float:
    """The way from head to ankle along the bones; from end to end of the skeleton if it has no such joints."""
    ends = [next((list(joints).index(name) for name in names if name in joints), None) for names in (_TOPS, _BOTTOMS)]
    if ends[0] is not None and ends[1] is not None:
        return float(along_bones(lengths, parents, ends[0])[ends[1]])
    farthest = int(along_bones(lengths, parents, 0).argmax())
    return float(along_bones(lengths, parents, farthest).max())
