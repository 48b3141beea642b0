"""PKU-MMD from its long recordings and label files: cuts, names, faults, the official lists, both phases."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from raw_trees import TWO_PEOPLE_PKU, Tree, pku_list, write_pku_tree

from skeltext.datasets.dataset import Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.prepare import prepare
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import split_clips
from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.formats import pku

PHASES = {1: dataset_named("pku-mmd"), 2: dataset_named("pku-mmd2")}


@pytest.fixture(scope="module", params=PHASES, ids="phase {}".format)
def phase(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def tree(phase: int, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return write_pku_tree(tmp_path_factory.mktemp("pku"), phase=phase)


def samples_of(folder: Path, phase: int, reading: str | None = None) -> dict[str, Sample]:
    return {sample.id: sample for sample in PHASES[phase].samples(Originals(folder, folder / "-"), reading=reading)}


def test_a_tree_becomes_a_store(tree: Tree, phase: int, tmp_path: Path) -> None:
    dataset = PHASES[phase]
    manifest = prepare(dataset.name, raw=tree.folder, out=tmp_path / "store", workers=2)
    store = open_store(tmp_path / "store")
    assert sorted(store.ids) == list(tree.good)
    assert {entry["id"] for entry in manifest.bad} == set(tree.bad)
    for entry in manifest.bad:
        assert tree.bad[entry["id"]] in entry["reason"]
        assert str(tree.folder) not in entry["reason"]
    for name, label in zip(store.ids, store.labels, strict=True):
        number = int(name.partition("C")[2][:3])
        assert PHASES[1].classes[number - 1] == store.classes[label]
    of_two = [int(name.partition("C")[2][:3]) in TWO_PEOPLE_PKU for name in store.ids]
    np.testing.assert_array_equal(store.bodies, np.where(of_two, 2, 1))
    assert any(of_two) == (phase == 1)
    assert set(store.cameras) == {1, 2, 3}
    for name in dataset.protocols:
        assert len(split_clips(store, next(iter(dataset.splits.values())), protocol=name).test)


def test_the_order_and_the_worker_do_not_matter(tree: Tree, phase: int, tmp_path: Path) -> None:
    name = PHASES[phase].name
    hashes = {prepare(name, raw=tree.folder, out=tmp_path / str(n), workers=n).hash for n in (1, 2)}
    assert len(hashes) == 1


def test_names_say_video_view_class_and_line(tree: Tree, phase: int) -> None:
    samples = samples_of(tree.folder, phase)
    if phase == 1:
        sample = samples["F291V002C004L002"]
        facts = (291, -1, 2, "Check time (from watch)")
    else:
        sample = samples["A001N002V002C004L002"]
        facts = (1, 2, 2, "Check time (from watch)")
    assert (sample.setup, sample.subject, sample.camera, PHASES[phase].classes[sample.label]) == facts


def test_cuts_reach_from_the_first_frame_to_the_last(tree: Tree, phase: int) -> None:
    samples = samples_of(tree.folder, phase)
    what = {name: samples[clip].read() for name, clip in tree.oddities.items() if clip in tree.good}
    video = "0005-L" if phase == 1 else "A04N01-L"
    [recording] = tree.folder.glob(f"PKU_Skeleton_Renew/{video}.txt")
    [labels] = tree.folder.glob(f"Train_Label_PKU_final/{video}.txt")
    rows = np.loadtxt(recording)[:, :75].reshape(-1, 25, 3)
    first, last = map(int, labels.read_text().split(",")[1:3])
    np.testing.assert_allclose(what["ordinary"].positions[0], rows[first - 1 : last], rtol=1e-6)
    np.testing.assert_allclose(what["from frame 0"].positions[0], rows[:12], rtol=1e-6)
    assert what["one frame"].T == 1


def test_long_clips_keep_their_middle_in_the_published_reading_only(tree: Tree, phase: int) -> None:
    name = tree.oddities["more than 300 frames"]
    published, whole = (samples_of(tree.folder, phase, reading)[name].read() for reading in ("published", "whole"))
    assert (published.T, whole.T) == (300, 301)
    np.testing.assert_array_equal(published.positions, whole.positions[:, :300])


def test_a_recording_is_parsed_once_for_its_cuts(tree: Tree, phase: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    plain = pku.read_pku
    monkeypatch.setattr(pku, "read_pku", lambda path: read.append(path) or plain(path))
    pku._recording.cache_clear()
    for sample in samples_of(tree.folder, phase).values():
        if sample.id in tree.good:
            sample.read()
    assert len(read) == len(set(read)) == 19  # six videos by three cameras, and the odd one


def test_what_changed_on_disk_is_read_again(tmp_path: Path) -> None:
    tree = write_pku_tree(tmp_path, videos=1, odd=False)
    sample = samples_of(tmp_path, 1)[tree.good[0]]
    before = sample.read()
    path = tmp_path / "PKU_Skeleton_Renew" / "0002-L.txt"
    path.write_text(path.read_text().replace(" 0.", " 1."))
    assert not np.array_equal(sample.read().positions, before.positions)
    path.unlink()
    with pytest.raises(SkeltextError, match=r"0002-L\.txt cannot be read"):
        sample.read()


def test_a_broken_recording_makes_its_cuts_bad_and_the_rest_go_on(tmp_path: Path) -> None:
    write_pku_tree(tmp_path / "raw", videos=2, odd=False)
    recordings, labels = (tmp_path / "raw" / name for name in ("PKU_Skeleton_Renew", "Train_Label_PKU_final"))
    (recordings / "0002-L.txt").write_text((recordings / "0002-L.txt").read_text()[:-100])
    (recordings / "0002-M.txt").write_bytes(b"")
    (labels / "0002-R.txt").write_bytes(b"\xff\xfe\x00")
    (labels / "0291-L.txt").write_bytes(b"\n\n")
    manifest = prepare("pku-mmd", raw=tmp_path / "raw", out=tmp_path / "store", workers=1)
    reasons = {entry["id"]: entry["reason"] for entry in manifest.bad}
    assert {name[:8] for name in reasons} == {"F002V001", "F002V002", "F002V003"}
    assert len(reasons) == 17 + 17 + 1
    assert "0002-R.txt is not utf-8 text" in reasons["F002V003"]
    assert {name[:8] for name in open_store(tmp_path / "store").ids} == {"F291V002", "F291V003"}


def test_spelling_and_place_of_the_files(tmp_path: Path) -> None:
    tree = write_pku_tree(tmp_path, videos=1, odd=False, lists=False)
    (tmp_path / "v1" / "Label").mkdir(parents=True)
    for path in (tmp_path / "Train_Label_PKU_final").iterdir():
        path.rename(tmp_path / "v1" / "Label" / path.name.lower())
    assert sorted(samples_of(tmp_path, 1)) == list(tree.good)


def test_both_phases_may_lie_in_one_folder(tmp_path: Path) -> None:
    trees = {phase: write_pku_tree(tmp_path, phase=phase, videos=2) for phase in PHASES}
    for phase, tree in trees.items():
        assert sorted(samples_of(tmp_path, phase)) == sorted([*tree.good, *tree.bad])


def test_without_labels_or_recordings_there_is_nothing_to_cut(tmp_path: Path) -> None:
    write_pku_tree(tmp_path, videos=1, odd=False)
    shutil.rmtree(tmp_path / "Train_Label_PKU_final")
    with pytest.raises(SkeltextError, match=r'3 recordings and 0 label files .* a folder with "label" in its name'):
        samples_of(tmp_path, 1)
    shutil.copytree(tmp_path / "PKU_Skeleton_Renew", tmp_path / "copy")
    with pytest.raises(SkeltextError, match=r"0002-L\.txt was found twice"):
        samples_of(tmp_path, 1)


def test_the_official_lists_are_checked(tree: Tree, phase: int, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(tree.folder, raw)
    [views] = (raw / "Split").glob("cross_view*.txt")
    views.write_text(views.read_text().replace("-L", "-X").replace("-R", "-L").replace("-X", "-R"))
    wrong = "0002-L" if phase == 1 else "A01N01-L"
    with pytest.raises(SkeltextError, match=f"{views.name} has {wrong} among the training videos"):
        samples_of(raw, phase)
    views.unlink()
    names = ("0300", "0002") if phase == 1 else ("A26N13", "A26N02")
    (raw / "cross-subject.txt").write_text(pku_list(names, []))
    with pytest.raises(SkeltextError, match=rf"cross-subject\.txt has {names[phase - 1]}-L among the training videos"):
        samples_of(raw, phase)
    (raw / "cross-subject.txt").write_text(pku_list([], names).replace("Validataion", "Validation"))
    with pytest.raises(SkeltextError, match=rf"has {names[2 - phase]}-L among the other videos"):
        samples_of(raw, phase)


def test_who_is_in_which_half() -> None:
    for phase, (by, train, test) in {1: ("setup", 320, 44), 2: ("subject", 10, 3)}.items():
        protocols = PHASES[phase].protocols
        everybody = set(range(1, 365)) if phase == 1 else set(range(1, 14))
        assert protocols["cross-subject"].by == by
        assert len(protocols["cross-subject"].train) == train
        assert len(everybody - protocols["cross-subject"].train) == test
        assert protocols["cross-view"][:2] == ("camera", {2, 3})


def test_the_classes_of_phase_2_are_those_of_one_person() -> None:
    first, second = PHASES[1], PHASES[2]
    assert (len(first.classes), len(second.classes)) == (51, 41)
    assert [name for name in first.classes if name in second.classes] == list(second.classes)
    assert {name for name in first.classes if re.search("other person|shaking|back of|on back", name)}.isdisjoint(
        second.classes
    )
    split = second.split("skeletonx_31_10")
    assert (len(split.seen), len(split.unseen)) == (31, 10)


def test_a_class_of_two_people_is_none_of_phase_2(tmp_path: Path) -> None:
    write_pku_tree(tmp_path, phase=2, videos=1, odd=False)
    (tmp_path / "Train_Label_PKU_final" / "A01N01-L.txt").write_text("12,1,5,2\n13,1,5,2\n")
    samples = samples_of(tmp_path, 2)
    with pytest.raises(SkeltextError, match="class 12, which is none of the 41 of PKU-MMD, phase 2"):
        samples["A001N001V001C012L001"].read()
    assert PHASES[2].classes[samples["A001N001V001C013L002"].label] == "Hand waving"
