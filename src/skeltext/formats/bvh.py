"""Biovision hierarchy: a skeleton and its motion in one text file, the exchange format of motion capture programs.

Read is any BVH: channels in any order, position channels on any joint, names of any program. Source of the format:
M. Meredith and S. Maddock, "Motion Capture File Formats Explained", University of Sheffield, 2001.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format, read_bytes
from skeltext.formats.joint_names import layout_of, shared_names
from skeltext.formats.kinematics import Array, chain, positions_in_blocks, rotations
from skeltext.formats.stature import SHORTEST, TALLEST, USUAL, standing_height
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import LAYOUTS

MAX_JOINTS = 1000
MAX_HIERARCHY = 1 << 20  # bytes; a thousand joints take a quarter of it
# Metres per unit; "asf" is the unit of files converted from the ASF/AMC of the CMU database.
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "asf": 0.0254 / 0.45}
UPS = ("+y", "+z")
# An End Site beyond these joints is a place of the body that has a name, if the file has no joint there.
_TIPS = {"ankle": "toes", "foot": "toes", "wrist": "hand_tip", "hand": "hand_tip"}


@dataclass(kw_only=True)
class _Joint:
    """A joint as the file has it; ``tip`` is its End Site, the end of its bone."""

    name: str
    parent: int
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    channels: tuple[str, ...] = ()
    tip: tuple[float, ...] = (0.0, 0.0, 0.0)


def read_bvh(path: Path, *, unit: str | float | None = None, up: str | None = None) -> Clip:
    """Read a BVH file as a clip of one body in metres, y up, world coordinates.

    A BVH says neither unit nor axes. ``unit`` is one of m, cm, mm, in, asf or the metres per unit; without it the unit
    is the one in which the body is as tall as a person. ``up`` is "+y" or "+z"; without it it is "+z" only if the body
    stands along z both at rest and in motion. Names become the names all layouts share where the joint is known.
    Raises :class:`SkeltextError` if the file is damaged or no unit is plausible.
    """
    path = Path(path)
    hierarchy, motion = _halves(path)
    joints = _joints(hierarchy, path)
    values, fps = _values(motion, sum(len(joint.channels) for joint in joints), path)
    places = positions_in_blocks(
        lambda block: _places(joints, values[block]), frames=len(values), joints=len(joints), path=path
    )
    whole = np.isfinite(places).all(axis=(1, 2))
    require(whole.any(), f"{path} has no frame in which every joint has a finite position; it is damaged")
    layout, order, height = _body(joints, places[whole.argmax()])
    with np.errstate(over="ignore", under="ignore"):
        places = places[:, order] * np.float32(_metres(unit, height, path))
    if _up_axis(up, layout.joints, places, _rest(joints)[order]) == "+z":
        places = places[..., [0, 2, 1]] * np.array((1, 1, -1), np.float32)
    return checked_clip(places[None], layout=layout, fps=fps, path=path)


def _halves(path: Path) -> tuple[str, str]:
    """The text before and after the word MOTION."""
    text = read_bytes(path).removeprefix(b"\xef\xbb\xbf").decode(errors="replace")  # only names can hold such bytes
    motion = re.search(r"^[ \t]*MOTION\b", text, re.MULTILINE | re.IGNORECASE)
    if motion is None or text.lstrip()[:9].upper() != "HIERARCHY":
        raise SkeltextError(
            f"{path} does not hold a HIERARCHY and a MOTION as every BVH does; it is cut short or no BVH"
        )
    require(motion.start() < MAX_HIERARCHY, f"{path} describes a skeleton on {motion.start()} bytes; it is damaged")
    return text.lstrip()[9 : motion.start()], text[motion.end() :]


def _joints(hierarchy: str, path: Path) -> list[_Joint]:
    """The joints of the hierarchy, parents before children."""
    words = iter(re.sub(r"([{}])", r" \1 ", hierarchy).split())
    joints: list[_Joint] = []
    inside: list[int] = []  # the joints whose braces are open; ~joint for the End Site of a joint
    try:
        for word in words:
            _take(word.upper(), words, joints, inside)
    except (ValueError, IndexError) as error:
        raise SkeltextError(f"{path} has a damaged hierarchy: {error}; export it again") from error
    require(
        joints and not inside,
        f"{path} has a hierarchy of {len(joints)} joints, {len(inside)} left open; it is cut short",
    )
    return joints


def _take(word: str, words: Iterator[str], joints: list[_Joint], inside: list[int]) -> None:
    """Take in the keyword `word` and what belongs to it."""
    if word in ("ROOT", "JOINT"):
        if len(joints) == MAX_JOINTS or bool(joints) != bool(inside) or (inside and inside[-1] < 0):
            raise ValueError(f"joint {len(joints) + 1} does not belong to one tree of at most {MAX_JOINTS} joints")
        name = " ".join(takewhile(lambda each: each != "{", words))
        joints.append(_Joint(name=name, parent=inside[-1] if inside else -1))
        inside.append(len(joints) - 1)
    elif word.startswith("END"):
        inside.append(~inside[-1])
        list(takewhile(lambda each: each != "{", words))
    elif word == "OFFSET":
        offset = tuple(float(next(words, "nothing")) for _ in range(3))
        if inside[-1] < 0:
            joints[~inside[-1]].tip = offset
        else:
            joints[inside[-1]].offset = offset
    elif word == "CHANNELS":
        count = int(next(words, "nothing"))
        channels = tuple(channel.lower() for channel in islice(words, max(count, 0)))
        if len(channels) != count or not all(re.fullmatch("[xyz](position|rotation)", each) for each in channels):
            raise ValueError(f"{count} channels announced, found {' '.join(channels)[:60]!r}")
        joints[inside[-1]].channels = channels
    elif word == "}":
        inside.pop()
    else:
        raise ValueError(f"{word[:60]!r} where a keyword belongs")


def _values(motion: str, width: int, path: Path) -> tuple[Array, float | None]:
    """(T, channels) the numbers of the motion, and the frames per second."""
    head = re.match(r"\s*Frames\s*:?\s*(\d{1,18})\s+Frame\s*Time\s*:?\s*(\S{1,40})", motion, re.IGNORECASE)
    if head is None:
        raise SkeltextError(f"{path} does not say Frames: and Frame Time: after MOTION; it is damaged, export it again")
    frames = int(head[1])
    try:
        fps = _rate(head[2])
        numbers = np.fromstring(motion[head.end() :], sep=" ")
    except ValueError as error:
        raise SkeltextError(
            f"{path} holds a word where a number of the motion belongs ({error}); it is damaged"
        ) from error
    require(
        width and frames, f"{path} announces {frames} frames of {width} channels, so nothing moves; export it again"
    )
    require(
        numbers.size >= frames * width and numbers.size % width == 0,
        f"{path} announces {frames} frames of {width} channels but holds {numbers.size} numbers; it is cut short",
    )
    return numbers[: frames * width].reshape(frames, width), fps


def _rate(written: str) -> float | None:
    """Frames per second from the written time of one frame, None from the time zero.

    The whole number of frames per second is meant if its frame time is the written one, cut to the digits written.

    >>> _rate("0.0333333"), _rate("0.008333"), round(_rate("0.0333667"), 2), _rate("0")
    (30.0, 120.0, 29.97, None)
    """
    seconds = float(written)
    if not np.isfinite(seconds) or seconds < 0:
        raise ValueError(f"a frame time of {written}")
    if seconds == 0:
        return None
    decimals = re.fullmatch(r"\+?\d*\.(\d+)", written)
    written_to = 10.0 ** -len(decimals[1]) if decimals else 0.0
    whole = round(1 / seconds)
    meant = whole > 0 and abs(1 / whole - seconds) <= max(written_to, 1e-6 * seconds)
    return float(whole) if meant else 1 / seconds


def _places(joints: list[_Joint], values: Array) -> Array:
    """(T, 2 V, 3) world positions of the joints and then of their tips, in the unit of the file."""
    frames = len(values)
    steps = np.tile(
        np.array([joint.offset for joint in joints] + [joint.tip for joint in joints])[:, None], (1, frames, 1)
    )
    turns = np.tile(np.eye(3), (len(steps), frames, 1, 1))
    column = 0
    for place, joint in enumerate(joints):
        angles, order = [], ""
        for channel in joint.channels:
            axis = channel[0].upper()
            if channel.endswith("position"):  # also on other joints than the root it stands for the OFFSET
                steps[place, :, "XYZ".index(axis)] = values[:, column]
            else:
                angles.append(values[:, column])
                order += axis
            column += 1
        if angles:
            turns[place] = rotations(order, np.stack(angles, axis=1))
    return chain(_parents(joints), steps, turns)[0].transpose(1, 0, 2)


def _parents(joints: list[_Joint]) -> tuple[int, ...]:
    """The parents of the joints and then of their tips."""
    return (*(joint.parent for joint in joints), *range(len(joints)))


def _rest(joints: list[_Joint]) -> Array:
    """(2 V, 3) positions of the joints and their tips when no joint is turned."""
    steps = np.array([joint.offset for joint in joints] + [joint.tip for joint in joints])
    return chain(_parents(joints), steps[:, None], np.tile(np.eye(3), (len(steps), 1, 1, 1)))[0][:, 0]


def _body(joints: list[_Joint], frame: Floats) -> tuple[Layout, list[int], float]:
    """The layout of the body, which of the joints and tips its joints are, and its height in the unit of the file."""
    parents = _parents(joints)
    lengths = [float(np.linalg.norm(frame[place] - frame[max(parent, 0)])) for place, parent in enumerate(parents)]
    names = shared_names([joint.name for joint in joints], parents[: len(joints)], lengths)
    height = standing_height(lengths[: len(joints)], parents[: len(joints)], names)
    kept = _below_pelvis(names, parents)
    layout, order = _layout(kept, names, parents)
    if layout.name not in LAYOUTS:
        names += _tips(names, lengths[len(joints) :])
        kept += [tip for tip in range(len(joints), len(names)) if names[tip] and parents[tip] in kept]
        layout, order = _layout(kept, names, parents)
    return layout, [kept[place] for place in order], height


def _tips(names: list[str], lengths: list[float]) -> list[str]:
    """The shared name of the place at the tip of each joint, "" if it has none or a joint has it already."""
    tips: list[str] = []
    for name, length in zip(names, lengths, strict=True):
        side, _, place = name.partition("_")
        tip = f"{side}_{_TIPS[place]}" if place in _TIPS and length > 0 else ""
        tips.append("" if tip in names or tip in tips else tip)
    return tips


def _layout(kept: list[int], names: list[str], parents: tuple[int, ...]) -> tuple[Layout, list[int]]:
    """The layout of the kept joints and which of the kept each of its joints is."""
    among = [kept.index(parents[joint]) if parents[joint] in kept else -1 for joint in kept]
    return layout_of([names[joint] for joint in kept], among, name=f"bvh{len(kept)}", about="skeleton of a BVH file")


def _below_pelvis(names: list[str], parents: tuple[int, ...]) -> list[int]:
    """The joints from the pelvis on; all joints if a part of the body that layouts know hangs elsewhere."""
    everything = list(range(len(names)))
    if "pelvis" not in names:
        return everything
    below = {names.index("pelvis")}
    below.update(joint for joint in everything if parents[joint] in below)  # grows on the way: parents come first
    known = {joint for layout in LAYOUTS.values() for joint in layout.joints}
    elsewhere = {names[joint] for joint in everything if joint not in below}
    return everything if elsewhere & known else sorted(below)


def _metres(unit: str | float | None, height: float, path: Path) -> float:
    """Metres per unit of the file: the given one, else the one that makes the body as tall as people usually are."""
    if unit is None:
        plausible = {name: size for name, size in UNITS.items() if SHORTEST <= height * size <= TALLEST}
        require(
            plausible,
            f"{path} holds a body of {height:.4g} units from head to ankle, which is {SHORTEST} to {TALLEST} m in none"
            f" of {', '.join(UNITS)}: give its unit with unit=, as one of these or in metres",
        )
        return min(plausible.values(), key=lambda size: abs(np.log(height * size / USUAL)))
    size = UNITS.get(unit, 0.0) if isinstance(unit, str) else unit
    require(
        size > 0 and np.isfinite(size), f"unit {unit!r} is not known; give one of {', '.join(UNITS)} or metres per unit"
    )
    return size


def _up_axis(up: str | None, joints: tuple[str, ...], places: Floats, rest: Array) -> str:
    """The axis that points up: the given one, else +z if the body stands along it at rest and in motion, else +y."""
    if up is not None:
        require(up in UPS, f"up {up!r} is not known; give one of {', '.join(UPS)}")
        return up
    return "+z" if _stands_along_z(joints, rest[None]) and _stands_along_z(joints, places) else "+y"


def _stands_along_z(joints: tuple[str, ...], places: Array | Floats) -> bool:
    """Whether the head is straight above the ankles along z in at least half of the frames."""
    ends = [
        [joints.index(name) for name in names if name in joints] for names in (("head",), ("left_ankle", "right_ankle"))
    ]
    if not all(ends):
        return False
    upwards = places[:, ends[0]].mean(axis=1) - places[:, ends[1]].mean(axis=1)
    straight = upwards[:, 2] > 0.8 * np.linalg.norm(upwards, axis=1)
    return bool(straight.mean() >= 0.5)


def _recognises(path: Path, head: bytes) -> bool:
    return path.suffix.lower() == ".bvh" or head.removeprefix(b"\xef\xbb\xbf").lstrip()[:9].upper() == b"HIERARCHY"


FORMAT = Format(
    name="bvh",
    about="Biovision hierarchy of any motion capture program",
    suffixes=(".bvh",),
    recognises=_recognises,
    read=read_bvh,
)
