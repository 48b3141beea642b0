"""Reading any file by its name and its beginning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from format_samples import SAMPLES, clip, openpose_frame

from skeltext.errors import SkeltextError
from skeltext.formats.checking import FolderCheck, check
from skeltext.formats.npz import write_npz
from skeltext.formats.reading import FORMATS, describe_formats, read_clip, recognise
from skeltext.skeletons.layouts import KINECT20


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_is_recognised(tmp_path: Path, name: str) -> None:
    file, write = SAMPLES[name]
    path = tmp_path / file
    write(path)
    assert recognise(path).name == name
    by_content = tmp_path / "unknown.dat"
    write(by_content)
    assert recognise(by_content).name == name
    np.testing.assert_array_equal(read_clip(str(path)).positions, FORMATS[name].read(path).positions)
    np.testing.assert_array_equal(read_clip(by_content, format=name).positions, FORMATS[name].read(path).positions)


def test_a_file_of_no_format_lists_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42")
    with pytest.raises(SkeltextError, match=r"no known format; readable are ntu \(\.skeleton\), .*bvh .*csv"):
        read_clip(path)
    with pytest.raises(SkeltextError, match="format 'mp4' is not known; readable are ntu"):
        read_clip(path, format="mp4")
    assert describe_formats().count("(") == len(FORMATS)


def test_the_ending_alone_brings_the_sentence_of_its_reader(tmp_path: Path) -> None:
    for name, sentence in (
        ("a.skeleton", "NTU"),
        ("a.mat", "MATLAB 5"),
        ("a.csv", "_x, "),
        ("a_keypoints.json", "JSON"),
    ):
        (tmp_path / name).write_text("hello")
        with pytest.raises(SkeltextError, match=sentence):
            read_clip(tmp_path / name)
    (tmp_path / "a.json").write_text("hello")  # which several formats have
    with pytest.raises(SkeltextError, match=r"a\.json is of no known format"):
        read_clip(tmp_path / "a.json")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A folder as OpenPose writes it: three frames of one person."""
    name, write = SAMPLES["openpose"]
    write(tmp_path / name)
    return tmp_path


def frame_of(folder: Path, number: int, name: str = "walk") -> Path:
    return folder / f"{name}_{number:012}_keypoints.json"


def test_a_folder_of_openpose_or_any_frame_of_it_is_one_clip(recording: Path) -> None:
    whole = read_clip(recording, fps=25)
    assert (whole.layout.name, whole.M, whole.T, whole.fps) == ("body25", 1, 3, 25)
    for number in range(3):
        np.testing.assert_array_equal(read_clip(frame_of(recording, number)).positions, whole.positions)
    frame_of(recording, 1).unlink()
    cut = read_clip(recording)
    assert cut.T == 3
    assert cut.tracked[0].any(axis=1).tolist() == [True, False, True]
    frame_of(recording, 0).unlink()
    assert read_clip(recording).T == 1


def test_two_recordings_in_a_folder_are_told_apart_by_their_names(recording: Path) -> None:
    frame_of(recording, 7, "run").write_bytes(frame_of(recording, 0).read_bytes())
    with pytest.raises(SkeltextError, match="holds 2 recordings of OpenPose"):
        read_clip(recording)
    assert read_clip(frame_of(recording, 7, "run")).T == 1
    assert read_clip(frame_of(recording, 0)).T == 3


def test_a_folder_counts_as_one_clip_where_many_are_checked(recording: Path) -> None:
    found = check(recording)
    assert isinstance(found, FolderCheck)
    assert (found.readable, found.others, found.frames, found.formats) == (1, 2, 3, {"openpose": 1})


def test_hostile_folders(recording: Path) -> None:
    good = frame_of(recording, 0).read_text()
    frame_of(recording, 999_999_999_999).write_text(good)
    with pytest.raises(SkeltextError, match="has frames 0 to 999999999999, more than"):
        read_clip(recording)
    frame_of(recording, 999_999_999_999).unlink()
    frame_of(recording, 1).write_text(good[: len(good) // 2])
    with pytest.raises(SkeltextError, match=r"walk_000000000001_keypoints\.json is no undamaged JSON"):
        read_clip(recording)
    frame_of(recording, 1).write_text(json.dumps({"people": [{"pose_keypoints_2d": [1e999] * 75}]}))
    with pytest.raises(SkeltextError, match="a coordinate beyond"):
        read_clip(recording)
    (recording / "empty").mkdir()
    with pytest.raises(SkeltextError, match="holds 0 recordings of OpenPose"):
        read_clip(recording / "empty")


def test_openpose_follows_its_own_ids(recording: Path) -> None:
    for number in range(3):
        frame = openpose_frame(np.full((1, 25, 2), 100.0 + number), track=5)
        frame_of(recording, number).write_text(json.dumps(frame))
    assert read_clip(recording).tracks == ("5",)


def test_azure_says_its_rate_by_the_time_stamps_or_not_at_all(tmp_path: Path) -> None:
    name, write = SAMPLES["azure"]
    path = tmp_path / name
    write(path)
    assert read_clip(path).fps == pytest.approx(30, rel=1e-4)
    assert read_clip(path).tracks == ("4",)
    good = path.read_text()
    path.write_text(good.replace("timestamp_usec", "time"))
    assert read_clip(path).fps is None
    path.write_text(good.replace("533000", "NaN"))
    assert read_clip(path).fps is None
    path.write_text(good.replace("533000", '"noon"'))
    with pytest.raises(SkeltextError, match="timestamp_usec"):
        read_clip(path)


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to(path), lambda path: None])
def test_no_file(tmp_path: Path, make) -> None:
    path = tmp_path / "clip.npz"
    make(path)
    with pytest.raises(SkeltextError, match=r"clip\.npz"):
        read_clip(path)


def test_layout_and_rate_told_by_the_caller(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", positions=np.ones((4, 20, 3)))
    read = read_clip(tmp_path / "a.npz", layout="kinect20", fps=25)
    assert (read.layout, read.fps) == (KINECT20, 25)
    write_npz(clip(), tmp_path / "b.npz")
    assert read_clip(tmp_path / "b.npz", layout="ntu25", fps=60).fps == 60
    SAMPLES["gtu"][1](tmp_path / "c.txt")
    for name in ("b.npz", "c.txt"):
        with pytest.raises(SkeltextError, match="is in layout ntu25, not kinect20"):
            read_clip(tmp_path / name, layout="kinect20")
    with pytest.raises(SkeltextError, match="layout 'kinect' is not known"):
        read_clip(tmp_path / "b.npz", layout="kinect")
    with pytest.raises(SkeltextError, match="frames per second"):
        read_clip(tmp_path / "b.npz", fps=0)
