"""What takes the place of joints that were not tracked: other joints tell where they should be.

Over a gap in time a joint keeps the way from where the other joints put it, interpolated from the frames around. One
that a body never shows is where the others put it, and if nothing tells of it, where it is in somebody who stands. In
a picture, that of one side that is never shown is behind the other side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.skeletons.conversion import (
    DERIVED,
    HIPS,
    PLACES,
    SHOULDERS,
    Choices,
    Mixture,
    Rows,
    both_sides,
    mean_of,
    on_the_way,
    row_of,
)
from skeltext.skeletons.layout import Layout

Array = npt.NDArray[np.floating]
Truths = npt.NDArray[np.bool_]

HIP_WIDTH = 0.45  # of the shoulders
_BOTH_SHOULDERS, _BOTH_HIPS = mean_of("~shoulder", "^shoulder"), mean_of("~hip", "^hip")
_INNER: Choices = both_sides(
    {
        "~elbow": (mean_of("~shoulder", "~wrist"),),
        "~wrist": (on_the_way(mean_of("~shoulder"), mean_of("~elbow"), 1.9),),  # a straight arm
        "~knee": (mean_of("~hip", "~ankle"),),
        "~ankle": (mean_of("~heel"), on_the_way(mean_of("~knee"), mean_of("~foot"), 0.86)),
        "~shoulder": (
            {"^shoulder": 1.0, "~hip": 1 / HIP_WIDTH, "^hip": -1 / HIP_WIDTH},
            on_the_way(mean_of("^shoulder"), mean_of("spine_shoulder"), 2.0),
        ),
        "~hip": (
            {"^hip": 1.0, "~shoulder": HIP_WIDTH, "^shoulder": -HIP_WIDTH},
            on_the_way(mean_of("^hip"), mean_of("pelvis"), 2.0),
            on_the_way(mean_of("~shoulder"), mean_of("~knee"), 0.465),
        ),
    }
)


def _across(middle: Mixture, ends: tuple[str, str], width: float) -> Mixture:
    """The point beside `middle` by half the `width` of the way between two joints, towards the first."""
    half = dict(zip(ends, (width / 2, -width / 2), strict=True))
    return {joint: middle.get(joint, 0.0) + half.get(joint, 0.0) for joint in (*middle, *half)}


# What the trunk of a Kinect v1 says of shoulders and hips: the inverse of where conversion puts its joints.
_KINECT: Choices = both_sides(
    {
        "~hip": (
            _across(on_the_way(_BOTH_SHOULDERS, mean_of("pelvis"), 1 / 0.81), ("~shoulder", "^shoulder"), HIP_WIDTH),
            _across(on_the_way(_BOTH_SHOULDERS, mean_of("spine"), 1 / 0.651), ("~shoulder", "^shoulder"), HIP_WIDTH),
            on_the_way(mean_of("^hip"), on_the_way(mean_of("spine_shoulder"), mean_of("pelvis"), 1.18), 2.0),
        ),
        "~shoulder": (
            on_the_way(mean_of("^shoulder"), on_the_way(_BOTH_HIPS, mean_of("spine_shoulder"), 0.8), 2.0),
            _across(on_the_way(_BOTH_HIPS, mean_of("spine_shoulder"), 0.8), ("~hip", "^hip"), 1 / HIP_WIDTH),
            on_the_way(mean_of("^shoulder"), on_the_way(mean_of("spine_shoulder"), mean_of("pelvis"), 0.24), 2.0),
        ),
    }
)
# In a picture: what it never shows of one side is hidden behind the other one.
_HIDDEN_TRUNK: Choices = both_sides({"~shoulder": (mean_of("^shoulder"),), "~hip": (mean_of("^hip"),)})
_LIMBS = tuple(
    (f"{side}_{root}", (f"{side}_{middle}", f"{side}_{end}"))
    for side in ("left", "right")
    for root, middle, end in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
)
# In somebody who stands: a point above a joint, and how many torso lengths it is above it.
_ABOVE: Choices = both_sides(
    {
        "~hip": (_across(_BOTH_SHOULDERS, ("~shoulder", "^shoulder"), HIP_WIDTH),),
        "~elbow": (mean_of("~shoulder"),),
        "~knee": (mean_of("~hip"),),
        "~ankle": (mean_of("~knee"),),
    }
)
_DROP = {"hip": 1.0, "elbow": 0.68, "knee": 1.15, "ankle": 0.9}
TORSO = 1.16  # shoulder widths, of a body whose hips are never seen


def completed(x: Array, tracked: Truths, layout: Layout) -> Array:
    """One body (T, V, C), of which some joint is ``tracked`` (T, V) in some frame, with all its joints.

    Raises :class:`SkeltextError` if nothing tells where the shoulders are.
    """
    x = _bridged(x, tracked)
    own = dict(zip(layout.joints, np.eye(layout.V), strict=True))
    rows = {layout.joints[joint]: own[layout.joints[joint]] for joint in np.flatnonzero(tracked.any(axis=0))}
    places = _places(layout, rows)
    x = _following(x, tracked, rows, places, layout)
    while len(rows) < layout.V:
        found = _derived(x, rows, places, layout) or _standing(x, rows, layout) or _borrowed(x, rows, layout)
        for joint, path in found.items():
            x[:, layout.index(joint)] = path
            rows[joint] = own[joint]
    return x


def _places(layout: Layout, rows: Rows) -> Choices:
    """All that a joint of the layout may be derived from, the best first."""
    first, then = (_KINECT if layout.name == "kinect20" else {}), PLACES.get(layout.name, DERIVED)
    every = (first, then, _INNER) if layout.C == 3 else (_hidden_limbs(rows), then, _INNER, _HIDDEN_TRUNK)
    joints = {joint for some in every for joint in some}
    return {joint: tuple(one for some in every for one in some.get(joint, ())) for joint in joints}


def _hidden_limbs(rows: Rows) -> Choices:
    """Arms and legs of which a picture shows nothing go the way of the other ones."""
    found: Choices = {}
    for root, joints in _LIMBS:
        if not {*joints} & {*rows}:
            found |= {joint: ({root: 1.0, _other(joint): 1.0, _other(root): -1.0},) for joint in joints}
    return found


def _other(joint: str) -> str:
    side, _, part = joint.partition("_")
    return f"{'right' if side == 'left' else 'left'}_{part}"


def _bridged(x: Array, tracked: Truths) -> Array:
    """Straight lines over the gaps of every joint, ends held; a joint that is never tracked stays."""
    x, frames = x.copy(), np.arange(len(x))
    for joint in np.flatnonzero(tracked.any(axis=0) & ~tracked.all(axis=0)):
        seen = np.flatnonzero(tracked[:, joint])
        for axis in range(x.shape[2]):
            x[:, joint, axis] = np.interp(frames, seen, x[seen, joint, axis])
    return x


def _following(x: Array, tracked: Truths, rows: Rows, places: Choices, layout: Layout) -> Array:
    """Joints in their gaps move with the joints that tell of them; frames in which they are tracked stay."""
    moved = x.copy()
    for joint in np.flatnonzero(tracked.any(axis=0) & ~tracked.all(axis=0)):
        name = layout.joints[joint]
        row = row_of(name, {other: row for other, row in rows.items() if other != name}, places)
        if row is not None:
            told = _mixed(x, row)
            away = _bridged((x[:, joint] - told)[:, None], tracked[:, [joint]])[:, 0]
            moved[:, joint] = np.where(tracked[:, [joint]], x[:, joint], told + away)
    return moved


def _mixed(x: Array, row: Array) -> Array:
    """(T, V, C) to (T, C)."""
    used = row.nonzero()[0]
    return np.asarray(np.tensordot(x[:, used], row[used], axes=([1], [0])))


def _derived(x: Array, rows: Rows, places: Choices, layout: Layout) -> dict[str, Array]:
    told = {joint: row_of(joint, rows, places) for joint in layout.joints if joint not in rows}
    return {joint: _mixed(x, row) for joint, row in told.items() if row is not None}


def _standing(x: Array, rows: Rows, layout: Layout) -> dict[str, Array]:
    """Those joints whose place in somebody who stands follows at once."""
    if not {*SHOULDERS} <= {*rows}:
        return {}
    torso = _torso(x, rows, layout)
    down = np.zeros(layout.C)
    down["xyz".index(layout.up[1])] = -torso if layout.up[0] == "+" else torso
    found = {}
    for joint in (one for one in _ABOVE if one in layout.joints and one not in rows):
        (above,) = _ABOVE[joint]
        if {*above} <= {*rows}:
            start = np.sum([part * x[:, layout.index(one)] for one, part in above.items()], axis=0)
            found[joint] = start + _DROP[joint.partition("_")[2]] * down
    return found


def _torso(x: Array, rows: Rows, layout: Layout) -> float:
    """The median length of the torso, by the width of the shoulders where the hips are never seen."""
    left, right = (x[:, layout.index(joint)] for joint in SHOULDERS)
    if not {*HIPS} <= {*rows}:
        return TORSO * float(np.median(np.linalg.norm(left - right, axis=1)))
    hips = np.mean([x[:, layout.index(joint)] for joint in HIPS], axis=0)
    return float(np.median(np.linalg.norm((left + right) / 2 - hips, axis=1)))


def _borrowed(x: Array, rows: Rows, layout: Layout) -> dict[str, Array]:
    """Joints of which nothing tells take the place of the joint at the other end of a bone."""
    lost = sorted({*SHOULDERS, *HIPS} & {*layout.joints} - {*rows})
    require(
        not lost,
        f"{' and '.join(lost)} are never tracked and nothing else shows where the trunk is, so the body cannot be"
        " understood; give a recording that shows shoulders",
    )
    found = {}
    for ends in ((layout.joints[joint], layout.joints[parent]) for joint, parent in layout.bones):
        for joint, other in (ends, ends[::-1]):
            if joint not in rows and other in rows:
                found[joint] = x[:, layout.index(other)]
    return found
