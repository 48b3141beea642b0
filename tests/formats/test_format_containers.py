"""Our own containers: what is written is what is read, and an archive cannot claim or hide anything."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from format_samples import clip
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skeltext.errors import SkeltextError
from skeltext.formats.npz import read_npz, write_npz
from skeltext.formats.table import read_csv, write_csv
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, KINECT20, LAYOUTS, NTU25

NO_TEXT = np.array([0x110000, 65], np.uint32).view("U2")
COORDINATES = st.floats(-100, 100, width=32) | st.just(float("nan"))


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    layout = draw(st.sampled_from([KINECT20, COCO17]))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)), layout.V, layout.C)
    positions = draw(hnp.arrays(np.float32, shape, elements=COORDINATES, fill=st.just(np.float32(0.25))))
    positions[0, 0, 0] = 1  # somebody is there
    return Clip(positions=positions, layout=layout, fps=draw(st.sampled_from([15.0, 29.97, 30.0, 120.0])))


@settings(max_examples=30)
@given(original=clips())
def test_containers_give_back_what_they_got(original: Clip) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, write, read in (("a.npz", write_npz, read_npz), ("a.csv", write_csv, read_csv)):
            path = Path(folder, name)
            write(original, path)
            back = read(path)
            assert list(Path(folder).glob(".*")) == []
            np.testing.assert_array_equal(back.positions, original.positions)
            assert (back.layout, back.tracks) == (original.layout, original.tracks)
            if original.T > 1 or name == "a.npz":
                assert back.fps == pytest.approx(original.fps, rel=1e-6)


def test_npz_keeps_confidence_tracks_and_an_unknown_rate(tmp_path: Path) -> None:
    original = replace(clip(fps=None), confidence=np.full((2, 3, 25), 0.5, np.float32), tracks=("Ada", "Bob"))
    write_npz(original, tmp_path / "clip.npz")
    back = read_npz(tmp_path / "clip.npz")
    assert (back.fps, back.tracks) == (None, ("Ada", "Bob"))
    np.testing.assert_array_equal(back.confidence, original.confidence)


def test_npz_of_one_body_and_a_layout_told_by_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "clip.npz"
    np.savez(path, positions=np.ones((7, 20, 3)))
    assert read_npz(path, layout=KINECT20).positions.shape == (1, 7, 20, 3)
    with pytest.raises(SkeltextError, match="does not say its layout"):
        read_npz(path)


def test_npz_of_an_unregistered_layout(tmp_path: Path) -> None:
    stick = Layout(name="stick", joints=("a", "b"), parents=(-1, 0), centre="a")
    write_npz(Clip(positions=np.ones((1, 2, 2, 3), np.float32), layout=stick, fps=None), tmp_path / "clip.npz")
    assert read_npz(tmp_path / "clip.npz", layout=stick).layout == stick
    with pytest.raises(SkeltextError, match="layout 'stick', which is not known"):
        read_npz(tmp_path / "clip.npz")
    with pytest.raises(SkeltextError, match="in layout stick, not ntu25"):
        read_npz(tmp_path / "clip.npz", layout=NTU25)


class Trap:
    """Would create a file if it were ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_nothing_in_an_npz_is_unpickled(tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "sprung")], dtype=object)
    np.savez(tmp_path / "clip.npz", positions=trap, layout="ntu25")
    with pytest.raises(SkeltextError, match="Python objects"):
        read_npz(tmp_path / "clip.npz")
    assert not (tmp_path / "sprung").exists()


def _npz_with(path: Path, header_shape: tuple[int, ...], content: bytes) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": header_shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("positions.npy", stream.getvalue() + content)


def test_an_array_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    _npz_with(tmp_path / "clip.npz", (1, 10**12, 25, 3), b"\0" * 300)
    with pytest.raises(SkeltextError, match=r"claims shape \(1, 1000000000000, 25, 3\).*holds 300"):
        read_npz(tmp_path / "clip.npz", layout=NTU25)


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "clip.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("positions.npy", "w", force_zip64=True) as stream,
    ):
        for _ in range(17):
            stream.write(bytes(64 << 20))
    with pytest.raises(SkeltextError, match=r"unpacks to 1\.1 GB"):
        read_npz(path, layout=NTU25)


def test_an_archive_that_lies_about_its_size_is_read_only_so_far(tmp_path: Path) -> None:
    path = tmp_path / "clip.npz"
    _npz_with(path, (1, 4, 25, 3), bytes(50 << 20))
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):  # where the unpacked size stands
        at = content.index(signature) + offset
        content[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(SkeltextError, match="no undamaged npz"):
        read_npz(path, layout=NTU25)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"layout": "ntu25"}, "no `positions`"),
        ({"positions": np.ones((2, 25, 3)), "layout": "ntu26"}, "layout 'ntu26', which is not known"),
        ({"positions": np.ones((2, 24, 3)), "layout": "ntu25"}, "expected \\(bodies, frames, 25, 3\\)"),
        ({"positions": np.full((2, 25, 3), 1e300), "layout": "ntu25"}, "infinite"),
        ({"positions": np.full((2, 25, 3), "x"), "layout": "ntu25"}, "positions of type <U1, expected numbers"),
        ({"positions": np.ones((2, 25, 3)), "layout": 25}, "layout of type int64, expected text"),
        ({"positions": np.ones((2, 25, 3)), "layout": NO_TEXT}, "characters that do not exist"),
        ({"positions": np.ones((2, 25, 3)), "layout": "ntu25", "fps": [30, 30]}, "more than one fps"),
        ({"positions": np.ones((2, 25, 3)), "layout": "ntu25", "fps": -30}, "-30.0 frames per second"),
        ({"positions": np.ones((2, 25, 3)), "layout": "ntu25", "tracks": ["a", "b"]}, "tracks than its 1 bodies"),
        ({"positions": np.ones((2, 25, 3)), "layout": "ntu25", "confidence": np.full((2, 25), 7)}, "outside 0 to 1"),
        ({"positions": np.ones((2, 25, 3)), "layout": "ntu25", "confidence": np.ones((2, 5))}, "confidence of shape"),
    ],
)
def test_npz_with_a_wrong_array(tmp_path: Path, arrays: dict[str, object], sentence: str) -> None:
    np.savez(tmp_path / "clip.npz", **arrays)
    with pytest.raises(SkeltextError, match=sentence):
        read_npz(tmp_path / "clip.npz")


def test_csv_columns_in_any_order_with_quotes_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    write_csv(clip(KINECT20), path)
    table = [line.split(",") for line in path.read_text().splitlines()]
    turned = [",".join(row[::-1]) for row in table]
    turned[0] = ",".join(f'"{name}"' for name in table[0][::-1])
    path.write_text("\r\n".join(turned), encoding="utf-8-sig")
    back = read_csv(path)
    np.testing.assert_array_equal(back.positions, clip(KINECT20).positions)
    assert (back.fps, back.tracks) == (30.0, ("0", "1"))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_csv_finds_every_registered_layout(tmp_path: Path, layout: Layout) -> None:
    write_csv(clip(layout, fps=None), tmp_path / "clip.csv")
    back = read_csv(tmp_path / "clip.csv")
    assert back.layout == layout
    assert back.fps is None
    np.testing.assert_array_equal(back.positions, clip(layout).positions)


def test_csv_bodies_that_share_some_instants(tmp_path: Path) -> None:
    header = ",".join(["time", "body", *(f"{joint}_{axis}" for joint in KINECT20.joints for axis in "xyz")])
    rows = [
        f"{time},{body}," + ",".join([str(value)] * 60)
        for time, body, value in ((0.2, "a", 3), (0, "a", 1), (0.1, "b", 2))
    ]
    (tmp_path / "clip.csv").write_text("\n".join([header, *rows]))
    back = read_csv(tmp_path / "clip.csv")
    assert (back.fps, back.tracks) == (10.0, ("a", "b"))
    np.testing.assert_array_equal(back.positions[:, :, 0, 0], [[1, np.nan, 3], [np.nan, 2, np.nan]])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("head_x", "skull_x"), "60 coordinates .* rename the columns"),
        (lambda text: text.replace("0.033333333,1", "0.033333333,0"), "two rows of one body at the same time"),
        (lambda text: text.replace("0.033333333,1", ",1"), "without a time"),
        (lambda text: text.splitlines()[0], "no row of numbers"),
        (lambda text: text[: len(text) // 2], "cells in line"),
        (lambda text: text.replace("spine_y", "spine_x"), "two columns of the same name"),
        (lambda text: text.replace("0.033333333,1", "soon,1"), "could not convert string to float"),
    ],
)
def test_csv_that_is_wrong(tmp_path: Path, change, sentence: str) -> None:
    path = tmp_path / "clip.csv"
    write_csv(clip(KINECT20), path)
    path.write_text(change(path.read_text()))
    with pytest.raises(SkeltextError, match=sentence):
        read_csv(path)


@pytest.mark.parametrize("write", [write_npz, write_csv])
def test_writing_where_nothing_can_be_written(tmp_path: Path, write) -> None:
    with pytest.raises(SkeltextError, match="cannot be written"):
        write(clip(), tmp_path / "missing" / "clip")
    (tmp_path / "taken").mkdir()
    with pytest.raises(SkeltextError, match="cannot be written"):
        write(clip(), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
