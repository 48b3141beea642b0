"""From one layout to another by joint name; joints that the source lacks are derived from others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import UNITS_IN_METRES, Layout

Mixture = dict[str, float]  # joint -> its share; shares add up to 1 and may be negative, for a joint beyond others
Choices = dict[str, tuple[Mixture, ...]]  # joint -> mixtures, of which the first that the source can supply is taken
Row = npt.NDArray[np.float64]  # (V,) shares of the joints of a source
Rows = Mapping[str, Row]  # joint -> its row


def mean_of(*joints: str) -> Mixture:
    """The middle of joints."""
    return dict.fromkeys(joints, 1 / len(joints))


def on_the_way(start: Mixture, end: Mixture, share: float) -> Mixture:
    """The point after a `share` of the way; it is beyond the end for one over 1."""
    mixed = {joint: (1 - share) * part for joint, part in start.items()}
    for joint, part in end.items():
        mixed[joint] = mixed.get(joint, 0.0) + share * part
    return mixed


def both_sides(choices: Choices) -> Choices:
    """The same for left and for right, where ``~`` is the side and ``^`` the other one.

    >>> both_sides({"~hip": (mean_of("pelvis", "^hip"),)})["left_hip"]
    ({'pelvis': 0.5, 'right_hip': 0.5},)
    """
    found: Choices = {}
    for side, other in (("left_", "right_"), ("right_", "left_")):
        for joint, mixtures in choices.items():
            named = ({_sided(name, side, other): part for name, part in one.items()} for one in mixtures)
            found[_sided(joint, side, other)] = tuple(named)
    return found


def _sided(name: str, side: str, other: str) -> str:
    return name.replace("~", side).replace("^", other)


HIPS, SHOULDERS = mean_of("left_hip", "right_hip"), mean_of("left_shoulder", "right_shoulder")
_TRUNK: Choices = {
    "pelvis": (HIPS,),
    "spine_shoulder": (mean_of("neck"), SHOULDERS),
    "neck": (mean_of("spine_shoulder"), SHOULDERS),
    "neck_lower": (mean_of("neck"),),
    "chest": (mean_of("spine", "spine_shoulder"),),
    "spine_middle": (mean_of("spine", "chest"),),
    "spine": (mean_of("pelvis", "spine_shoulder"),),
    "head": (mean_of("left_ear", "right_ear"), mean_of("nose"), mean_of("neck")),
    "nose": (mean_of("head"),),
}
_LIMBS: Choices = {
    "~clavicle": (mean_of("spine_shoulder", "~shoulder"),),
    "~wrist": (mean_of("~hand"),),
    "~hand": (mean_of("~palm"), mean_of("~hand_tip", "~wrist"), mean_of("~wrist")),
    "~palm": (mean_of("~hand", "~wrist"),),
    "~hand_tip": (mean_of("~hand"),),
    "~thumb": (mean_of("~hand"),),
    "~pinky": (mean_of("~hand"),),
    "~foot": (mean_of("~toes"), mean_of("~ankle")),
    "~toes": (mean_of("~foot"),),
    "~small_toe": (mean_of("~foot"),),
    "~heel": (mean_of("~ankle"),),
    "~ear": (mean_of("head"),),
    "~eye": (mean_of("nose"),),
    "~eye_inner": (mean_of("~eye"),),
    "~eye_outer": (mean_of("~eye"),),
    "~mouth": (mean_of("nose"),),
}
DERIVED = _TRUNK | both_sides(_LIMBS)
"""What a joint that the source lacks is mixed from."""

# Where a Kinect v1 has the joints that other skeletons lack: medians of its recordings. It matters: with the pelvis
# between the hips and the hands at the wrists a model that was trained on Kinect recognizes less (docs/recogniser.md).
_KINECT: Choices = {
    "pelvis": (on_the_way(HIPS, SHOULDERS, 0.19),),
    "spine_shoulder": (mean_of("neck"), on_the_way(HIPS, SHOULDERS, 1.25)),
    "spine": (on_the_way(mean_of("pelvis"), mean_of("spine_shoulder"), 0.15),),
    "neck": (mean_of("spine_shoulder"),),
    "head": (mean_of("left_ear", "right_ear"), mean_of("nose"), on_the_way(HIPS, SHOULDERS, 1.76)),
} | both_sides(
    {
        "~wrist": (on_the_way(mean_of("~elbow"), mean_of("~hand"), 0.82),),
        "~hand": (
            mean_of("~palm"),
            on_the_way(mean_of("~wrist"), mean_of("~hand_tip"), 0.75),
            on_the_way(mean_of("~elbow"), mean_of("~wrist"), 1.3),
        ),
        "~foot": (mean_of("~toes"), on_the_way(mean_of("~knee"), mean_of("~ankle"), 1.16)),
    }
)
# What the midpoints of a layout are the middle of.
_MIDPOINTS: Choices = {
    "pelvis": (HIPS,),
    "spine": (on_the_way(HIPS, SHOULDERS, 0.5),),
    "spine_shoulder": (SHOULDERS,),
    "neck": (SHOULDERS,),
}
PLACES: dict[str, Choices] = {
    "kinect20": DERIVED | _KINECT,
    "h36m17": DERIVED | {"neck": (on_the_way(HIPS, SHOULDERS, 1.25),)},
}
"""Layouts that have joints elsewhere than :data:`DERIVED` puts them."""

_TO_Y_UP = {
    "+y": np.eye(3),
    "-y": np.diag([1.0, -1.0, -1.0]),
    "+z": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
}


def row_of(joint: str, known: Rows, places: Choices, asked: frozenset[str] = frozenset()) -> Row | None:
    """(V,) how `joint` is mixed from the joints of the source, given the rows of `known` ones; None if it cannot be."""
    if joint in known:
        return known[joint]
    if joint in asked:
        return None
    for mixture in places.get(joint, ()):
        rows = {name: row_of(name, known, places, asked | {joint}) for name in mixture}
        found = [mixture[name] * row for name, row in rows.items() if row is not None]
        if len(found) == len(rows):
            return np.asarray(np.sum(found, axis=0))
    return None


def joint_mixture(source: Layout, target: Layout) -> npt.NDArray[np.float64]:
    """(V of target, V of source) matrix whose rows mix every target joint from source joints.

    A joint is taken as it is where both layouts have it. One that only one of them makes the middle of others
    (``Layout.midpoints``) is derived like one that the source lacks.

    >>> from skeltext.skeletons.layouts import BODY25_3D, COCO17, HALPE26, KINECT20
    >>> joint_mixture(COCO17, HALPE26)[19].nonzero()[0].tolist()  # the pelvis lies between the hips
    [11, 12]
    >>> joint_mixture(BODY25_3D, KINECT20)[0].max().round(3)  # which that of a Kinect does not
    np.float64(0.405)
    """
    elsewhere = set(source.midpoints) ^ set(target.midpoints)
    known = {joint: row for joint, row in zip(source.joints, np.eye(source.V), strict=True) if joint not in elsewhere}
    places = PLACES.get(target.name, DERIVED) | {joint: _MIDPOINTS[joint] for joint in target.midpoints}
    rows = {joint: row_of(joint, known, places) for joint in target.joints}
    missing = [joint for joint, row in rows.items() if row is None]
    if missing:
        raise SkeltextError(
            f"layout {source.name} cannot become {target.name}: it has nothing to derive {', '.join(missing)} from"
        )
    return np.stack([row for row in rows.values() if row is not None])


def convert(clip: Clip, layout: Layout) -> Clip:
    """The same motion in another layout, with the unit and the up axis of that layout.

    A derived joint is NaN where one of the joints it is mixed from is. Raises :class:`SkeltextError` if a joint
    cannot be derived, or if pixels would have to become metres.

    >>> from skeltext.skeletons.layouts import KINECT20, NTU25
    >>> clip = Clip(positions=np.ones((1, 4, 25, 3), np.float32), layout=NTU25, fps=30.0)
    >>> convert(clip, KINECT20).positions.shape
    (1, 4, 20, 3)
    """
    source = clip.layout
    if source == layout:
        return clip
    if source.C != layout.C:
        raise SkeltextError(
            f"{clip.source}: layout {source.name} has {source.C} coordinates and {layout.name} has {layout.C};"
            " lift flat key points to three dimensions first, or take a model of flat ones, such as flat in the package"
        )
    mixture = joint_mixture(source, layout)
    positions = np.full((clip.M, clip.T, layout.V, layout.C), np.nan, np.float32)
    confidence = None if clip.confidence is None else np.zeros((clip.M, clip.T, layout.V), np.float32)
    for joint, weights in enumerate(mixture):  # sparse rows: only the joints in the mixture may spread their NaN
        used = weights.nonzero()[0]
        positions[:, :, joint] = np.tensordot(clip.positions[:, :, used], weights[used], axes=([2], [0]))
        if confidence is not None and clip.confidence is not None:
            confidence[:, :, joint] = clip.confidence[:, :, used].min(axis=2)
    metres, wanted = UNITS_IN_METRES[source.unit], UNITS_IN_METRES[layout.unit]
    if metres is not None and wanted is not None:
        turn = _TO_Y_UP[layout.up].T @ _TO_Y_UP[source.up] * (metres / wanted)
        positions = positions @ turn.T.astype(np.float32)
    return Clip(
        positions=positions,
        layout=layout,
        fps=clip.fps,
        confidence=confidence,
        tracks=clip.tracks,
        source=clip.source,
    )
