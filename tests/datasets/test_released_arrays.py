"""Released arrays become a store: the published halves, and not a number changed on the way to a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.cli import main
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.dataset import ClassSplit
from skeltext.datasets.manifest import Manifest, read_manifest
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.released import BY_ARRAY, EXEMPLAR_CLASSES, import_arrays
from skeltext.datasets.splitting import split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.preprocessing import preprocessing_named

NTU60, PKU = dataset_named("ntu60"), dataset_named("pku-mmd")
UNSEEN = [4, 19, 31, 47, 51]  # of smie_split_1
SEEN = [label for label in range(60) if label not in UNSEEN]
SHOWN = list(range(0, 60, 6))  # of the one-shot split
FRAMES = 50


def clips_of(labels: list[int], *, seed: int) -> np.ndarray:
    """(N, 3, T, 25, 2) made-up clips in which people come and go as they do in the released arrays."""
    random = np.random.default_rng(seed)
    data = random.normal(size=(len(labels), 3, FRAMES, 25, 2)).astype(np.float32)
    data[:, :, :, 20] = 0  # the joint in the centre
    data[::3, ..., 1] = 0  # nobody else
    data[1::3, :, FRAMES // 2 :, :, 1] = 0  # the second leaves
    data[2::6, ..., 0] = 0  # only the second is there
    data[5::6, :, :9, :, 0] = 0  # the first comes late
    return data


def write(folder: Path, part: str, labels: list[int], *, labelled: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{part}_data.npy", clips_of(labels, seed=len(part)))
    if labelled:
        np.save(folder / f"{part}_label.npy", np.array(labels))


@pytest.fixture
def zero_shot(tmp_path: Path) -> Path:
    """A folder like those of Setting I, with fewer clips."""
    folder = tmp_path / "split_1"
    for part, labels in (("seen_train", SEEN * 2), ("seen_test", SEEN[::-1]), ("unseen", UNSEEN * 3)):
        write(folder, part, labels)
    return folder


@pytest.fixture
def one_shot(tmp_path: Path) -> Path:
    """A folder like those of the one-shot experiments, with fewer clips."""
    folder = tmp_path / "one_shot_full_10"
    write(folder, "one_shot_train", [label for label in range(60) if label % 6])
    write(folder, "one_shot_test", SHOWN * 2)
    write(folder, "one_shot_exemplar", SHOWN, labelled=False)
    return folder


def imported(folder: Path, *, name: str = "ntu60", split: str | None = None) -> tuple[Manifest, ClassSplit, Store]:
    out = folder.with_name("store")
    manifest, chosen = import_arrays(folder, dataset=dataset_named(name), split=split, out=out)
    return manifest, chosen, open_store(out)


def rows(store: Store, indices: np.ndarray) -> list[str]:
    return [store.ids[index] for index in indices]


def of(part: str, count: int) -> list[str]:
    return [f"{part}-{row:06d}" for row in range(count)]


def test_the_halves_are_the_published_ones(zero_shot: Path) -> None:
    manifest, chosen, store = imported(zero_shot)
    assert (chosen.name, manifest.bad, store.reading) == ("smie_split_1", [], "released")
    assert store.protocols == {"cross-subject": BY_ARRAY}
    clips = split_clips(store, NTU60.split("smie_split_1"))
    assert rows(store, clips.train) == of("seen_train", 110)
    assert rows(store, clips.test) == of("unseen", 15)
    assert rows(store, clips.seen_test) == of("seen_test", 55)
    assert store.labels[clips.test].tolist() == UNSEEN * 3
    assert store.labels[clips.train].tolist() == SEEN * 2
    assert manifest.sources == {"seen_train": 110, "seen_test": 55, "unseen": 15}
    assert manifest.protocols == {"cross-subject": {"train": 110, "test": 70}}
    assert manifest.expected == {"cross-subject test": 16487}
    assert replace(manifest, folder="", seconds=0.0) == read_manifest(store.folder)


def test_a_network_gets_the_released_numbers_bit_by_bit(zero_shot: Path) -> None:
    *_, store = imported(zero_shot)
    recipe = preprocessing_named("released", layout="ntu25", bodies=2)
    for part in ("seen_train", "seen_test", "unseen"):
        indices = [index for index, name in enumerate(store.ids) if name.startswith(f"{part}-")]
        ours, theirs = preprocessed_clips(store, indices, recipe), np.load(zero_shot / f"{part}_data.npy")
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32))


def test_fortran_order_and_no_seen_test(zero_shot: Path) -> None:
    for kind in ("data", "label"):
        (zero_shot / f"seen_test_{kind}.npy").unlink()
    data = np.load(zero_shot / "unseen_data.npy")
    np.save(zero_shot / "unseen_data.npy", np.asfortranarray(data))
    manifest, _, store = imported(zero_shot)
    assert (manifest.sources, manifest.expected) == ({"seen_train": 110, "unseen": 15}, {})
    last = preprocessing_named("released", layout="ntu25", bodies=2)(store.clip(-1))
    np.testing.assert_array_equal(last, data[-1])


def test_one_shot_clips_carry_the_names_of_the_split(one_shot: Path) -> None:
    manifest, split, store = imported(one_shot)
    assert split == NTU60.split("oneshot_50_10")
    clips = split_clips(store, split)
    assert rows(store, clips.exemplars) == list(split.exemplars)
    assert [int(name[-3:]) - 1 for name in rows(store, clips.exemplars)] == store.labels[clips.exemplars].tolist()
    assert rows(store, clips.train) == of("one_shot_train", 50)
    assert rows(store, clips.test) == of("one_shot_test", 20)
    assert (manifest.clips, manifest.expected) == (80, {"clips": 56578})


def test_exemplars_of_pku_follow_the_published_order(tmp_path: Path) -> None:
    order = EXEMPLAR_CLASSES["pku-mmd"]
    folder = tmp_path / "one_shot_pku_10"
    write(folder, "one_shot_train", [label for label in range(51) if label not in order])
    write(folder, "one_shot_test", sorted(order))
    write(folder, "one_shot_exemplar", order, labelled=False)
    _, split, store = imported(folder, name="pku-mmd")
    assert split == PKU.split("oneshot_41_10")
    clips = split_clips(store, split)
    assert rows(store, clips.exemplars) == of("one_shot_exemplar", 10)
    assert store.labels[clips.exemplars].tolist() == order
    assert rows(store, clips.test) == of("one_shot_test", 10)


def test_a_clip_that_cannot_be_used_is_named(zero_shot: Path) -> None:
    data = np.load(zero_shot / "unseen_data.npy")
    data[3], data[4, 0, 0, 0, 0] = 0, np.nan
    np.save(zero_shot / "unseen_data.npy", data)
    made, _, store = imported(zero_shot)
    assert [entry["id"] for entry in made.bad] == ["unseen-000003", "unseen-000004"]
    assert "nobody" in made.bad[0]["reason"]
    assert "not finite" in made.bad[1]["reason"]
    assert not any(str(zero_shot) in entry["reason"] for entry in made.bad)
    assert len(store) == 178


def relabelled(folder: Path, part: str, labels: list[int]) -> None:
    np.save(folder / f"{part}_label.npy", np.array(labels))


@pytest.mark.parametrize(
    ("change", "split", "sentence"),
    [
        (lambda folder: relabelled(folder, "unseen", [4] * 15), None, "unseen classes in .* of no split of ntu60"),
        (lambda folder: relabelled(folder, "unseen", [5] * 15), None, "Pickup in both halves"),
        (lambda folder: relabelled(folder, "unseen", [4, 60, 4] * 5), None, "has the label 60 where the 60 classes"),
        (lambda folder: None, "smie_split_2", "seen_train_data.npy has clips of|seen_test_data.npy has clips of"),
        (lambda folder: None, "smie_split_9", "has no class split 'smie_split_9'"),
        (lambda folder: None, "oneshot_50_10", "holds zero-shot arrays, split oneshot_50_10 is of another kind"),
        (lambda folder: (folder / "unseen_label.npy").unlink(), None, "has no unseen_label.npy beside it"),
        (
            lambda folder: (folder / "unseen_data.npy").unlink(),
            None,
            "expected seen_train, unseen; give",
        ),
        (lambda folder: write(folder, "loop", [1]), None, "holds the arrays loop, seen_test"),
        (lambda folder: write(folder, "one_shot_train", [1]), None, "expected one_shot_exemplar, one_shot_train"),
        (
            lambda folder: np.save(folder / "unseen_data.npy", np.ones((15, 3, 50, 25, 1), np.float32)),
            None,
            r"clips of shape \(3, 50, 25, 1\) and \(3, 50, 25, 2\), expected one shape \(3, T, 25, 2\)",
        ),
        (
            lambda folder: np.save(folder / "unseen_data.npy", np.ones((15, 3, 64, 25, 2), np.float32)),
            None,
            "expected one shape",
        ),
        (
            lambda folder: np.save(folder / "unseen_data.npy", np.ones((15, 256), np.float32)),
            None,
            "extracted features cannot be read as clips",
        ),
        (lambda folder: np.save(folder / "unseen_label.npy", np.zeros(3, int)), None, "expected 15 integers"),
    ],
)
def test_wrong_folders(zero_shot: Path, change: Callable[[Path], Any], split: str | None, sentence: str) -> None:
    change(zero_shot)
    with pytest.raises(SkeltextError, match=sentence) as caught:
        imported(zero_shot, split=split)
    assert "\n" not in str(caught.value)
    assert [path.name for path in zero_shot.parent.iterdir()] == [zero_shot.name]


def test_an_exemplar_must_be_a_clip(one_shot: Path) -> None:
    data = np.load(one_shot / "one_shot_exemplar_data.npy")
    data[4] = 0
    np.save(one_shot / "one_shot_exemplar_data.npy", data)
    with pytest.raises(SkeltextError, match=r"one_shot_exemplar_data.npy\[4\] has nobody"):
        imported(one_shot)
    assert not one_shot.with_name("store").exists()


@pytest.mark.parametrize("count", [9, 11])
def test_a_wrong_number_of_exemplars(one_shot: Path, count: int) -> None:
    write(one_shot, "one_shot_exemplar", list(range(count)), labelled=False)
    with pytest.raises(SkeltextError, match=f"has {count} clips, expected one for each of the 10 unseen classes"):
        imported(one_shot)


def test_another_data_set(zero_shot: Path) -> None:
    with pytest.raises(SkeltextError, match=r"expected one shape \(3, T, 20, 1\) for utd-mhad"):
        imported(zero_shot, name="utd-mhad")
    with pytest.raises(SkeltextError, match="has the label 59 where the 51 classes of pku-mmd end at 50"):
        imported(zero_shot, name="pku-mmd")


def test_what_is_in_the_way_is_kept(zero_shot: Path) -> None:
    with pytest.raises(SkeltextError, match="is there already and is no prepared store"):
        import_arrays(zero_shot, dataset=NTU60, out=zero_shot)


def test_from_released_arrays_to_an_accuracy(
    zero_shot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, store, runs = tmp_path / "texts.npy", tmp_path / "store", tmp_path / "runs"
    np.save(texts, np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32))

    def call(*words: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        assert not ended.value.code
        return capsys.readouterr().out

    shown = call("import", zero_shot, "--dataset", "ntu60", "--out", store)
    assert "16,487, differs by" in shown
    assert "seen_train 110" in shown
    assert "--split smie_split_1 --preprocessing released" in shown
    made = json.loads(call("import", zero_shot, "--dataset", "ntu60", "--out", store, "--json"))
    assert made == read_manifest(store).to_json() | {key: made[key] for key in ("folder", "seconds", "split")}
    call(
        *("train", "--dataset", "ntu60", "--store", store, "--split", made["split"], "--preprocessing", "released"),
        *("--text-encoder", texts, "--encoder-options.hidden", 4, "--encoder-options.features", 16),
        *("--epochs", 1, "--pseudo-unseen", 0, "--batch-size", 32, "--device", "cpu", "--threads", 1, "--out", runs),
    )
    figures = json.loads(call("evaluate", runs, "--device", "cpu", "--json"))
    assert figures["chance"] == pytest.approx(1 / 5)
    assert figures["plain"]["last"] * 15 == pytest.approx(round(figures["plain"]["last"] * 15))
