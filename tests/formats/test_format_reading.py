"""Reading any file by its name and its beginning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from format_samples import SAMPLES, clip

from skeltext.errors import SkeltextError
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
    for name, sentence in (("a.skeleton", "NTU"), ("a.mat", "MATLAB 5"), ("a.csv", "_x, "), ("a.json", "NW-UCLA")):
        (tmp_path / name).write_text("hello")
        with pytest.raises(SkeltextError, match=sentence):
            read_clip(tmp_path / name)


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
