"""Acclaim motion capture: an ASF file holds the skeleton of a person, each AMC file one motion of that person.

Read are the files of HDM05 and of the CMU motion capture database. Source of the format: M. Meredith and S. Maddock,
"Motion Capture File Formats Explained", University of Sheffield, 2001.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.formats.checked import checked_clip
from skeltext.formats.format import Format, read_bytes, read_text
from skeltext.formats.joint_names import layout_of
from skeltext.formats.kinematics import Array, chain, positions_in_blocks, rotations
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import HDM31

FPS = 120.0  # of HDM05 and of nearly all of CMU; the format has no place for the rate
MAX_BONES = 1000
MAX_BYTES = 1 << 28  # of an AMC, about an hour at 120 Hz
_BONES = """root lhipjoint lfemur ltibia lfoot ltoes rhipjoint rfemur rtibia rfoot rtoes lowerback upperback thorax
lowerneck upperneck head lclavicle lhumerus lradius lwrist lhand lfingers lthumb
rclavicle rhumerus rradius rwrist rhand rfingers rthumb"""
_END_OF = dict(zip(_BONES.split(), HDM31.joints, strict=True))  # the format names bones, a layout joints
_TURNS = {"rx", "ry", "rz"}
_SHIFTS = {"tx", "ty", "tz"}


@dataclass(frozen=True, kw_only=True)
class Bone:
    """A bone at rest: where it points and how long it is, the axes it turns about and those about which it can."""

    name: str
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    axis_order: str = "XYZ"
    freedoms: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AcclaimSkeleton:
    """The skeleton of an ASF file: the root as bone 0, parents before children, lengths still in ASF units."""

    bones: tuple[Bone, ...]
    parents: tuple[int, ...]
    metres: float
    degrees: bool = True
    position: tuple[float, ...] = (0.0, 0.0, 0.0)


def read_asf(path: Path) -> AcclaimSkeleton:
    """Read the skeleton of an ASF file; :class:`SkeltextError` says what is wrong with it."""
    path = Path(path)
    sections = _sections(path)
    try:
        units = {words[0]: words[1] for words in sections["units"] if len(words) == 2}
        root, position = _root(sections["root"])
        bones = {"root": root} | {bone.name: bone for bone in map(_bone, _blocks(sections["bonedata"]))}
        order, parents = _tree(sections["hierarchy"], bones)
        length = float(units.get("length", "1"))
        require(np.isfinite(length) and length > 0, f"{path} gives {length} as its unit of length; it is damaged")
    except KeyError as error:
        raise SkeltextError(f"{path} lacks {error.args[0]!r}, which every ASF skeleton has; it is damaged") from error
    except ValueError as error:
        raise SkeltextError(f"{path} is no proper ASF skeleton ({error}); export it again") from error
    return AcclaimSkeleton(
        bones=tuple(bones[name] for name in order),
        parents=tuple(parents),
        metres=2.54 / 100 / length,
        degrees=units.get("angle", "deg") == "deg",
        position=position,
    )


def _sections(path: Path) -> dict[str, list[list[str]]]:
    """The lines of each ``:section``, split into words; comments are left out."""
    sections: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in read_text(path, encoding="latin-1").splitlines():
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            lines = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            lines.append(words)
    return sections


def _blocks(lines: list[list[str]]) -> list[list[list[str]]]:
    """The lines between each ``begin`` and ``end``."""
    blocks: list[list[list[str]]] = []
    for words in lines:
        if words[0] == "begin":
            blocks.append([])
        elif words[0] != "end" and blocks:
            blocks[-1].append(words)
    if len(blocks) > MAX_BONES:
        raise ValueError(f"{len(blocks)} bones, no body has {MAX_BONES}")
    return blocks


def _numbers(words: list[str], count: int) -> tuple[float, ...]:
    """`count` finite numbers."""
    numbers = tuple(float(word) for word in words[:count])
    if len(numbers) < count or not np.isfinite(numbers).all():
        raise ValueError(f"{' '.join(words) or 'nothing'!r} where {count} numbers belong")
    return numbers


def _axis_order(word: str) -> str:
    if sorted(word.upper()) != ["X", "Y", "Z"]:
        raise ValueError(f"axis order {word!r}")
    return word.upper()


def _freedoms(words: list[str], known: set[str]) -> tuple[str, ...]:
    """The channels of a bone in the order of the AMC file."""
    freedoms = tuple(word.lower() for word in words)
    strange = set(freedoms) - known
    if strange or len(set(freedoms)) < len(freedoms):
        raise ValueError(f"a bone that moves by {' '.join(words)!r}, known are {' '.join(sorted(known))}")
    return freedoms


def _root(lines: list[list[str]]) -> tuple[Bone, tuple[float, ...]]:
    """The root as a bone without length, and where it rests."""
    fields = {words[0]: words[1:] for words in lines}
    bone = Bone(
        name="root",
        axis=_numbers(fields["orientation"], 3),
        axis_order=_axis_order(" ".join(fields["axis"])),
        freedoms=_freedoms(fields["order"], _TURNS | _SHIFTS),
    )
    return bone, _numbers(fields["position"], 3)


def _bone(lines: list[list[str]]) -> Bone:
    """One block of ``:bonedata``; limits of the joints do not matter to a recorded motion."""
    fields = {words[0]: words[1:] for words in lines}
    return Bone(
        name=fields["name"][0] if fields["name"] else "",
        direction=_numbers(fields["direction"], 3),
        length=_numbers(fields["length"], 1)[0],
        axis=_numbers(fields["axis"], 3),
        axis_order=_axis_order(" ".join(fields["axis"][3:])),
        freedoms=_freedoms(fields.get("dof", []), _TURNS),
    )


def _tree(lines: list[list[str]], bones: dict[str, Bone]) -> tuple[list[str], list[int]]:
    """Names of the bones, parents first, and the index of the parent of each."""
    children = {words[0]: words[1:] for block in _blocks(lines) for words in block}
    order, parents = ["root"], [-1]
    for place, name in enumerate(order):  # grows while it is walked
        for child in children.get(name, []):
            if child not in bones or child in order:
                raise ValueError(f"bone {child!r} hangs from {name!r} but is defined nowhere or hangs twice")
            order.append(child)
            parents.append(place)
    if len(order) < max(2, len(bones)):
        raise ValueError(f"{len(order)} of {len(bones)} bones hang from the root")
    return order, parents


def read_amc(path: Path, *, asf: Path | None = None, fps: float | None = None) -> Clip:
    """Read the motion of an AMC file as a clip of one body in metres, y up, world coordinates.

    ``asf`` is the skeleton it was recorded with; without it the skeleton is looked for beside the motion and up to
    three folders above, by the start of the file name (``HDM_bd_squat_001_120.amc`` has ``HDM_bd.asf``), else the only
    one there. ``fps`` is the rate where it differs from the one at the end of an HDM05 file name and from 120.
    Raises :class:`SkeltextError` if no skeleton is found or a file is damaged.
    """
    path = Path(path)
    text = read_bytes(path, limit=MAX_BYTES).decode("latin-1")
    skeleton = read_asf(Path(asf) if asf is not None else _skeleton_of(path))
    layout, order = _layout(skeleton)
    values = _motion(text, skeleton, path)
    head = text[:4096].upper()
    degrees = ":DEGREES" in head or (skeleton.degrees and ":RADIANS" not in head)
    positions = positions_in_blocks(
        lambda block: _ends(skeleton, [of_bone[block] for of_bone in values], degrees=degrees)[:, order],
        frames=len(values[0]),
        joints=len(order),
        path=path,
    )
    return checked_clip(positions[None], layout=layout, fps=_rate(path) if fps is None else fps, path=path)


def _rate(path: Path) -> float:
    """HDM05 writes the rate at the end of the file name."""
    named = re.fullmatch(r"HDM_.*_(\d{2,3})", path.stem, re.IGNORECASE)
    return float(named[1]) if named and int(named[1]) else FPS


def _skeleton_of(path: Path) -> Path:
    """The ASF file that belongs to an AMC file."""
    folders = [path.absolute().parent, *path.absolute().parents[1:4]]
    parts = path.stem.split("_")
    names = ["_".join(parts[:count]) for count in range(len(parts), 0, -1)]
    candidates = [folder / f"{name}{suffix}" for folder in folders for name in names for suffix in (".asf", ".ASF")]
    named = next((candidate for candidate in candidates if os.path.isfile(candidate)), None)
    if named is not None:
        return named
    for folder in folders:
        there = sorted(folder.glob("*.[aA][sS][fF]"))
        if len(there) == 1:
            return there[0]
        if there:
            raise SkeltextError(f"{path} fits none of the {len(there)} ASF skeletons in {folder}: name one with asf=")
    raise SkeltextError(
        f"{path} has no ASF skeleton beside it or in the 3 folders above: put {names[0]}.asf there or name it with asf="
    )


def _layout(skeleton: AcclaimSkeleton) -> tuple[Layout, list[int]]:
    """The layout of the ends of the bones, and which bone each joint is the end of."""
    joints = [_END_OF.get(bone.name.lower(), bone.name.lower()) for bone in skeleton.bones]
    about = "Acclaim skeleton: the root and the end of every bone"
    return layout_of(joints, skeleton.parents, name=f"asf{len(joints)}", about=about)


def _motion(text: str, skeleton: AcclaimSkeleton, path: Path) -> list[Array]:
    """For each bone its (T, freedoms) values.

    Every frame is its number on a line and then a line per bone, in the same order in all frames; so the words of
    the file form a table with one row per frame.
    """
    lines = [line.split() for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#:"]
    starts = [place for place, words in enumerate(lines) if len(words) == 1 and words[0].isdecimal()]
    require(starts[:1] == [0], f"{path} does not begin with a numbered frame; it is damaged or no AMC motion")
    first = lines[1 : starts[1] if len(starts) > 1 else len(lines)]
    width = 1 + sum(map(len, first))
    words = [word for line in lines for word in line]
    require(
        len(words) == width * len(starts),
        f"{path} is cut short or damaged: {len(starts)} frames hold {len(words)} words and not {width} each",
    )
    columns: dict[str, list[list[str]]] = {}
    place = 1
    for name, *values in first:
        require(
            set(words[place::width]) == {name}, f"{path} lists {name!r} at another place in some frame; it is damaged"
        )
        columns[name] = [words[place + 1 + offset :: width] for offset in range(len(values))]
        place += 1 + len(values)
    return _table(columns, skeleton, frames=len(starts), path=path)


def _table(columns: dict[str, list[list[str]]], skeleton: AcclaimSkeleton, *, frames: int, path: Path) -> list[Array]:
    """The numbers of each bone of the skeleton, once the motion is known to be of that skeleton."""
    wanted = {bone.name: len(bone.freedoms) for bone in skeleton.bones if bone.freedoms}
    given = {name: len(values) for name, values in columns.items()}
    for name in sorted(wanted.keys() | given.keys()):
        require(
            wanted.get(name, 0) == given.get(name, 0),
            f"{path} has {given.get(name, 0)} numbers for {name!r} where its ASF skeleton wants {wanted.get(name, 0)}:"
            " name the right skeleton with asf=",
        )
    try:
        return [
            np.array([list(map(float, values)) for values in columns.get(bone.name, [])], np.float64)
            .reshape(-1, frames)
            .T
            for bone in skeleton.bones
        ]
    except ValueError as error:
        raise SkeltextError(f"{path} holds a word where a number belongs ({error}); it is damaged") from error


def _ends(skeleton: AcclaimSkeleton, values: list[Array], *, degrees: bool) -> Array:
    """(T, V, 3) the end of every bone in metres."""
    frames = len(values[0])
    steps, turns = [], []
    for bone, channels in zip(skeleton.bones, values, strict=True):
        named = dict(zip(bone.freedoms, channels.T, strict=True))
        shift, angles = (
            np.stack([named.get(kind + axis, np.zeros(frames)) for axis in "xyz"], axis=1) for kind in ("t", "r")
        )
        rest = _inside_out(bone.axis_order, np.array(bone.axis), degrees=skeleton.degrees)
        turn = rest @ _inside_out(bone.axis_order, angles, degrees=degrees) @ rest.T
        turns.append(turn)
        steps.append(turn @ (np.array(bone.direction) * bone.length) + shift)
    steps[0] = steps[0] + np.array(skeleton.position)
    return chain(skeleton.parents, np.stack(steps), np.stack(turns))[0].transpose(1, 0, 2) * skeleton.metres


def _inside_out(order: str, angles: Array, *, degrees: bool) -> Array:
    """(..., 3, 3) rotation by (..., 3) angles about x, y and z, applied in `order`: the first one innermost."""
    outermost_first = order[::-1]
    picked = angles[..., ["XYZ".index(axis) for axis in outermost_first]]
    return rotations(outermost_first, picked if degrees else np.degrees(picked))


def _recognises(path: Path, head: bytes) -> bool:
    return path.suffix.lower() == ".amc" or b":FULLY-SPECIFIED" in head.upper()


FORMAT = Format(
    name="asf_amc",
    about="Acclaim ASF skeleton + AMC motion (HDM05, CMU)",
    suffixes=(".amc",),
    recognises=_recognises,
    read=read_amc,
)
