"""Made-up trees of original files, in the exact formats in which NTU RGB+D and PKU-MMD are published, faults included.

Every class has a motion of its own, so a model can learn a little from the clips, which are short to be quick.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skeltext.skeletons.layouts import NTU25

TWO_PEOPLE_NTU = range(50, 61)
TWO_PEOPLE_PKU = frozenset({12, 14, 16, 18, 21, 24, 26, 27, 29, 38})
_SUBJECTS = (1, 3, 2, 6, 4, 7)  # in turn of the training and of the test half of NTU RGB+D
Frame = Sequence[tuple[str, np.ndarray]]  # a tracking id and (25, 3) metres for every body that is there


class Tree(NamedTuple):
    """What was written: names of clips that can be used, those that cannot with a word of the reason, and oddities.

    ``oddities`` maps what is special about a clip to the name of that clip.
    """

    folder: Path
    good: tuple[str, ...]
    bad: dict[str, str]
    oddities: dict[str, str]


def _standing() -> np.ndarray:
    """(25, 3) metres: somebody who stands three metres before the camera, arms hanging."""
    x = np.zeros((NTU25.V, 3))
    heights = {"pelvis": 0.0, "spine": 0.3, "spine_shoulder": 0.5, "neck": 0.55, "head": 0.7}
    limb = {"shoulder": (0.17, 0.45), "elbow": (0.2, 0.2), "wrist": (0.22, -0.03), "hand": (0.22, -0.1)}
    limb |= {"hip": (0.08, -0.02), "knee": (0.1, -0.42), "ankle": (0.1, -0.8), "foot": (0.1, -0.86)}
    for number, joint in enumerate(NTU25.joints):
        side, _, part = joint.partition("_")
        if side in ("left", "right"):
            across, height = limb.get(part, (0.23, -0.15))
            x[number] = (-across if side == "left" else across, height, -0.12 if part == "foot" else 0)
        else:
            x[number, 1] = heights[joint]
    return x + np.array([0, 0, 3])


_STANDING = _standing()
_BESIDE = np.array([0.8, 0, 0])  # where the second person stands
_PATHS = np.random.default_rng(0).normal(size=(128, NTU25.V, 3)) * 0.12  # per class, where each joint swings to


def motion(action: int, *, frames: int, chance: np.random.Generator) -> np.ndarray:
    """(T, 25, 3) metres: the joints swing along the paths of the class, a little different every time."""
    phase = np.linspace(0, 2 * np.pi * (1 + action % 3), frames) + chance.normal(scale=0.2)
    swing = (np.sin(phase) * chance.uniform(0.8, 1.2))[:, None, None] * _PATHS[action]
    return _STANDING + chance.normal(scale=0.2, size=3) + swing + chance.normal(scale=0.005, size=swing.shape)


# The numbers behind x y z: depth image, colour image, quaternion, tracking state.
_JOINT = "%.6g %.6g %.6g 277.1 190.2 1036.2 519.7 0.2 0.03 0.97 -0.04 2\n"
_BODY = "%s 0 1 1 0 0 0 -0.06 0.12 2\n25\n" + _JOINT * NTU25.V


def ntu_text(frames: Sequence[Frame]) -> str:
    """The text of a ``.skeleton`` file."""
    lines = [f"{len(frames)}\n"]
    for bodies in frames:
        lines.append(f"{len(bodies)}\n")
        lines += [_BODY % (track, *x.ravel().tolist()) for track, x in bodies]
    return "".join(lines)


def _ntu_frames(action: int, chance: np.random.Generator) -> list[Frame]:
    people = 2 if action in TWO_PEOPLE_NTU else 1
    length = int(chance.integers(8, 21))
    tracks = [f"7205759403793{chance.integers(1000, 5000) + 5000 * person}" for person in range(people)]
    bodies = [motion(action, frames=length, chance=chance) + person * _BESIDE for person in range(people)]
    return [[(track, body[t]) for track, body in zip(tracks, bodies, strict=True)] for t in range(length)]


def ntu_names(files: int, *, classes: int = 60) -> list[str]:
    """Valid names: all classes in turn, each by people of both halves, before all cameras, in several setups.

    Classes from 61 on are recorded in setups from 18 on, as in NTU RGB+D 120.
    """
    names = []
    for number in range(files):
        action, take = number % classes + 1, number // classes
        setup = 1 + take // 2 % 3 + take // 36 * 3 + (17 if action > 60 else 0)
        names.append(f"S{setup:03}C{take // 6 % 3 + 1:03}P{_SUBJECTS[take % 6]:03}R{take // 18 % 2 + 1:03}A{action:03}")
    return names


def _without_everybody(frames: list[Frame]) -> str:
    return ntu_text([*frames[:2], [], *frames[2:5], [], []])


def _third_body(frames: list[Frame]) -> str:
    return ntu_text(
        [[*bodies, ("72057594037999001", _STANDING), ("72057594037999002", _STANDING)] for bodies in frames]
    )


def _swapped(frames: list[Frame]) -> str:
    both: list[Frame] = [[bodies[0], ("72057594037999003", _STANDING)] for bodies in frames]
    return ntu_text([bodies[::-1] if t % 2 else bodies for t, bodies in enumerate(both)])


def _changing_ids(frames: list[Frame]) -> str:
    return ntu_text([[(f"7205759403799{9000 + t // 3}", x) for _, x in bodies] for t, bodies in enumerate(frames)])


# What the published files do and can be read, and what cannot with a word of the reason.
NTU_ODDITIES: dict[str, Callable[[list[Frame]], str]] = {
    "frames without anybody": _without_everybody,
    "four bodies": _third_body,
    "bodies in turn": _swapped,
    "ids that change": _changing_ids,
    "infinite image columns": lambda frames: ntu_text(frames).replace("1036.2 519.7", "-Infinity nan"),
    "CRLF": lambda frames: ntu_text(frames).replace("\n", "\r\n"),
}
NTU_FAULTS: dict[str, tuple[str, Callable[[list[Frame]], str]]] = {
    "nobody at all": ("no body in any of its", lambda frames: ntu_text([[] for _ in frames])),
    "cut off": ("is no complete NTU skeleton file", lambda frames: ntu_text(frames)[:-500]),
    "empty": ("is empty", lambda frames: ""),
}
NTU_LISTED = "S001C002P005R002A008"  # is on the list of the authors of the data set


def write_ntu_tree(
    folder: Path, *, files: int = 2000, classes: int = 60, odd: bool = True, zipped: bool = False, seed: int = 0
) -> Tree:
    """Write ordinary NTU files and, if `odd`, one more of every documented oddity; `zipped` as they are downloaded.

    Unpacked files lie in nested folders. Oddities are by subject 8, who does nothing else.
    """
    chance = np.random.default_rng(seed)
    texts = {name: ntu_text(_ntu_frames(int(name[-3:]), chance)) for name in ntu_names(files, classes=classes)}
    good, bad, oddities = list(texts), {}, {}
    spelled = dict.fromkeys(texts, "{}.skeleton")
    if odd:
        for action, (what, change) in enumerate(NTU_ODDITIES.items(), 1):
            name = oddities[what] = f"S002C001P008R001A{action:03}"
            texts[name] = change(_ntu_frames(action, chance))
        for action, (what, (reason, write)) in enumerate(NTU_FAULTS.items(), 21):
            name = oddities[what] = f"S002C002P008R001A{action:03}"
            texts[name], bad[name] = write(_ntu_frames(action, chance)), reason
        texts[NTU_LISTED], bad[NTU_LISTED] = ntu_text(_ntu_frames(8, chance)), "listed by the authors"
        name = oddities["another spelling"] = "S002C003P008R002A031"
        texts[name], spelled[name] = ntu_text(_ntu_frames(31, chance)), name.lower() + ".SKELETON"
        good += [name for what, name in oddities.items() if name not in bad]
    placed = {
        _ntu_place(name, zipped) / spelled.get(name, "{}.skeleton").format(name): text for name, text in texts.items()
    }
    _write(folder, placed, zipped=zipped)
    return Tree(folder, tuple(sorted(good)), bad, oddities)


def _ntu_place(name: str, zipped: bool) -> Path:
    """The folder of a file; the first part is the archive if the tree is zipped."""
    first = name < "S018"
    inside = Path("nturgb+d_skeletons" if first else "nturgb+d_skeletons120")
    if zipped:
        return Path(f"nturgbd_skeletons_{'s001_to_s017' if first else 's018_to_s032'}") / inside
    return inside / "more" / name[:4] if name >= "S002" else inside


def _write(folder: Path, texts: dict[Path, str], *, zipped: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if zipped:
        for archive in sorted({path.parts[0] for path in texts}):
            with zipfile.ZipFile(folder / f"{archive}.zip", "w") as opened:
                for path, text in texts.items():
                    if path.parts[0] == archive:
                        opened.writestr(str(Path(*path.parts[1:])), text)
        return
    for parent in {path.parent for path in texts}:
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        (folder / path).write_bytes(text.encode())


class PkuVideo(NamedTuple):
    """A long recording: its name without the view, and how the published names of its clips begin."""

    name: str
    clip: str


def _pku_videos(phase: int, videos: int) -> list[PkuVideo]:
    """Half of the videos are of the training half of the cross-subject protocol."""
    if phase == 1:
        numbers = [number for pair in zip(range(2, 46), range(291, 335), strict=True) for number in pair][:videos]
        return [PkuVideo(f"{number:04}", f"F{number:03}") for number in numbers]
    pairs = [(script, person) for script in range(1, 27) for person in (1, 2)][:videos]
    return [PkuVideo(f"A{script:02}N{person:02}", f"A{script:03}N{person:03}") for script, person in pairs]


_PKU_LINE = " %.6f" * (NTU25.V * 3)
_NOBODY = " 0.000000" * (NTU25.V * 3)


def pku_text(bodies: Sequence[np.ndarray]) -> str:
    """The text of a recording: (T, 25, 3) of the first body and, if there is one, of the second.

    A frame that is zero throughout has nobody in it, as in the published files.
    """
    first, second = bodies[0], bodies[1] if len(bodies) > 1 else np.zeros_like(bodies[0])
    return "".join(
        (_PKU_LINE % tuple(a) if a.any() else _NOBODY) + (_PKU_LINE % tuple(b) if b.any() else _NOBODY) + "\n"
        for a, b in zip(first.reshape(len(first), -1), second.reshape(len(second), -1), strict=True)
    )


def _pku_recording(
    actions: Sequence[int], chance: np.random.Generator
) -> tuple[list[np.ndarray], list[tuple[int, int, int]]]:
    """Two bodies (T, 25, 3) and (class, first, last) of every action; between them somebody stands still."""
    parts: list[list[np.ndarray]] = [[], []]
    labels, at = [], 0
    for action in actions:
        rest, length = int(chance.integers(3, 7)), int(chance.integers(8, 21))
        other = motion(action, frames=length, chance=chance) + _BESIDE
        parts[0] += [np.tile(_STANDING, (rest, 1, 1)), motion(action, frames=length, chance=chance)]
        parts[1] += [np.zeros((rest, NTU25.V, 3)), other if action in TWO_PEOPLE_PKU else np.zeros_like(other)]
        labels.append((action, at + rest + 1, at + rest + length))
        at += rest + length
    return [np.concatenate(part) for part in parts], labels


def write_pku_tree(
    folder: Path, *, phase: int = 1, videos: int = 6, lists: bool = True, odd: bool = True, seed: int = 0
) -> Tree:
    """Write long recordings by three cameras with their label files and, if wanted, the official `lists`.

    Each half of the videos shows every class if there are six of them or more. If `odd`, one more video has every
    documented oddity.
    """
    chance = np.random.default_rng(seed)
    numbers = [number for number in range(1, 52) if phase == 1 or number not in TWO_PEOPLE_PKU]
    recordings, labels, good = {}, {}, []
    found = _pku_videos(phase, videos + odd)
    for turn, video in enumerate(found[:videos]):
        share = numbers[turn // 2 % 3 :: 3]
        for camera, view in enumerate("LMR", 1):
            bodies, actions = _pku_recording(share, chance)
            recordings[f"{video.name}-{view}"] = pku_text(bodies)
            labels[f"{video.name}-{view}"] = "".join(f"{c},{first},{last},2\n" for c, first, last in actions)
            good += [f"{video.clip}V{camera:03}C{c:03}L{line:03}" for line, (c, _, _) in enumerate(actions, 1)]
    bad, oddities = _odd_pku(found[-1], recordings, labels, chance) if odd else ({}, {})
    good += [name for name in oddities.values() if name not in bad]
    names = [video.name for video in found]
    texts = {Path("PKU_Skeleton_Renew", f"{name}.txt"): text for name, text in recordings.items()}
    texts |= {Path("Train_Label_PKU_final", f"{name}.txt"): text for name, text in labels.items()}
    if lists:
        end = "" if phase == 1 else "_v2"
        trains = [name for name in names if (int(name) < 291 if phase == 1 else name.endswith("N01"))]
        texts[Path("Split", f"cross_subject{end}.txt")] = pku_list(trains, [n for n in names if n not in trains])
        texts[Path("Split", f"cross_view{end}.txt")] = pku_list(names, names, trains="MR", others="L")
    _write(folder, texts)
    return Tree(folder, tuple(sorted(good)), bad, oddities)


def pku_list(training: Sequence[str], other: Sequence[str], *, trains: str = "LMR", others: str = "LMR") -> str:
    """The text of an official list, its slip of the pen included."""
    halves = [
        ", ".join(f"{name}-{view}" for name in names for view in views)
        for names, views in ((training, trains), (other, others))
    ]
    return f"Training videos: \n{halves[0]}\nValidataion videos: \n{halves[1]}\n"


def _odd_pku(
    video: PkuVideo, recordings: dict[str, str], labels: dict[str, str], chance: np.random.Generator
) -> tuple[dict[str, str], dict[str, str]]:
    """Add the video with all oddities: the left view has odd labels, the middle and the right one lack a file."""
    bodies, actions = _pku_recording([1, 2, 3, 4], chance)
    long = np.concatenate([motion(5, frames=301, chance=chance), np.zeros((9, NTU25.V, 3))])
    end = len(bodies[0])
    text = pku_text([np.concatenate([bodies[0], long])])
    total = end + len(long)
    lines = [
        ("ordinary", "{}", f"{actions[0][0]},{actions[0][1]},{actions[0][2]},1"),
        ("from frame 0", "C002", "2,0,12,2"),
        ("more than 300 frames", "C005", f"5,{end + 1},{end + 301},2"),
        ("without confidence", "C003", f"3,{actions[2][1]},{actions[2][2]}"),
        ("one frame", "C004", f"4,{actions[3][1]},{actions[3][1]},2"),
        ("behind the end", "C006", f"6,{total - 3},{total + 1},2"),
        ("ends before it starts", "C007", "7,20,10,2"),
        ("no such class", "C052", "52,3,9,1"),
        ("class 0", "C000", "0,3,9,1"),
        ("starts before the recording", "C008", "8,-4,9,1"),
        ("nobody in it", "C009", f"9,{total - 8},{total},2"),
        ("no numbers", "", "3,abc,9,1"),
        ("too few numbers", "", "3,4"),
    ]
    reasons = {
        "behind the end": f"has {total} frames, its label file speaks of frames {total - 3} to {total + 1}",
        "ends before it starts": "speaks of frames 20 to 10",
        "no such class": "class 52, which is none of the",
        "class 0": "class 0, which is none of the",
        "starts before the recording": "frames -4 to 9",
        "nobody in it": "has nobody in any of its 9 frames",
        "no numbers": "line '3,abc,9,1', expected class,start,end,confidence",
        "too few numbers": "line '3,4', expected class,start,end,confidence",
    }
    oddities = {
        what: f"{video.clip}V001{action.format('C001')}L{line:03}" for line, (what, action, _) in enumerate(lines, 1)
    }
    recordings[f"{video.name}-L"] = text.replace("\n", "\r\n")
    labels[f"{video.name}-L"] = "\r\n\r\n".join(line for _, _, line in lines) + "\r\n\r\n"
    recordings[f"{video.name}-M"] = text
    labels[f"{video.name}-R"] = "1,1,5,2\n"
    bad = {oddities[what]: reason for what, reason in reasons.items()}
    bad |= {f"{video.clip}V002": "has no label file of the same name", f"{video.clip}V003": "has no recording of the"}
    return bad, oddities
