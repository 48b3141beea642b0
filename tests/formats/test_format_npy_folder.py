"""Folders of prepared arrays as zero-shot methods publish them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skeltext.errors import SkeltextError
from skeltext.formats.npy_folder import read_npy_folder


def _data(clips: int) -> np.ndarray:
    data = np.random.default_rng(0).normal(size=(clips, 3, 50, 25, 2)).astype(np.float32)
    data[0, ..., 1] = 0  # clip 0 has one body
    data[1, :, 40:, :, 1] = 0  # in clip 1 the second body leaves
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part, clips in (("seen_train", 4), ("unseen", 2), ("one_shot_exemplar", 3)):
        np.save(tmp_path / f"{part}_data.npy", _data(clips))
        if part != "one_shot_exemplar":
            np.save(tmp_path / f"{part}_label.npy", np.arange(clips) + 4)
    return tmp_path


def test_parts_labels_and_clips(folder: Path) -> None:
    parts = read_npy_folder(folder)
    assert {name: len(part) for name, part in parts.items()} == {"seen_train": 4, "unseen": 2, "one_shot_exemplar": 3}
    train = parts["seen_train"]
    assert isinstance(train.data, np.memmap)
    assert train.labels is not None
    assert train.labels.tolist() == [4, 5, 6, 7]
    assert parts["one_shot_exemplar"].labels is None
    clip = train.clip(3)
    assert (clip.M, clip.T, clip.layout.name, clip.fps) == (2, 50, "ntu25", None)
    np.testing.assert_array_equal(clip.positions[1, 7, 5], train.data[3, :, 7, 5, 1])


def test_zero_bodies_are_absent(folder: Path) -> None:
    part = read_npy_folder(folder)["seen_train"]
    assert part.clip(0).M == 1
    np.testing.assert_array_equal(part.clip(1).tracked[1].all(axis=1), np.arange(50) < 40)


def test_a_second_body_without_a_first_keeps_its_place(folder: Path) -> None:
    data = np.load(folder / "seen_train_data.npy")
    data[2, ..., 0] = 0
    np.save(folder / "seen_train_data.npy", data)
    clip = read_npy_folder(folder)["seen_train"].clip(2)
    assert np.isnan(clip.positions[0]).all()
    np.testing.assert_array_equal(clip.positions[1], data[2, ..., 1].transpose(1, 2, 0))


def test_a_number_that_is_not_finite(folder: Path) -> None:
    data = np.load(folder / "seen_train_data.npy")
    data[2, 1, 4, 3, 0], data[3, 0, 0, 0, 0] = np.nan, np.inf
    np.save(folder / "seen_train_data.npy", data)
    part = read_npy_folder(folder)["seen_train"]
    for number in (2, 3):
        with pytest.raises(SkeltextError, match=rf"seen_train_data.npy\[{number}\] has numbers that are not finite"):
            part.clip(number)


def test_a_clip_of_nobody(tmp_path: Path) -> None:
    np.save(tmp_path / "unseen_data.npy", np.zeros((1, 3, 50, 25, 2), np.float32))
    with pytest.raises(SkeltextError, match=r"unseen_data.npy\[0\] has nobody"):
        read_npy_folder(tmp_path)["unseen"].clip(0)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("unseen_data.npy", np.zeros((9, 256), np.float32), "extracted features"),
        ("unseen_data.npy", np.zeros((2, 3, 50, 25, 2), np.float64), "of float64, expected float32"),
        ("unseen_data.npy", np.zeros((2, 25, 50, 3, 2), np.float32), "expected float32 clips of shape"),
        ("unseen_data.npy", np.zeros((0, 3, 50, 25, 2), np.float32), "nothing in it"),
        ("unseen_label.npy", np.arange(3), "expected 2 integers"),
        ("unseen_label.npy", np.zeros(0, int), "expected 2 integers"),
        ("unseen_label.npy", np.array(["a", "b"]), "expected 2 integers"),
        ("unseen_label.npy", np.array([-1, 3]), "expected 2 integers"),
        ("unseen_label.npy", np.array([0.5, 1]), "expected 2 integers"),
        ("unseen_label.npy", np.array([{}, {}]), "Python objects"),
    ],
)
def test_wrong_arrays(folder: Path, name: str, values: np.ndarray, sentence: str) -> None:
    np.save(folder / name, values, allow_pickle=True)
    with pytest.raises(SkeltextError, match=sentence):
        read_npy_folder(folder)


@pytest.mark.parametrize("keep", [0, 5, 60, 140, -1])
@pytest.mark.parametrize("name", ["unseen_data.npy", "unseen_label.npy"])
def test_cut_off_arrays(folder: Path, name: str, keep: int) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:keep])
    with pytest.raises(SkeltextError, match=r"is no NumPy array|is cut off"):
        read_npy_folder(folder)


def test_no_such_folder_and_no_part(tmp_path: Path) -> None:
    with pytest.raises(SkeltextError, match="cannot be read"):
        read_npy_folder(tmp_path / "missing")
    with pytest.raises(SkeltextError, match=r"holds no file that ends in _data\.npy"):
        read_npy_folder(tmp_path)
    (tmp_path / "loop_data.npy").symlink_to(tmp_path / "loop_data.npy")
    with pytest.raises(SkeltextError, match="cannot be read"):
        read_npy_folder(tmp_path)
