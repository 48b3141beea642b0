"""The prepared store: what is written is read, the hash is defined, and damage is one sentence."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from skeltext.datasets.dataset import Dataset, Protocol, Sample, View, every_class
from skeltext.datasets.store import CLIPS, INDEX, Store, open_store
from skeltext.datasets.store_writing import Outcome, write_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20, NTU25

CLASSES = ("wave", "wave the other hand", "bow")
TOY = Dataset(
    name="toy",
    title="Toy",
    layout=NTU25,
    fps=30.0,
    classes=CLASSES,
    views={"3": every_class(CLASSES), "2": View(("wave", "bow"), (0, 0, 1))},
    protocols={"cross-subject": Protocol("subject", frozenset({1, 3}), "here")},
    source="nowhere",
    citation="none",
    licence="none",
)
SHAPES = ((1, 5), (2, 4), (1, 1), (3, 2))  # (M, T) of the toy clips


def toy_clip(number: int) -> Clip:
    bodies, frames = SHAPES[number]
    positions = np.random.default_rng(number).normal(size=(bodies, frames, 25, 3)).astype(np.float32)
    positions[0, 0, 7] = np.nan
    return Clip(positions=positions, layout=NTU25, fps=15.0 if number == 2 else None)


def toy_outcomes() -> Iterator[Outcome]:
    for number in range(len(SHAPES)):
        sample = Sample(
            id=f"clip-{number}",
            label=number % 3,
            subject=number,
            setup=10 + number,
            source="here" if number < 2 else "there",
            read=partial(toy_clip, number),
        )
        yield sample, sample.read()
        if number == 1:
            yield Sample(id="broken", label=0, read=partial(toy_clip, 0)), "the file is empty"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_store(tmp_path / "toy", TOY, toy_outcomes())
    return tmp_path / "toy"


def test_clips_come_back_bit_for_bit(folder: Path) -> None:
    store = open_store(folder)
    assert len(store) == 4
    for number in range(4):
        clip = store.clip(number)
        np.testing.assert_array_equal(clip.positions, toy_clip(number).positions)
        assert (clip.layout, clip.source) == (NTU25, f"clip-{number}")
    np.testing.assert_array_equal(store.clip(-1).positions, toy_clip(3).positions)
    with pytest.raises(IndexError):
        store.clip(4)


def test_index_says_what_the_clips_are(folder: Path) -> None:
    store = open_store(folder)
    assert (store.name, store.layout, store.fps, store.classes) == ("toy", NTU25, 30.0, CLASSES)
    assert store.labels.tolist() == [0, 1, 2, 0]
    assert store.subjects.tolist() == [0, 1, 2, 3]
    assert [store.source_names[source] for source in store.sources] == ["here", "here", "there", "there"]
    assert list(zip(store.bodies.tolist(), store.frames.tolist(), strict=True)) == list(SHAPES)
    assert [store.clip(number).fps for number in range(4)] == [30.0, 30.0, 15.0, 30.0]
    assert store.protocols == TOY.protocols
    assert store.cameras.tolist() == [-1, -1, -1, -1]
    assert store.setups.tolist() == [10, 11, 12, 13]
    assert list(store.bad) == [{"id": "broken", "reason": "the file is empty"}]
    assert store.counts == {"wave": 2, "wave the other hand": 1, "bow": 1}


def test_view_merges_classes(folder: Path) -> None:
    store = open_store(folder).view("2")
    assert (store.classes, store.labels.tolist(), store.view_name) == (("wave", "bow"), [0, 0, 1, 0], "2")
    assert store.view("3").labels.tolist() == [0, 1, 2, 0]
    with pytest.raises(SkeltextError, match="no view '4'; it has 3, 2"):
        store.view("4")


def test_file_is_plain_safetensors(folder: Path) -> None:
    tensors = load_file(folder / CLIPS)
    assert tensors["positions"].shape == (5 + 8 + 1 + 6, 25, 3)
    assert tensors["offsets"].tolist() == [0, 5, 13, 14, 20]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["toy"]


def test_hash_depends_on_the_content_alone(folder: Path, tmp_path: Path) -> None:
    write_store(tmp_path / "again", TOY, toy_outcomes())
    assert open_store(tmp_path / "again").hash == open_store(folder).hash
    write_store(tmp_path / "fewer", TOY, list(toy_outcomes())[1:])
    assert open_store(tmp_path / "fewer").hash != open_store(folder).hash


def test_verify_finds_a_flipped_byte(folder: Path) -> None:
    open_store(folder).verify()
    data = bytearray((folder / CLIPS).read_bytes())
    data[3000] ^= 1
    (folder / CLIPS).write_bytes(data)
    with pytest.raises(SkeltextError, match="changed or damaged"):
        open_store(folder).verify()


def test_store_can_be_pickled_after_use(folder: Path) -> None:
    store = open_store(folder)
    store.clip(0)
    copy = pickle.loads(pickle.dumps(store))
    assert isinstance(copy, Store)
    np.testing.assert_array_equal(copy.clip(1).positions, store.clip(1).positions)


def test_store_is_replaced_only_when_complete(folder: Path) -> None:
    before = open_store(folder).hash

    def breaks_off() -> Iterator[Outcome]:
        yield next(toy_outcomes())
        raise SkeltextError("the disk is gone")

    with pytest.raises(SkeltextError, match="the disk is gone"):
        write_store(folder, TOY, breaks_off())
    assert open_store(folder).hash == before
    write_store(folder, TOY, list(toy_outcomes())[:1])
    assert len(open_store(folder)) == 1
    assert sorted(path.name for path in folder.parent.iterdir()) == ["toy"]


def test_nothing_but_a_store_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("dear")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("home", "file", "link"):
        with pytest.raises(SkeltextError, match="is no prepared store"):
            write_store(tmp_path / name, TOY, toy_outcomes())
    assert (tmp_path / "home" / "letter.txt").read_text() == "dear"
    (tmp_path / "empty").mkdir()
    write_store(tmp_path / "empty", TOY, toy_outcomes())
    (tmp_path / "to-store").symlink_to(tmp_path / "empty")
    write_store(tmp_path / "to-store", TOY, list(toy_outcomes())[:1])
    assert (tmp_path / "to-store").is_symlink()
    assert len(open_store(tmp_path / "empty")) == 1


def test_a_relative_place_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_store(Path("toy"), TOY, toy_outcomes())
    assert len(open_store("toy")) == 4


def test_writing_refuses_what_does_not_belong(tmp_path: Path) -> None:
    sample, clip = next(toy_outcomes())
    flat = Clip(positions=np.zeros((1, 2, 20, 3), np.float32), layout=KINECT20, fps=30.0)
    for outcomes, sentence in (
        ([(sample, flat)], "has layout kinect20 where toy has ntu25"),
        ([(sample, clip), (sample, clip)], "were found twice, for example clip-0"),
        ([(sample, "it is empty")], "none of the 1 recordings of toy could be used; the first, clip-0: it is empty"),
        ([], "none of the 0 recordings"),
    ):
        with pytest.raises(SkeltextError, match=sentence):
            write_store(tmp_path / "toy", TOY, outcomes)  # type: ignore[arg-type]
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tensors: tensors["offsets"].__setitem__(2, 12), "one row per body and frame"),
        (lambda tensors: tensors["offsets"].__setitem__(-1, 10**15), "offsets do not cut the 20 rows"),
        (lambda tensors: tensors["offsets"].__setitem__(1, -5), "offsets do not cut"),
        (lambda tensors: tensors["bodies"].__setitem__(0, 0), "one row per body"),
        (lambda tensors: tensors["labels"].__setitem__(0, 3), "a class or a source"),
        (lambda tensors: tensors["sources"].__setitem__(0, -1), "a class or a source"),
        (lambda tensors: tensors["rates"].__setitem__(0, np.nan), "no positive frame rate"),
        (lambda tensors: tensors.__setitem__("labels", np.zeros(3, np.int32)), "labels has shape"),
        (lambda tensors: tensors.__setitem__("offsets", np.zeros((5, 1), np.int64)), "wrong kind|offsets has shape"),
        (lambda tensors: tensors.__setitem__("offsets", np.zeros(0, np.int64)), "wrong kind|offsets has shape"),
        (lambda tensors: tensors.__setitem__("labels", np.zeros(4, np.int64)), "labels is I64, expected I32"),
        (lambda tensors: tensors.__setitem__("positions", np.zeros((20, 20, 3), np.float32)), "has 25 joints"),
        (lambda tensors: tensors.__setitem__("positions", np.array(1, np.float32)), "positions has shape"),
        (lambda tensors: tensors.pop("rates"), "holds bodies"),
    ],
)
def test_tensors_that_do_not_fit_are_one_sentence(folder: Path, change, sentence: str) -> None:  # type: ignore[no-untyped-def]
    tensors = {name: tensor.copy() for name, tensor in load_file(folder / CLIPS).items()}
    change(tensors)
    save_file(tensors, folder / CLIPS)
    with pytest.raises(SkeltextError, match=sentence):
        open_store(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "else"}, "not the index of a prepared store"),
        ({"version": 1}, "version 1 where this skeltext reads version 2; prepare it again"),
        ({"layout": "octopus"}, "layout 'octopus' is not known"),
        ({"layout": "kinect20"}, "layout kinect20 has 20 joints"),
        ({"ids": ["a", "b", "c"]}, "for 3 clips"),
        ({"ids": ["a", "b", "c", "c"]}, "same id"),
        ({"ids": [[], [], [], []]}, "wrong kind"),
        ({"classes": None}, "wrong kind"),
        ({"fps": "fast"}, "wrong kind"),
        ({"views": {}}, "names no view"),
        ({"views": {"3": {"classes": ["a"], "from_class": [0, 0, 1]}}}, "view 3 does not map"),
        ({"views": {"3": {"classes": ["a"], "from_class": [0, [0], 0]}}}, "wrong kind"),
        ({"bad": [3]}, "wrong kind"),
        ({"protocols": {"p": {"by": "weather", "train": [1], "source": ""}}}, "a protocol by 'weather'"),
    ],
)
def test_index_that_does_not_fit_is_one_sentence(folder: Path, change: dict[str, object], sentence: str) -> None:
    index = json.loads((folder / INDEX).read_text())
    (folder / INDEX).write_text(json.dumps(index | change))
    with pytest.raises(SkeltextError, match=sentence):
        open_store(folder)


def test_damaged_files_are_one_sentence(folder: Path) -> None:
    whole = (folder / CLIPS).read_bytes()
    for data in (b"", whole[:5], whole[:100], whole[:-1], whole + b"x", (10**15).to_bytes(8, "little") + whole[8:]):
        (folder / CLIPS).write_bytes(data)
        with pytest.raises(SkeltextError, match="is a damaged store"):
            open_store(folder)
    (folder / CLIPS).unlink()
    with pytest.raises(SkeltextError, match="is a damaged store"):
        open_store(folder)
    (folder / CLIPS).mkdir()
    with pytest.raises(SkeltextError, match="not a regular file"):
        open_store(folder)
    (folder / INDEX).write_bytes(b"\xff\xfe{")
    with pytest.raises(SkeltextError):
        open_store(folder)
    (folder / INDEX).write_text("[" * 100_000)
    with pytest.raises(SkeltextError, match="no JSON"):
        open_store(folder)
    (folder / INDEX).unlink()
    os.symlink(folder / INDEX, folder / INDEX)
    with pytest.raises(SkeltextError):
        open_store(folder)
    with pytest.raises(SkeltextError, match="is no folder"):
        open_store(folder / "nowhere")
    with pytest.raises(SkeltextError, match="so it is no prepared store"):
        open_store(folder.parent)
