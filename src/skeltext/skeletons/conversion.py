"""From one layout to another by joint name; joints that the source lacks are derived from their neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import UNITS_IN_METRES, Layout

# For each joint that a source may lack: groups of joints, the first group that the source can supply is averaged.
_TRUNK: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelvis": (("left_hip", "right_hip"),),
    "spine_shoulder": (("neck",), ("left_shoulder", "right_shoulder")),
    "neck": (("spine_shoulder",), ("left_shoulder", "right_shoulder")),
    "neck_lower": (("neck",),),
    "chest": (("spine", "spine_shoulder"),),
    "spine_middle": (("spine", "chest"),),
    "spine": (("pelvis", "spine_shoulder"),),
    "head": (("left_ear", "right_ear"), ("nose",), ("neck",)),
    "nose": (("head",),),
}
_LIMB: dict[str, tuple[tuple[str, ...], ...]] = {
    "clavicle": (("spine_shoulder", "~shoulder"),),
    "wrist": (("~hand", "~hand", "~hand", "~elbow"),),
    "hand": (("~palm",), ("~hand_tip", "~wrist"), ("~wrist",)),
    "palm": (("~hand", "~wrist"),),
    "hand_tip": (("~hand",),),
    "thumb": (("~hand",),),
    "pinky": (("~hand",),),
    "foot": (("~toes",), ("~ankle",)),
    "toes": (("~foot",),),
    "small_toe": (("~foot",),),
    "heel": (("~ankle",),),
    "ear": (("head",),),
    "eye": (("nose",),),
    "eye_inner": (("~eye",),),
    "eye_outer": (("~eye",),),
    "mouth": (("nose",),),
}
DERIVED = _TRUNK | {
    f"{side}_{joint}": tuple(tuple(name.replace("~", f"{side}_") for name in group) for group in groups)
    for joint, groups in _LIMB.items()
    for side in ("left", "right")
}

_TO_Y_UP = {
    "+y": np.eye(3),
    "-y": np.diag([1.0, -1.0, -1.0]),
    "+z": np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]),
}


def _weights(joint: str, source: Layout, asked: frozenset[str]) -> npt.NDArray[np.float64] | None:
    """(V,) how `joint` is mixed from the joints of `source`, None if it cannot be."""
    if joint in source.joints:
        return np.asarray(np.eye(source.V)[source.joints.index(joint)])
    if joint in asked:
        return None
    for group in DERIVED.get(joint, ()):
        rows = [_weights(name, source, asked | {joint}) for name in group]
        found = [row for row in rows if row is not None]
        if len(found) == len(rows):
            return np.asarray(np.mean(found, axis=0))
    return None


def joint_mixture(source: Layout, target: Layout) -> npt.NDArray[np.float64]:
    """(V of target, V of source) matrix whose rows mix every target joint from source joints.

    >>> from skeltext.skeletons.layouts import COCO17, HALPE26
    >>> joint_mixture(COCO17, HALPE26)[19].nonzero()[0].tolist()  # the pelvis lies between the hips
    [11, 12]
    """
    rows = {joint: _weights(joint, source, frozenset()) for joint in target.joints}
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
            " lift flat key points to three dimensions first, or use a model of flat ones, such as kinect20-flat"
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
