"""From original files to a store, compared with the independent conversions that lie in the packs."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.kinect20 import PARTS
from skeltext.datasets.originals import Originals
from skeltext.datasets.prepare import find_samples, prepare
from skeltext.datasets.registry import DATASETS
from skeltext.datasets.store import Store, open_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.layouts import KINECT20

PACKS = {
    "utd-mhad": "utd_mhad",
    "msr-action3d": "msr_action3d",
    "nw-ucla": "nw_ucla",
    "gtu-action3d": "gtu_action3d",
    "hdm05": "hdm05_subset",
    "kinder-gator": "kinder_gator",
}
UNUSABLE = {"msr-action3d": {"a13_s09_e02"}}
QUICK = ("utd-mhad", "msr-action3d", "gtu-action3d")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("nw-ucla", "hdm05", "kinder-gator")]


def pack_of(real_data: Path, name: str) -> dict[str, Any]:
    """The arrays of a pack, the ids as the stores have them."""
    arrays = dict(np.load(real_data / PACKS[name] / f"{PACKS[name]}.npz"))
    arrays["ids"] = [str(sample).removesuffix("_skeleton") for sample in arrays["sample_ids"]]
    return arrays


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_originals_give_what_the_pack_holds(name: str, real_data: Path, tmp_path: Path) -> None:
    manifest = prepare(name, raw=real_data / PACKS[name], out=tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    store, pack = open_store(tmp_path / name), pack_of(real_data, name)
    unusable = UNUSABLE.get(name, set())
    assert {entry["id"] for entry in manifest.bad} == unusable
    kept = {sample: number for number, sample in enumerate(pack["ids"]) if sample not in unusable}
    assert sorted(store.ids) == sorted(kept)
    order = [kept[sample] for sample in store.ids]
    frames = np.diff(pack["offsets"])
    np.testing.assert_array_equal(store.labels, pack["labels"][order])
    np.testing.assert_array_equal(store.subjects, pack["subjects"][order])
    np.testing.assert_array_equal(store.cameras, pack["views"][order] if "views" in pack else -1)
    np.testing.assert_array_equal(store.frames, frames[order])
    assert manifest.clips == len(store) == len(order)
    assert manifest.frames == frames[order].sum()
    assert manifest.hash == store.hash
    for index in range(0, len(store), 7):
        start, stop = pack["offsets"][order[index]], pack["offsets"][order[index] + 1]
        ours = np.nan_to_num(store.clip(index).positions[0])
        np.testing.assert_allclose(ours, pack["joints"][start:stop], atol=2e-4)
    json.dumps(manifest.to_json())


def some_of_msr(unpacked: Callable[[str], Path], folder: Path, count: int) -> Path:
    folder.mkdir()
    for path in sorted(unpacked("msr_action3d").rglob("a*_skeleton3D.txt"))[:count]:
        shutil.copy(path, folder)
    return folder


def test_hash_does_not_depend_on_how_it_was_made(unpacked: Callable[[str], Path], tmp_path: Path) -> None:
    raw = some_of_msr(unpacked, tmp_path / "raw", 40)
    archive = shutil.make_archive(str(tmp_path / "msr"), "gztar", raw)
    seen: list[tuple[int, int]] = []
    made = [
        prepare("msr-action3d", raw=Path(archive), out=tmp_path / "archive", workers=1),
        prepare("msr-action3d", raw=raw, out=tmp_path / "files", workers=2),
        prepare(
            "msr-action3d",
            raw=str(raw),
            out=str(tmp_path / "files"),
            workers=1,
            progress=lambda done, count: seen.append((done, count)),
        ),
    ]
    assert len({manifest.hash for manifest in made}) == 1
    assert seen == [(number, 40) for number in range(1, 41)]
    open_store(tmp_path / "files").verify()


def test_bad_recordings_are_listed_and_the_others_go_on(unpacked: Callable[[str], Path], tmp_path: Path) -> None:
    raw = some_of_msr(unpacked, tmp_path / "raw", 40)
    (raw / "a01_s01_e01_skeleton3D.txt").write_bytes(b"")
    (raw / "a01_s01_e02_skeleton3D.txt").write_bytes(b"\xff\xfe\x00")
    (raw / "a01_s01_e03_skeleton3D.txt").unlink()
    (raw / "a01_s01_e03_skeleton3D.txt").symlink_to(raw / "nowhere")
    (raw / "a99_s01_e03_skeleton3D.txt").write_text("0 0 0 0\n")
    manifest = prepare("msr-action3d", raw=raw, out=tmp_path / "store", workers=2)
    assert manifest.clips == 37
    assert [entry["id"] for entry in manifest.bad] == ["a01_s01_e01", "a01_s01_e02", "a01_s01_e03", "a99_s01_e03"]
    assert manifest.bad[0]["reason"].startswith("a01_s01_e01_skeleton3D.txt is empty")
    assert manifest.bad[3]["reason"] == "class 99 of 20, going by its name"
    assert all("\n" not in entry["reason"] and str(tmp_path) not in entry["reason"] for entry in manifest.bad)
    assert [dict(entry) for entry in open_store(tmp_path / "store").bad] == manifest.bad


def test_a_folder_without_any_use_leaves_nothing_behind(unpacked: Callable[[str], Path], tmp_path: Path) -> None:
    raw = some_of_msr(unpacked, tmp_path / "raw", 2)
    for path in raw.iterdir():
        path.write_text("nothing")
    with pytest.raises(SkeltextError, match="none of the 2 recordings of msr-action3d could be used; the first, a01"):
        prepare("msr-action3d", raw=raw, out=tmp_path / "store")
    with pytest.raises(SkeltextError, match=r"no file named like a1_s1_t1_skeleton\.mat lies below"):
        prepare("utd-mhad", raw=raw, out=tmp_path / "store")
    for name in ("a", "b"):
        (raw / name).mkdir()
        (raw / name / "movement1.txt").touch()
    with pytest.raises(SkeltextError, match="holds no recording of gtu-action3d"):
        prepare("gtu-action3d", raw=raw, out=tmp_path / "store")
    with pytest.raises(SkeltextError, match="holds no folder named like kinder-gator"):
        prepare("kinect20", raw=raw, out=tmp_path / "store")
    assert os.listdir(tmp_path) == ["raw"]


def test_what_cannot_be_prepared_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SkeltextError, match="needs its original files; get them"):
        prepare("utd-mhad", out=tmp_path / "store")
    with pytest.raises(SkeltextError, match="utd-mhad cannot be read as 'film'; it has originals"):
        prepare("utd-mhad", raw=tmp_path, out=tmp_path / "store", reading="film")
    monkeypatch.setitem(DATASETS, "names", replace(DATASETS["utd-mhad"], name="names", readings={}))
    with pytest.raises(SkeltextError, match="names is registered for its classes and splits, but cannot be prepared"):
        prepare("names", raw=tmp_path, out=tmp_path / "store")
    with pytest.raises(SkeltextError, match="'utd' is not known"):
        prepare("utd", raw=tmp_path, out=tmp_path / "store")
    with pytest.raises(SkeltextError, match="does not exist"):
        prepare("utd-mhad", raw=tmp_path / "nowhere", out=tmp_path / "store")
    (tmp_path / "file").touch()
    with pytest.raises(SkeltextError, match="is no prepared store"):
        prepare("utd-mhad", raw=tmp_path, out=tmp_path / "file")
    with pytest.raises(SkeltextError, match="cannot be written"):
        prepare("utd-mhad", raw=tmp_path, out=tmp_path / "file" / "store")
    assert os.listdir(tmp_path) == ["file"]


def test_a_dying_process_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deadly = Dataset(
        name="deadly",
        title="",
        layout=KINECT20,
        fps=30.0,
        classes=("a", "b"),
        source="",
        citation="",
        licence="",
        readings={
            "deadly": lambda originals: (
                Sample(id=str(number), label=0, read=partial(os._exit, 1))  # type: ignore[arg-type]
                for number in range(40)
            )
        },
    )
    monkeypatch.setitem(DATASETS, "deadly", deadly)
    with pytest.raises(SkeltextError, match="a process that reads recordings died"):
        prepare("deadly", raw=tmp_path, out=tmp_path / "store", workers=2)
    assert not os.listdir(tmp_path)


def test_ntu_names_say_everything(tmp_path: Path) -> None:
    joint = "0.1 0.2 3.0 0 0 0 0 1 0 0 0 2"
    body = "\n".join(["7 0 0 0 0 0 0 0 0 2", "25", *[joint] * 25])
    for name in ("S001C002P003R002A013", "S018C003P008R001A061"):
        (tmp_path / f"{name}.skeleton").write_text(f"2\n1\n{body}\n1\n{body}\n")
    (tmp_path / "S001C001P001R001A001.skeleton").write_text("1\n0\n")
    manifest = prepare("ntu60", raw=tmp_path, out=tmp_path / "ntu60")
    store = open_store(tmp_path / "ntu60")
    assert (store.ids, store.classes[store.labels[0]]) == (("S001C002P003R002A013",), "Tear up paper")
    assert (store.subjects.tolist(), store.cameras.tolist(), store.setups.tolist()) == ([3], [2], [1])
    assert [entry["id"] for entry in manifest.bad] == ["S001C001P001R001A001"]
    assert prepare("ntu120", raw=tmp_path, out=tmp_path / "ntu120").clips == 2


def test_builtin_samples() -> None:
    samples = find_samples(DATASETS["builtin"], Originals(Path("."), Path(".")))
    assert len(samples) == len({sample.id for sample in samples}) == 48 * 12 * 2
    assert Counter(sample.label for sample in samples) == dict.fromkeys(range(48), 24)
    assert samples[0].read().layout == DATASETS["builtin"].layout


@pytest.mark.slow
def test_builtin_needs_no_originals(tmp_path: Path) -> None:
    manifest = prepare("builtin", out=tmp_path / "store")
    assert (manifest.clips, manifest.bad) == (48 * 12 * 2, [])


def recipe_of_the_union(real_data: Path) -> dict[str, dict[str, Any]]:
    """What the union should hold, by id, made from the arrays of the packs: class, source, subject, positions."""
    rename = json.loads((real_data / "kinect20_union" / "union.json").read_text("utf-8"))["rename"]
    wanted = {}
    for number, part in enumerate(PARTS, 1):
        pack, meta = pack_of(real_data, part.name), real_data / PACKS[part.name] / "meta.json"
        facts, taken = json.loads(meta.read_text("utf-8")), Counter[int]()
        for index, sample in enumerate(pack["ids"]):
            label = int(pack["labels"][index])
            taken[label] += 1
            x = pack["joints"][pack["offsets"][index] : pack["offsets"][index + 1]].astype(np.float64)
            x = x[:, facts.get("kinect20_index", list(range(20)))]
            if "active_start" in pack:
                x = x[pack["active_start"][index] : pack["active_end"][index]]
            x = x[~(x == 0).all(axis=(1, 2))]
            if taken[label] > 40 or len(x) < 8:
                continue
            across = (x[0, 16] - x[0, 12])[[0, 2]]
            cosine, sine = across / np.hypot(*across)
            name, subject = facts["class_names"][label], int(pack["subjects"][index])
            wanted[f"{part.name}/{sample}"] = {
                "class": rename[PACKS[part.name]].get(name, name),
                "source": part.name,
                "subject": -1 if subject < 0 else 10_000 * number + subject,
                "positions": (x - x[0, 0]) @ np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]),
            }
    return wanted


@pytest.mark.slow
def test_union_follows_its_recipe(real_data: Path, tmp_path: Path) -> None:
    manifest = prepare("kinect20", raw=real_data, out=tmp_path / "store")
    assert (manifest.clips, len(manifest.classes)) == (3759, 86)
    assert min(manifest.classes.values()) >= 10
    assert [entry["id"] for entry in manifest.bad] == ["msr-action3d/a13_s09_e02"]
    store, wanted = open_store(tmp_path / "store"), recipe_of_the_union(real_data)
    assert set(store.ids) == set(wanted)
    assert list(dict.fromkeys(sample.split("/")[0] for sample in store.ids)) == [part.name for part in PARTS]
    trimmed = [assert_as_wanted(store, index, wanted[sample]) for index, sample in enumerate(store.ids)]
    assert np.mean(trimmed) < 2.0


def assert_as_wanted(store: Store, index: int, wanted: dict[str, Any]) -> int:
    """Compare one clip; returns by how many frames its length differs, which only trimmed clips may."""
    assert store.classes[store.labels[index]] == wanted["class"]
    assert store.source_names[store.sources[index]] == wanted["source"]
    assert store.subjects[index] == wanted["subject"]
    if wanted["source"] == "kinder-gator":
        return abs(int(store.frames[index]) - len(wanted["positions"]))
    # The packs are rounded to a quarter of a millimetre, which turns a narrow pair of hips by milliradians.
    np.testing.assert_allclose(store.clip(index).positions[0], wanted["positions"], atol=3e-2)
    return 0
