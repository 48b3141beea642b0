"""NTU RGB+D from files as they are downloaded: names, oddities, the list of incomplete samples, protocols."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from raw_trees import NTU_LISTED, Tree, ntu_names, write_ntu_tree

from skeltext.datasets.dataset import Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.prepare import find_samples, prepare
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import split_clips
from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.formats.ntu import parse_ntu_name, read_ntu
from skeltext.skeletons.preprocessing import preprocessing_named

NTU60, NTU120 = dataset_named("ntu60"), dataset_named("ntu120")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """One file of every class and every oddity."""
    return write_ntu_tree(tmp_path_factory.mktemp("ntu"), files=60)


def odd_samples(tree: Tree, reading: str) -> dict[str, Sample]:
    """The samples of the odd files, by what is odd about them."""
    by_id = {sample.id: sample for sample in NTU60.samples(Originals(tree.folder, tree.folder / "-"), reading=reading)}
    return {what: by_id[name] for what, name in tree.oddities.items()}


def test_2000_files_become_a_store(tmp_path: Path) -> None:
    tree = write_ntu_tree(tmp_path / "raw", files=2000)
    manifest = prepare("ntu60", raw=tree.folder, out=tmp_path / "store", workers=2)
    store = open_store(tmp_path / "store")
    assert manifest.clips == len(store) == len(tree.good)
    assert sorted(store.ids) == list(tree.good)
    assert [entry["id"] for entry in manifest.bad] == sorted(tree.bad)
    for entry in manifest.bad:
        assert tree.bad[entry["id"]] in entry["reason"]
        assert str(tmp_path) not in entry["reason"]
    for index in range(0, len(store), 97):
        said = parse_ntu_name(store.ids[index])
        assert store.labels[index] == said.action - 1
        assert (store.subjects[index], store.cameras[index], store.setups[index]) == (
            said.performer,
            said.camera,
            said.setup,
        )
    for name in ("smie_split_1", "smie_split_2", "smie_split_3"):
        found = split_clips(store, NTU60.split(name))
        assert set(store.labels[found.train]) == set(found.seen)
        assert set(store.labels[found.test]) == set(found.unseen)
        assert set(store.labels[found.seen_test]) == set(found.seen)


def test_every_oddity_is_read_as_published(tree: Tree) -> None:
    clips = {what: sample.read() for what, sample in odd_samples(tree, "published").items() if sample.id in tree.good}
    alone = {"frames without anybody", "ids that change", "infinite image columns", "CRLF", "another spelling"}
    assert {what for what, clip in clips.items() if clip.M == 1} == alone
    seen = clips["frames without anybody"].tracked.all(axis=(0, 2))
    assert seen[:6].tolist() == [True, True, False, True, True, True]
    assert not seen[-2:].any()
    assert clips["four bodies"].M == clips["bodies in turn"].M == 2
    assert all(clip.tracked[0].all() for what, clip in clips.items() if what != "frames without anybody")
    far = np.abs(np.diff(clips["bodies in turn"].positions[0, :, 0], axis=0)).sum(axis=1)
    assert (far > 0.01).all(), "the first of each frame is body 0, whoever that is"


def test_every_oddity_is_read_by_tracking_id(tree: Tree) -> None:
    clips = {what: sample.read() for what, sample in odd_samples(tree, "tracked").items() if sample.id in tree.good}
    assert clips["four bodies"].M == 3
    assert clips["bodies in turn"].M == 2
    assert np.ptp(clips["bodies in turn"].positions[1], axis=0).max() == 0, "somebody who stands still stays one track"
    assert clips["ids that change"].M == -(-clips["ids that change"].T // 3)
    np.testing.assert_array_equal(clips["ids that change"].tracked.any(axis=2).sum(axis=0), 1)


@pytest.mark.parametrize("reading", ["published", "tracked"])
def test_every_fault_is_one_sentence(tree: Tree, reading: str) -> None:
    for sample in odd_samples(tree, reading).values():
        if sample.id in tree.bad:
            with pytest.raises(SkeltextError, match=tree.bad[sample.id]):
                sample.read()


def test_one_body_is_prepared_as_if_an_absent_one_stood_beside(tree: Tree) -> None:
    """The published arrays have zeros for the second person; leaving that body out changes nothing."""
    clip = odd_samples(tree, "published")["ids that change"].read()
    recipe = preprocessing_named("published50", layout="ntu25", bodies=2)
    ready = recipe(clip)  # (C, T, V, M)
    assert ready.shape[3] == 2
    assert not ready[..., 1].any()


def test_archives_as_downloaded_give_the_same_clips(tmp_path: Path) -> None:
    zipped = write_ntu_tree(tmp_path / "zipped", files=240, classes=120, zipped=True)
    plain = write_ntu_tree(tmp_path / "plain", files=240, classes=120)
    inside = {
        name: ZipFile(zipped.folder / name).namelist()[0] for name in sorted(p.name for p in zipped.folder.iterdir())
    }
    assert inside["nturgbd_skeletons_s001_to_s017.zip"].startswith("nturgb+d_skeletons/S0")
    assert list(inside) == ["nturgbd_skeletons_s001_to_s017.zip", "nturgbd_skeletons_s018_to_s032.zip"]
    made = [
        prepare("ntu120", raw=tree.folder, out=tmp_path / f"{tree.folder.name}-store", workers=1)
        for tree in (zipped, plain)
    ]
    stores = [open_store(Path(manifest.folder)) for manifest in made]
    assert [sorted(store.ids) for store in stores] == [list(plain.good)] * 2
    assert np.bincount(stores[0].labels, minlength=120).min() == 2
    few = prepare("ntu60", raw=plain.folder, out=tmp_path / "sixty", workers=1)
    assert few.clips == sum(name[-3:] <= "060" for name in plain.good)


@pytest.mark.parametrize("reading", [None, "published"])
def test_the_default_reading_is_the_published_one(golden: Path, tmp_path: Path, reading: str | None) -> None:
    example = (golden / "preprocessing" / "synthetic.skeleton").read_bytes()
    (tmp_path / "S001C001P001R001A002.skeleton").write_bytes(example)
    [sample] = find_samples(NTU60, Originals(tmp_path, tmp_path / "-"), reading=reading)
    published = np.load(golden / "preprocessing" / "skeleton_parser.npz")["xyz_C_T_V_M"]
    ours = np.nan_to_num(sample.read().positions).transpose(3, 1, 2, 0)  # C T V M
    np.testing.assert_allclose(ours, published, rtol=1e-6)


def test_the_lists_of_incomplete_samples() -> None:
    assert (len(NTU60.bad_clips), len(NTU120.bad_clips)) == (302, 535)
    assert NTU60.bad_clips.items() < NTU120.bad_clips.items()
    assert NTU_LISTED in NTU60.bad_clips
    assert {parse_ntu_name(name).setup for name in NTU60.bad_clips} == set(range(1, 18))
    assert {parse_ntu_name(name).setup for name in NTU120.bad_clips} == set(range(1, 33)) - {18}


# With the incomplete samples there are 56,880, of which every camera recorded a third, and 114,480.
@pytest.mark.parametrize(
    ("name", "protocol", "train", "test"),
    [
        ("ntu60", "cross-subject", 40_320, 16_560),
        ("ntu60", "cross-view", 37_920, 18_960),
        ("ntu120", "cross-subject", 63_360, 51_120),
        ("ntu120", "cross-setup", 54_720, 59_760),
    ],
)
def test_published_counts_and_incomplete_samples_agree(name: str, protocol: str, train: int, test: int) -> None:
    dataset = dataset_named(name)
    halves = list(in_training(dataset.bad_clips, name, protocol))
    assert dataset.expected[f"{protocol} train"] + sum(halves) == train
    assert dataset.expected[f"{protocol} test"] + len(halves) - sum(halves) == test
    assert dataset.expected["clips"] + len(halves) == train + test


def in_training(clips: object, name: str, protocol: str) -> Iterator[bool]:
    by, train, _ = dataset_named(name).protocols[protocol]
    for clip in clips:  # type: ignore[attr-defined]
        said = parse_ntu_name(clip)
        yield {"subject": said.performer, "camera": said.camera, "setup": said.setup}[by] in train


def test_who_is_in_which_half() -> None:
    assert NTU60.protocols["cross-view"][:2] == ("camera", {2, 3})
    assert NTU120.protocols["cross-setup"][:2] == ("setup", set(range(2, 33, 2)))
    for dataset, protocol in ((NTU60, "cross-subject"), (NTU60, "cross-view"), (NTU120, "cross-setup")):
        names = ntu_names(2000, classes=len(dataset.classes))
        assert len(set(names)) == 2000
        assert set(in_training(names, dataset.name, protocol)) == {True, False}


def test_the_two_readings_differ_in_who_is_body_0(tmp_path: Path) -> None:
    tree = write_ntu_tree(tmp_path, files=1)
    [path] = tree.folder.rglob(f"{tree.oddities['bodies in turn']}.skeleton")
    first, tracked = read_ntu(path, bodies="file order"), read_ntu(path)
    np.testing.assert_array_equal(first.positions[0, ::2], tracked.positions[0, ::2])
    np.testing.assert_array_equal(first.positions[0, 1::2], tracked.positions[1, 1::2])
