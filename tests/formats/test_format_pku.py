"""PKU-MMD text: long recordings of two bodies and their labels, damaged and hostile ones included."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from format_samples import motion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_format_hostile import HOSTILE

from skeltext.errors import SkeltextError
from skeltext.formats.checking import check
from skeltext.formats.clip_check import ClipCheck
from skeltext.formats.pku import Labelled, read_pku, read_pku_cut, read_pku_labels
from skeltext.formats.reading import read_clip, recognise


def pku_line(*bodies: np.ndarray) -> str:
    return " ".join(f"{value:.6f}" for body in bodies for value in body.ravel()) + "\n"


NOBODY = np.zeros((25, 3))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ada is alone, Bob joins her, Ada leaves, both are gone, Ada is back."""
    ada, bob = motion(25, frames=5, seed=1), motion(25, frames=5, seed=2)
    path = tmp_path / "0002-L.txt"
    path.write_text(
        pku_line(ada[0], NOBODY)
        + pku_line(ada[1], bob[1])
        + pku_line(NOBODY, bob[2])
        + pku_line(NOBODY, NOBODY)
        + pku_line(ada[4], NOBODY)
    )
    return path


def test_two_bodies_in_their_places(recording: Path) -> None:
    clip = read_pku(recording)
    ada, bob = motion(25, frames=5, seed=1), motion(25, frames=5, seed=2)
    assert (clip.positions.shape, clip.fps, clip.layout.name) == ((2, 5, 25, 3), 30.0, "ntu25")
    np.testing.assert_array_equal(clip.tracked.all(axis=2), [[1, 1, 0, 0, 1], [0, 1, 1, 0, 0]])
    np.testing.assert_allclose(clip.positions[0, [0, 1, 4]], ada[[0, 1, 4]], atol=1e-6)
    np.testing.assert_allclose(clip.positions[1, [1, 2]], bob[[1, 2]], atol=1e-6)


@pytest.mark.parametrize(
    ("first", "last", "bodies"), [(1, 1, [[1]]), (1, 2, [[1, 1], [0, 1]]), (3, 3, [[0], [1]]), (4, 5, [[0, 1]])]
)
def test_a_cut_keeps_the_bodies_that_are_in_it(recording: Path, first: int, last: int, bodies: list[list[int]]) -> None:
    np.testing.assert_array_equal(read_pku_cut(recording, first=first, last=last).tracked.all(axis=2), bodies)


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (0, 3, "has 5 frames, its label file speaks of frames 0 to 3"),
        (-2, 3, "frames -2 to 3"),
        (4, 3, "frames 4 to 3"),
        (1, 6, "frames 1 to 6"),
        (6, 6, "frames 6 to 6"),
        (4, 4, r"0002-L\.txt, frames 4 to 4, has nobody in any of its 1 frames"),
    ],
)
def test_a_cut_outside_the_recording(recording: Path, first: int, last: int, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        read_pku_cut(recording, first=first, last=last)


@pytest.mark.parametrize("longest", [1, 2, 3, 4, 9, None])
def test_the_middle_of_a_cut(tmp_path: Path, longest: int | None) -> None:
    path = tmp_path / "0002-L.txt"
    path.write_text("".join(pku_line(np.full((25, 3), t), NOBODY) for t in range(1, 11)))
    kept = read_pku_cut(path, first=3, last=7, longest=longest).positions[0, :, 0, 0].tolist()
    start = 3 + (5 - len(kept)) // 2
    assert kept == list(range(start, start + min(longest or 5, 5)))


def test_the_second_body_is_left_out_where_it_never_appears(recording: Path) -> None:
    lines = recording.read_text().splitlines(keepends=True)
    recording.write_text(lines[0] + "\n" + lines[4])
    assert read_pku(recording).positions.shape == (1, 2, 25, 3)


def test_it_is_recognised_and_checked(recording: Path) -> None:
    assert recognise(recording).name == "pku"
    anywhere = recording.with_name("unknown.dat")
    anywhere.write_bytes(recording.read_bytes().replace(b"\n", b"\r\n"))
    assert recognise(anywhere).name == "pku"
    np.testing.assert_array_equal(read_clip(anywhere).positions, read_pku(recording).positions)
    found = check(recording)
    assert isinstance(found, ClipCheck)
    assert (found.format, found.layout, found.bodies, found.frames, found.fps) == ("pku", "ntu25", 2, 5, 30.0)


@pytest.mark.parametrize("harm", HOSTILE)
def test_a_hostile_file_is_one_sentence(recording: Path, harm: str) -> None:
    HOSTILE[harm](recording)
    for read in (read_pku, lambda path: read_pku_cut(path, first=1, last=1)):
        with pytest.raises(SkeltextError) as caught:
            read(recording)
        sentence = str(caught.value)
        assert str(recording) in sentence
        assert "\n" not in sentence
        assert len(sentence) < 400 + len(str(recording))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0.5 " * 149, "149 cells in line 2 of 2, expected 150"),
        ("0.5 " * 151, "151 cells in line 2 of 2"),
        ("0.5 " * 75, "75 cells in line 2 of 2"),
        ("x " * 150, "every cell must be a number"),
        ("1e999 " * 150, "a position is infinite"),
    ],
)
def test_a_wrong_line(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "0002-L.txt"
    path.write_text(pku_line(motion(25)[0], NOBODY) + line + "\n")
    with pytest.raises(SkeltextError, match=sentence):
        read_pku(path)


def test_nan_is_a_joint_that_was_not_tracked(tmp_path: Path) -> None:
    path = tmp_path / "0002-L.txt"
    x = motion(25)[0]
    x[3, 1] = np.nan
    path.write_text(pku_line(x, NOBODY))
    assert np.flatnonzero(~read_pku(path).tracked[0, 0]).tolist() == [3]
    path.write_text(pku_line(np.full((25, 3), np.nan), NOBODY))
    with pytest.raises(SkeltextError, match="has nobody in any of its 1 frames"):
        read_pku(path)


def test_labels(tmp_path: Path) -> None:
    path = tmp_path / "0002-L.txt"
    path.write_text("20,113,256,2\r\n\r\n1, 0, 12 ,1\n5,3\n6,1,2\nx,1,2,1\n7,1.5,2,1\n")
    found = read_pku_labels(path)
    assert [row for row in found if isinstance(row, Labelled)] == [(20, 113, 256), (1, 1, 12), (6, 1, 2)]
    assert [isinstance(row, str) for row in found] == [False, False, True, False, True, True]
    assert found[2] == f"{path} has the line '5,3', expected class,start,end,confidence; mend or remove it"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    content=st.one_of(st.binary(min_size=1, max_size=300), st.text("0123456789,.-e \n\r", min_size=1).map(str.encode))
)
def test_any_label_file_gives_rows_or_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "0002-L.txt"
    path.write_bytes(content)
    with suppress(SkeltextError):
        rows = read_pku_labels(path)
        assert all(isinstance(row, Labelled) or ("0002-L.txt" in row and "\n" not in row) for row in rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_flipped_bytes_never_raise_anything_else(recording: Path, data: st.DataObject) -> None:
    x = motion(25, frames=2)
    bad = bytearray((pku_line(x[0], NOBODY) + pku_line(x[1], x[0])).encode())
    for at in data.draw(st.lists(st.integers(0, len(bad) - 1), max_size=6)):
        bad[at] = data.draw(st.integers(0, 255))
    recording.write_bytes(bad[: data.draw(st.integers(1, len(bad)))])
    with suppress(SkeltextError):
        assert read_pku(recording).layout.name == "ntu25"
