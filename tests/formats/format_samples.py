"""Small files of every format, written by the tests in the published form."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from skeltext.formats.npz import write_npz
from skeltext.formats.table import write_csv
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20, NTU25

FRAMES = 3


def motion(joints: int, *, frames: int = FRAMES, seed: int = 0) -> np.ndarray:
    """(T, V, 3) made-up positions in metres."""
    return np.random.default_rng(seed).normal(size=(frames, joints, 3)).round(4)


def ntu_text(frames: Sequence[Sequence[tuple[str, np.ndarray]]], *, state: int = 2) -> str:
    """NTU text; each frame is a list of (tracking id, (25, 3) positions)."""
    lines = [str(len(frames))]
    for bodies in frames:
        lines.append(str(len(bodies)))
        for track, joints in bodies:
            lines += [f"{track} 0 1 1 0 0 0 -0.06 0.12 2", "25"]
            lines += [
                f"{x:.7g} {y:.7g} {z:.7g} 277.1 190.2 1036.2 519.7 0.2 0.03 0.97 -0.04 {state}" for x, y, z in joints
            ]
    return "\r\n".join(lines) + "\r\n"


def matlab_bytes(name: str, values: np.ndarray, *, compressed: bool = True) -> bytes:
    """A MATLAB 5 file with one array of doubles."""

    def element(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)

    matrix = element(
        14,
        element(6, struct.pack("<II", 6, 0))
        + element(5, struct.pack(f"<{values.ndim}i", *values.shape))
        + element(1, name.encode())
        + element(9, values.astype("<f8").tobytes(order="F")),
    )
    body = zlib.compress(matrix)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return header + (struct.pack("<II", 15, len(body)) + body if compressed else matrix)


def _kinder_gator(path: Path) -> None:
    names = "HipCenter Spine ShoulderCenter Head".split()  # noqa: SIM905
    for side in ("Left", "Right"):
        names += [joint + side for joint in ("Shoulder", "Elbow", "Wrist", "Hand")]
    for side in ("Left", "Right"):
        names += [joint + side for joint in ("Hip", "Knee", "Ankle", "Foot")]
    rows = [",".join(["Timestamp", *(name + axis for name in names for axis in "XYZ"), "User-ID", "Action", ""])]
    rows += [
        ",".join([str(33.0 * t), *map(str, frame.ravel()), "970", "Bow", ""]) for t, frame in enumerate(motion(20))
    ]
    path.write_text("\n".join(rows) + "\n")


def _rows(path: Path, positions: np.ndarray, more: str = "") -> None:
    path.write_text("".join(f"{x} {y} {z}{more}\n" for x, y, z in positions.reshape(-1, 3)))


def clip(layout=NTU25, *, bodies: int = 2, fps: float | None = 30.0) -> Clip:
    """A made-up clip in which the last body appears late and one joint is missing."""
    positions = np.stack([motion(layout.V, seed=body) for body in range(bodies)]).astype(np.float32)[..., : layout.C]
    positions[-1, 0] = np.nan
    positions[0, 1, 2] = np.nan
    return Clip(positions=positions, layout=layout, fps=fps)


def openpose_frame(people: np.ndarray, *, track: int = -1) -> dict[str, object]:
    """A frame of OpenPose with (N, 25, 2) pixels."""
    scored = np.concatenate([people, np.full((*people.shape[:2], 1), 0.9)], axis=2)
    more = {"face_keypoints_2d": [], "pose_keypoints_3d": []}
    found = [{"person_id": [track], "pose_keypoints_2d": person.ravel().tolist(), **more} for person in scored]
    return {"version": 1.3, "people": found}


def _openpose(path: Path) -> None:
    """A file per frame where the path is called like the first of them, else one file with a list."""
    frames = [openpose_frame(400 + 100 * joints[None, :, :2]) for joints in motion(25)]
    if path.name.endswith("_000000000000_keypoints.json"):
        for number, frame in enumerate(frames):
            path.with_name(path.name.replace("_000000000000_", f"_{number:012}_")).write_text(json.dumps(frame))
    else:
        path.write_text(json.dumps(frames))


def _azure(path: Path) -> None:
    """Keys in the order of the alphabet, indented, as the offline processor writes them."""
    frames = [
        {
            "bodies": [{"body_id": 4, "joint_orientations": [], "joint_positions": (1000 * joints).tolist()}],
            "frame_id": number,
            "num_bodies": 1,
            "timestamp_usec": 533_000 + 33_333 * number,
        }
        for number, joints in enumerate(motion(32))
    ]
    bones = [["SPINE_CHEST", "SPINE_NAVEL"]] * 31
    content = {"bone_list": bones, "frames": frames, "joint_names": ["PELVIS"], "k4abt_sdk_version": "1.0.1"}
    path.write_text(json.dumps(content, indent=4))


# format name: (file name, function that writes a good file)
SAMPLES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "ntu": (
        "S001C001P001R001A001.skeleton",
        lambda path: path.write_text(ntu_text([[("72057594037931101", joints)] for joints in motion(25)])),
    ),
    "utd": (
        "a1_s1_t1_skeleton.mat",
        lambda path: path.write_bytes(matlab_bytes("d_skel", motion(20).transpose(1, 2, 0))),
    ),
    "msr": ("a01_s01_e01_skeleton3D.txt", lambda path: _rows(path, motion(20), " 0.5")),
    "ucla": (
        "a01_s01_e00_v01.json",
        lambda path: path.write_text(json.dumps({"file_name": "a", "skeletons": motion(20).tolist(), "label": 1})),
    ),
    "openpose": ("walk_000000000000_keypoints.json", _openpose),
    "azure": ("recording.json", _azure),
    "kinder_gator": ("POSE-p970_05-Bow-1467368254085.csv", _kinder_gator),
    "gtu": ("movement1.txt", lambda path: _rows(path, motion(25))),
    "npz": ("clip.npz", lambda path: write_npz(clip(), path)),
    "csv": ("clip.csv", lambda path: write_csv(clip(KINECT20), path)),
}
