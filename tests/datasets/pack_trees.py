"""Made-up packs, in the form in which the real ones are passed on: a list of recordings, and an npz or BVH files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skeltext.datasets.tables import table
from skeltext.skeletons.layouts import layout_named

_MIDDLE = {"pelvis": 0.9, "spine": 1.1, "chest": 1.2, "spine_shoulder": 1.4, "neck": 1.45, "head": 1.6, "head_tip": 1.7}
_LIMBS = {
    **{
        "clavicle": (0.05, 1.4),
        "shoulder": (0.2, 1.4),
        "elbow": (0.25, 1.1),
        "wrist": (0.25, 0.9),
        "hand": (0.25, 0.8),
    },
    **{"hip": (0.1, 0.9), "knee": (0.1, 0.5), "ankle": (0.1, 0.1), "foot": (0.1, 0.05), "toes": (0.1, 0.05)},
}


def joints_of(pack: str) -> tuple[str, ...]:
    """The joints of one body in the npz of a pack, by our names."""
    joints = table("packs")[pack]["joints"]
    return layout_named(joints).joints if isinstance(joints, str) else tuple(joints)


def standing(joints: Sequence[str]) -> np.ndarray:
    """(V, 3) metres: somebody who stands facing -z, arms hanging, the right side on +x."""
    x = np.zeros((len(joints), 3))
    for number, joint in enumerate(joints):
        side, _, part = joint.partition("_")
        if side in ("left", "right"):
            across, height = _LIMBS.get(part, _LIMBS["hand"])
            x[number] = (across if side == "right" else -across, height, -0.1 if part in ("foot", "toes") else 0)
        else:
            x[number, 1] = _MIDDLE[joint]
    return x


def raising(joints: Sequence[str], frames: int) -> np.ndarray:
    """(T, V, 3) metres: the same person raises the right hand, wrist and all, by a metre."""
    x = np.tile(standing(joints), (frames, 1, 1))
    rises = [number for number, joint in enumerate(joints) if joint in ("right_hand", "right_wrist")]
    x[:, rises, 1] += np.linspace(0, 1, frames)[:, None]
    return x


def write_pack(folder: Path, pack: str, *, labels: Sequence[str], frames: int) -> dict[str, Any]:
    """An npz pack with one recording of each label by subject 1, 2, ...; the list that was written.

    Everybody raises the right hand; further bodies stand one to the right of the other. A flat pack has y down.
    """
    facts = table("packs")[pack]
    body = raising(joints_of(pack), frames)
    x = np.concatenate([body + np.array([place, 0, 0]) for place in range(facts.get("bodies", 1))], axis=1)
    if facts.get("layout") == "penn13":
        x = x[..., :2] * np.array([100, -100])
    ids = [f"clip{number}" for number in range(len(labels))]
    listed = {id: {"label": label, "file": "one.txt"} for id, label in zip(ids, labels, strict=True)}
    write_arrays(folder, pack, ids=ids, recordings=[x] * len(ids))
    write_list(folder, listed)
    return listed


def write_arrays(folder: Path, pack: str, *, ids: Sequence[str], recordings: Sequence[np.ndarray], **more: Any) -> None:
    arrays = {
        "joints": np.concatenate(recordings).astype(np.float32),
        "offsets": np.cumsum([0, *map(len, recordings)]),
        "subjects": np.arange(1, len(ids) + 1),
        "sample_ids": np.array(ids),
    } | more
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f"{pack.replace('-', '_')}.npz", **arrays)


def write_list(folder: Path, listed: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "texts.json").write_text(json.dumps(listed), "utf-8")
