"""From the joint names that programs write to the names all layouts share.

A motion capture program names a joint either after the place where it is (``LeftElbow``) or after the bone that
starts there (``LeftForeArm``), and some words mean different places in different programs: ``LeftShoulder`` is the
collar bone beside ``LeftArm`` but the shoulder beside ``LeftElbow``. Such words are settled by what else is there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import LAYOUTS

# The joint at the start of each bone; words in lower case without separators, sides taken off.
_LIMB = {
    "clavicle": "clavicle clav collar collarbone",
    "shoulder": "arm uparm upperarm uarm shldr shldrbend humerus",
    "elbow": "elbow forearm forearmbend lowerarm lowarm farm",
    "wrist": "wrist",
    "hip": "hip upleg upperleg thigh thighbend uleg femur",
    "knee": "knee lowerleg lowleg shin calf tibia lleg",
    "ankle": "ankle",
    "toes": "toe toes toebase toe0 ball",
    "hand": "middle1 handmiddle1 middleproximal",
    "hand_tip": "handtip middle3 handmiddle3 middledistal",
    "thumb": "thumb thumb3 handthumb3 thumbdistal",
}
_PLACES = {word: place for place, words in _LIMB.items() for word in words.split()}
# A word that means the first place where the file also names the second on that side, else the third.
_DEPENDS = {
    "shoulder": ("clavicle", "shoulder", "shoulder"),
    "hand": ("hand", "wrist", "wrist"),
    "foot": ("foot", "ankle", "ankle"),
    "leg": ("hip", "knee", "knee"),
}
_MIDDLE = {
    "hips": "pelvis",
    "hip": "pelvis",
    "pelvis": "pelvis",
    "spinebase": "pelvis",
    "spinemid": "spine",
    "spineshoulder": "spine_shoulder",
    "spinechest": "chest",
    "head": "head",
}
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_CENTRES = ("chest", "spine_shoulder", "neck")


def words_of(name: str) -> list[str]:
    """The words of a joint name in lower case, without the name space that some programs put before it.

    >>> words_of("mixamorig:LeftUpLeg"), words_of("upper_arm.L"), words_of("LUArm"), words_of("SPINE_01")
    (['left', 'up', 'leg'], ['upper', 'arm', 'l'], ['l', 'u', 'arm'], ['spine', '1'])
    """
    words: list[str] = []
    for part in re.split(r"[\W_]+", re.split(r"[:|]", name)[-1]):
        part = part.lower() if part.isupper() else part  # capitals throughout are one word, not one word per letter
        words += [word.lower() for word in re.findall(r"[^\W\d_][^\W\dA-Z_]*|\d+", part)]
    return [(word.lstrip("0") or "0") if word.isdecimal() else word for word in words]


def _common_start(names: Sequence[list[str]]) -> list[str]:
    """The words that most names begin with: the name of the character, ``Bip01``, ``DEF``."""
    start: list[str] = []
    while True:
        longer = [
            words for words in names if words[: len(start)] == start and any(map(str.isalpha, words[len(start) + 1 :]))
        ]
        following = [words[len(start)] for words in longer]
        word = max(sorted(set(following)), key=following.count, default="")
        if following.count(word) * 2 <= len(names) or word in _SIDES:
            return start
        start.append(word)


def _side_and_word(words: list[str]) -> tuple[str, str]:
    """Which side a joint is on ("" in the middle) and the rest of its name as one word."""
    side = next((word for word in words if word in _SIDES), "")
    whole = "".join(word for word in words if word not in (side, "c"))
    if side:
        return _SIDES[side], whole
    for short, glued in _SIDES.items():  # lfemur, LTHIGH
        rest = whole.removeprefix(short)
        if rest != whole and (rest in _PLACES or rest in _DEPENDS):
            return glued, rest
    return "", whole


def _settle(side: str, word: str, there: set[tuple[str, str]]) -> str:
    """The shared name of a joint, "" if its word is none that the layouts share."""
    if not side:
        return _MIDDLE.get(word, "")
    place = _PLACES.get(word, "")
    if word in _DEPENDS:
        beside, witness, alone = _DEPENDS[word]
        place = beside if (side, witness) in there else alone
    return f"{side}_{place}" if place else ""


def _back(top: int, names: list[str], parents: Sequence[int]) -> list[int]:
    """The joints between pelvis (or root) and `top`, both excluded, from the pelvis upwards."""
    path = []
    joint = parents[top]
    while joint >= 0 and parents[joint] >= 0 and names[joint] != "pelvis":
        path.append(joint)
        joint = parents[joint]
    return path[::-1]


def _trunk(names: list[str], words: list[str], parents: Sequence[int], lengths: Sequence[float]) -> dict[int, str]:
    """Names along the back by order instead of by word, because programs number the back as they like."""
    top = next((top for top in ("head", "left_clavicle", "left_shoulder") if top in names), None)
    if top is None:
        return {}
    apart = 1e-3 * max(lengths)  # a joint that sits on its parent is no further part of the back
    path = [joint for joint in _back(names.index(top), names, parents) if not names[joint] and lengths[joint] > apart]
    necks = [joint for joint in path if "neck" in words[joint]][-2:]
    named = dict(zip(reversed(necks), ("neck", "neck_lower"), strict=False))
    back = [joint for joint in path if "neck" not in words[joint]]
    if back and "spine" not in names:
        named[back[0]] = "spine"
        if len(back) > 2:
            named[back[len(back) // 2]] = "spine_middle"
        if len(back) > 1:
            named[back[-1]] = "chest"
    return named


def shared_names(names: Sequence[str], parents: Sequence[int], lengths: Sequence[float]) -> list[str]:
    """The shared name of every joint; a joint that layouts do not share keeps its own name in small letters.

    ``parents`` come before their children, ``lengths`` is the distance of each joint from its parent.

    >>> shared_names(["Hips", "LeftUpLeg", "LeftLeg", "LeftFoot", "Tail"], [-1, 0, 1, 2, 0], [0, 1, 1, 1, 1])
    ['pelvis', 'left_hip', 'left_knee', 'left_ankle', 'tail']
    """
    split = [words_of(name) for name in names]
    start = _common_start(split)
    split = [words[len(start) :] if words[: len(start)] == start and words != start else words for words in split]
    sides = [_side_and_word(words) for words in split]
    there = {(side, _PLACES[word]) for side, word in sides if word in _PLACES}
    found: list[str] = []
    for side, word in sides:
        name = _settle(side, word, there)
        found.append("" if name in found else name)
    if "pelvis" not in found and "left_hip" in found and not found[0]:
        found[0] = "pelvis"
    for joint, name in _trunk(found, [word for _, word in sides], parents, lengths).items():
        found[joint] = name
    return _filled(found, [_own_name(words) for words in split])


def _own_name(words: list[str]) -> str:
    """Side first, then the other words, joined by underscores."""
    sides = [_SIDES[word] for word in words if word in _SIDES][:1]
    return "_".join(sides + [word for word in words if word not in _SIDES]) or "joint"


def _filled(found: list[str], own: list[str]) -> list[str]:
    """The found names, and own names, numbered where they clash, for the joints without."""
    taken = set(found)
    names = []
    for name, candidate in zip(found, own, strict=True):
        number = 1
        unique = candidate
        while not name and unique in taken:
            number += 1
            unique = f"{candidate}_{number}"
        names.append(name or unique)
        taken.add(names[-1])
    return names


def layout_of(joints: Sequence[str], parents: Sequence[int], *, name: str, about: str) -> tuple[Layout, list[int]]:
    """The layout of a skeleton in metres with y up, and for each of its joints the index in `joints`.

    It is a known layout where joints and bones are the same in any order, else a new one called `name`.

    >>> layout, order = layout_of(["pelvis", "neck", "tail"], [-1, 0, 0], name="lizard", about="")
    >>> layout.name, layout.centre, order
    ('lizard', 'neck', [0, 1, 2])
    """
    bones = {joint: joints[parent] if parent >= 0 else "" for joint, parent in zip(joints, parents, strict=True)}
    for layout in LAYOUTS.values():
        theirs = {
            joint: layout.joints[p] if p >= 0 else "" for joint, p in zip(layout.joints, layout.parents, strict=True)
        }
        if (theirs, layout.up, layout.unit) == (bones, "+y", "m"):
            return layout, [list(joints).index(joint) for joint in layout.joints]
    centre = next((joint for joint in _CENTRES if joint in joints), joints[list(parents).index(-1)])
    layout = Layout(name=name, joints=tuple(joints), parents=tuple(parents), centre=centre, about=about)
    return layout, list(range(len(joints)))
