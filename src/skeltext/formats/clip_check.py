"""What can be measured on one clip to see whether it was understood: size, axes, sides, gaps, jumps and jitter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from skeltext.formats.jitter import jitter
from skeltext.formats.stature import SHORTEST, TALLEST, USUAL, standing_height
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import UNITS_IN_METRES

JUMP = 1.0  # metres from one frame to the next; nobody moves so fast at any usual frame rate
STILL = 0.01  # metres that the liveliest joint of a recorded person exceeds
FEW_FRAMES, BRIEF = 8, 0.25  # seconds
USUAL_RATE, USUAL_RATES = 30.0, (5.0, 1000.0)
MANY_MISSING = 0.3
OFTEN_MISSING = 5  # joints are named
LONG_GAP = 1.0  # seconds
SHAKY = 0.02  # metres; 2 in 100 recordings of the shakiest of six real sets have more
_MOST = 0.8  # of the frames
_SAMPLE = 1000  # frames are enough for a median

Array = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class ClipCheck:
    """What a file was understood to be and what was measured on it; ``problems`` is empty if nothing is wrong.

    ``up`` is where the layout says that up is, ``up_measured`` the axis along which the head is away from the feet,
    None if it is none of the axes. ``height`` is in metres from ankle to head along the bones. ``missing`` is the share
    of joints not tracked, ``missing_joints`` names those that are missing most often with the share of the frames that
    show their body, ``longest_gap`` the most frames in a row without a joint that is there before and after,
    ``jumps`` the number of frames in which a joint is more than a metre away from where it was in the frame before.
    ``jitter`` is the noise of the middle one of all joints (:func:`skeltext.formats.jitter.jitter`), in millimetres, of
    a flat layout in percent of the height of the body; ``jitter_joint`` is the joint that shakes most.
    ``mirrored`` is whether the left shoulder is on the body's right. What cannot be measured is None.
    """

    path: str
    format: str | None = None
    layout: str | None = None
    joints: int | None = None
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    bodies: int | None = None
    unit: str | None = None
    up: str | None = None
    up_measured: str | None = None
    height: float | None = None
    missing: float | None = None
    missing_joints: dict[str, float] = field(default_factory=dict)
    longest_gap: int | None = None
    jumps: int | None = None
    jitter: float | None = None
    jitter_joint: str | None = None
    mirrored: bool | None = None
    kind: str = "clip"
    problems: list[str] = field(default_factory=list)


def check_clip(clip: Clip, *, format: str | None = None) -> ClipCheck:
    """Measure a clip and say in plain sentences what looks wrong and what to do about it.

    >>> from skeltext.skeletons.layouts import COCO17
    >>> found = check_clip(Clip(positions=np.zeros((1, 4, 17, 2), np.float32), layout=COCO17, fps=30.0))
    >>> found.layout, found.frames, len(found.problems)
    ('coco17', 4, 1)
    """
    gaps = _gaps(clip)
    jumps = _jumps(clip)
    size, metre = _size(clip), UNITS_IN_METRES[clip.layout.unit]
    shaking, shakiest = _shaking(clip, size)
    found = ClipCheck(
        path=clip.source,
        format=format,
        layout=clip.layout.name,
        joints=clip.layout.V,
        frames=clip.T,
        fps=None if clip.fps is None else float(clip.fps),
        seconds=None if clip.seconds is None else float(clip.seconds),
        bodies=clip.M,
        unit=clip.layout.unit,
        up=clip.layout.up,
        up_measured=_up(clip),
        height=None if size is None or metre is None else size * metre,
        missing=float(1 - clip.tracked.mean()),
        missing_joints=_missing_joints(clip),
        longest_gap=int(gaps.max()),
        jumps=len(jumps),
        jitter=shaking,
        jitter_joint=shakiest,
        mirrored=is_mirrored(clip),
    )
    found.problems.extend([*_of_time(found), *_of_space(found, clip, jumps), *_of_tracking(found, clip, gaps)])
    return found


def _of_time(found: ClipCheck) -> Iterator[str]:
    """Too few frames, too little time, no rate or one that no camera has."""
    if found.frames is not None and found.frames < FEW_FRAMES:
        yield f"{found.frames} frames are too few for an action to be seen: take a longer piece."
    elif found.seconds is not None and found.seconds < BRIEF:
        yield f"{found.seconds:.2g} s are too short for an action to be seen: take a longer piece, or say the true fps."
    if found.fps is None:
        yield "The file does not say how many frames a second has: say it where the clip is used (fps)."
    elif not USUAL_RATES[0] <= found.fps <= USUAL_RATES[1]:
        yield f"{found.fps:.3g} frames per second are no camera's rate: say the true one where the clip is used (fps)."


def _of_space(found: ClipCheck, clip: Clip, jumps: list[int]) -> Iterator[str]:
    """Wrong unit, axes or sides, and bodies that jump or stand still."""
    if found.height is not None and not SHORTEST <= found.height <= TALLEST:
        yield (
            f"The body measures {found.height:.3g} m from ankle to head where people have {SHORTEST} to {TALLEST} m:"
            f" the numbers are not in {found.unit}, scale them before use."
        )
    if found.up_measured not in (None, found.up) and not _ever_upright(clip):
        yield (
            f"In no frame is the head above the feet along {found.up}, where layout {found.layout} has up, but it is"
            f" beside them along {found.up_measured}: turn the data, unless the person lies all the time."
        )
    if found.mirrored:
        yield (
            "The left shoulder is on the right of the body: left and right are swapped or one axis is mirrored, so"
            " swap the names or negate one horizontal axis."
        )
    if jumps:
        yield (
            f"A joint jumps by more than {JUMP:g} m {len(jumps)} times, first in frame {jumps[0]}: the tracker lost the"
            " body or took another one for it, cut these frames out."
        )
    metre = UNITS_IN_METRES[clip.layout.unit]
    unit, most = ("% of its height", 100 * SHAKY / USUAL) if metre is None else (" mm", 1000 * SHAKY)
    if found.jitter is not None and found.jitter > most:
        yield (
            f"The body shakes by {found.jitter:.3g}{unit} where a good recording does by less than {most:.2g}{unit},"
            f" {found.jitter_joint} most: film it from nearer and in more light, or smooth the tracks before use."
        )
    if metre is not None and clip.T > 1 and _liveliest(clip) * metre < STILL:
        yield "No joint moves by more than a centimetre: the recording shows one pose, record it again."


def _of_tracking(found: ClipCheck, clip: Clip, gaps: npt.NDArray[np.int64]) -> Iterator[str]:
    """Joints that are missing always, often or for long."""
    tracked = clip.tracked
    never = [name for joint, name in enumerate(clip.layout.joints) if not tracked[:, :, joint].any()]
    if never:
        yield f"Never tracked: {', '.join(never)}. Choose a layout without these joints or fill them in."
    often = [
        f"{name} ({share:.0%})"
        for name, share in found.missing_joints.items()
        if share > MANY_MISSING and name not in never
    ]
    if often:
        yield f"Often missing: {', '.join(often)}. Film these joints from where nothing hides them, or leave them out."
    if found.missing is not None and found.missing > MANY_MISSING:
        yield f"{found.missing:.0%} of the joints are missing: film the whole body, or leave out the bodies half seen."
    longest = int(gaps.max())
    if longest > LONG_GAP * (clip.fps or USUAL_RATE):
        joint = clip.layout.joints[int(gaps.max(axis=0).argmax())]
        yield f"{joint} is missing for {longest} frames in a row: cut the clip there or leave that body out."


def _places(clip: Clip, *names: str) -> Array | None:
    """(M, T, C) the middle of those of the named joints that the layout has, None if it has none."""
    joints = [clip.layout.joints.index(name) for name in names if name in clip.layout.joints]
    return clip.positions[:, :, joints].mean(axis=2) if joints else None


def _upwards(clip: Clip) -> Array:
    """(frames seen, C) directions from the feet to the head, of length one."""
    head = _places(clip, "head")
    head = _places(clip, "nose") if head is None else head
    feet = _places(clip, "left_ankle", "right_ankle")
    feet = _places(clip, "left_hip", "right_hip") if feet is None else feet
    if head is None or feet is None:
        return np.empty((0, clip.layout.C))
    upwards = (head - feet).reshape(-1, clip.layout.C)
    lengths = np.linalg.norm(upwards, axis=1, keepdims=True)
    seen = (lengths > 0)[:, 0]  # False for NaN
    return np.asarray(upwards[seen] / lengths[seen])


def _up(clip: Clip) -> str | None:
    upwards = _upwards(clip)
    if not len(upwards):
        return None
    middle = np.median(upwards, axis=0)
    axis = int(np.abs(middle).argmax())
    return None if abs(middle[axis]) < _MOST else f"{'+' if middle[axis] > 0 else '-'}{'xyz'[axis]}"


def _ever_upright(clip: Clip) -> bool:
    along = _upwards(clip)[:, "xyz".index(clip.layout.up[1])]
    return bool(((along if clip.layout.up[0] == "+" else -along) > _MOST).any())


def _size(clip: Clip) -> float | None:
    """The way from ankle to head along the bones of usual length, in the unit of the layout."""
    positions = clip.positions[:, :: 1 + clip.T // _SAMPLE].reshape(-1, clip.layout.V, clip.layout.C)
    parents = clip.layout.parents
    lengths = []
    for joint, parent in enumerate(parents):
        bone = np.linalg.norm(positions[:, joint] - positions[:, max(parent, 0)], axis=1)
        seen = bone[~np.isnan(bone)]
        lengths.append(float(np.median(seen)) if seen.size else np.nan)
    size = standing_height(lengths, parents, clip.layout.joints)
    return size if np.isfinite(size) else None


def _shaking(clip: Clip, size: float | None) -> tuple[float | None, str | None]:
    """The jitter of the middle one of all joints, in millimetres or in percent of the size, and the joint with most."""
    metre = UNITS_IN_METRES[clip.layout.unit]
    if metre is None and not size:
        return None, None
    joints = jitter(clip.positions) * (1000 * metre if metre is not None else 100 / (size or np.inf))
    known = joints[np.isfinite(joints)]
    if not known.size:
        return None, None
    return float(np.median(known)), clip.layout.joints[int(np.nan_to_num(joints, nan=-1.0).argmax())]


def _missing_joints(clip: Clip) -> dict[str, float]:
    """The joints that are missing most often, with their share of the frames in which their body is seen at all."""
    tracked = clip.tracked
    seen = tracked[tracked.any(axis=2)]  # M T V -> frames of bodies, V
    shares = 1 - seen.mean(axis=0) if len(seen) else np.zeros(clip.layout.V)
    order = np.argsort(-shares, kind="stable")[:OFTEN_MISSING]
    return {clip.layout.joints[joint]: float(shares[joint]) for joint in order if shares[joint] > 0}


def is_mirrored(clip: Clip) -> bool | None:
    """Whether the shoulders are the wrong way round for a body that looks where its feet or its nose points.

    None where feet and face are not tracked, and in pictures. It is true of 1 in 600 recordings of kinect20, and of 97
    in 100 of their mirror images.
    """
    left, right = _places(clip, "left_shoulder"), _places(clip, "right_shoulder")
    hips, forward = _places(clip, "left_hip", "right_hip"), _forward(clip)
    if left is None or right is None or hips is None or forward is None or clip.layout.C != 3:
        return None
    leftwards = np.cross((left + right) / 2 - hips, forward)
    sides = ((left - right) * leftwards).sum(axis=2)
    seen = sides[~np.isnan(sides)]
    return bool((seen < 0).mean() > _MOST) if seen.size else None


def _forward(clip: Clip) -> Array | None:
    """(M, T, C) where the body looks, by its feet or else by its nose."""
    pairs = (
        (("left_toes", "right_toes"), ("left_ankle", "right_ankle")),
        (("left_foot", "right_foot"), ("left_ankle", "right_ankle")),
        (("nose",), ("left_ear", "right_ear")),
    )
    for front, back in pairs:
        ahead, behind = _places(clip, *front), _places(clip, *back)
        if ahead is not None and behind is not None:
            return np.asarray(ahead - behind)
    return None


def _gaps(clip: Clip) -> npt.NDArray[np.int64]:
    """(M, V) the most frames in a row in which a joint is missing between two frames in which it is tracked."""
    longest = np.zeros((clip.M, clip.layout.V), np.int64)
    running = np.full_like(longest, -1)  # -1 until the joint was seen once
    for tracked in clip.tracked.transpose(1, 0, 2):
        longest = np.where(tracked, np.maximum(longest, running), longest)
        running = np.where(tracked, 0, running + (running >= 0))
    return longest


def _jumps(clip: Clip) -> list[int]:
    """The frames in which a joint is farther than a jump from where it was in the frame before."""
    metre = UNITS_IN_METRES[clip.layout.unit]
    if metre is None:
        return []
    with np.errstate(over="ignore"):
        steps = np.linalg.norm(np.diff(clip.positions, axis=1), axis=3)
    far = (steps * metre > JUMP).any(axis=(0, 2))  # False for NaN
    return [int(frame) + 1 for frame in far.nonzero()[0]]


def _liveliest(clip: Clip) -> float:
    """The largest way of a joint along one axis over the clip; infinite if none was tracked twice."""
    tracked = clip.tracked.all(axis=1)
    ways = np.ptp(clip.positions.transpose(0, 2, 1, 3)[tracked], axis=1)
    return float(ways.max()) if ways.size else np.inf
