"""The registered data sets: their facts agree with the packs they come with, and importing them is cheap."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from skeltext.datasets.dataset import Dataset, View
from skeltext.datasets.registry import DATASETS, dataset_named
from skeltext.datasets.splitting import chosen
from skeltext.errors import SkeltextError
from skeltext.skeletons.layouts import KINECT20

PACKS = {
    "utd-mhad": "utd_mhad",
    "kinder-gator": "kinder_gator",
    "msr-action3d": "msr_action3d",
    "nw-ucla": "nw_ucla",
    "gtu-action3d": "gtu_action3d",
    "hdm05": "hdm05_subset",
    "kinect20": "kinect20_union",
}


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_splits_fit_their_view(dataset: Dataset) -> None:
    assert next(iter(dataset.views.values())).classes == dataset.classes
    assert all(name == split.name for name, split in dataset.splits.items())
    for split in dataset.splits.values():
        classes = dataset.views[split.view].classes
        assert set(split.seen) | set(split.unseen) <= set(classes)
        assert list(split.unseen) == sorted(split.unseen, key=classes.index)
        assert list(split.seen) == sorted(split.seen, key=classes.index)
        assert split.source
        assert len(split.exemplars) in (0, len(split.unseen))


@pytest.mark.parametrize(
    ("dataset", "split", "seen", "unseen"),
    [
        ("ntu60", "synse_55_5", 55, 5),
        ("ntu60", "synse_48_12", 48, 12),
        ("ntu60", "synse_val_50_5", 50, 5),
        ("ntu60", "smie_split_1", 55, 5),
        ("ntu120", "synse_110_10", 110, 10),
        ("ntu120", "synse_96_24", 96, 24),
        ("ntu120", "synse_val_72_24", 72, 24),
        ("ntu120", "oneshot_100_20", 100, 20),
        ("ntu120", "oneshot_skeletonx_ablation_80_20_20", 80, 20),
        ("pku-mmd", "smie_split_7", 46, 5),
        ("pku-mmd", "star_39_12", 39, 12),
        ("utd-mhad", "0", 20, 7),
        ("utd-mhad", "purls_14_13", 14, 13),
        ("kinder-gator", "0", 33, 10),
        ("kinect20", "2", 70, 16),
        ("hdm05", "1", 8, 3),
        ("builtin", "0", 36, 12),
    ],
)
def test_split_sizes(dataset: str, split: str, seen: int, unseen: int) -> None:
    found = dataset_named(dataset).split(split)
    assert (len(found.seen), len(found.unseen)) == (seen, unseen)


def test_validation_splits_exclude_the_unseen_classes_of_their_parent() -> None:
    for dataset, parent, validation in (
        ("ntu60", "synse_55_5", "synse_val_50_5"),
        ("ntu60", "synse_48_12", "synse_val_36_12"),
        ("ntu120", "synse_110_10", "synse_val_100_10"),
        ("ntu120", "synse_96_24", "synse_val_72_24"),
    ):
        whole, part = (dataset_named(dataset).split(name) for name in (parent, validation))
        assert set(part.seen) | set(part.unseen) == set(whole.seen)


def test_known_names_of_published_splits() -> None:
    assert dataset_named("ntu60").split("synse_55_5").unseen == (
        "Reading",
        "Writing",
        "Put on a hat/cap",
        "Jumping up",
        "Touching other person's pocket",
    )


def test_training_subjects() -> None:
    by_name = {name: DATASETS[name].protocols["cross-subject"] for name in ("ntu60", "ntu120", "utd-mhad")}
    assert {protocol.by for protocol in by_name.values()} == {"subject"}
    assert len(by_name["ntu60"].train) == 20
    assert len(by_name["ntu120"].train) == 53
    assert by_name["ntu60"].train < by_name["ntu120"].train
    assert by_name["utd-mhad"].train == {1, 3, 5, 7}
    assert {name for name, dataset in DATASETS.items() if dataset.bodies == 2} >= {"ntu60", "ntu120", "pku-mmd"}


def test_hdm05_splits_follow_their_rule() -> None:
    dataset = DATASETS["hdm05"]
    for seed in range(3):
        assert set(dataset.split(str(seed)).unseen) == set(chosen(dataset.classes, count=3, seed=seed))


def test_classes_agree_with_the_packs(real_data: Path) -> None:
    for name, pack in PACKS.items():
        if pack != "kinect20_union":
            meta = json.loads((real_data / pack / "meta.json").read_text("utf-8"))
            assert list(DATASETS[name].classes) == meta["class_names"]
            assert DATASETS[name].fps == meta["fps"]


def test_splits_agree_with_the_packs(real_data: Path) -> None:
    for name, pack in PACKS.items():
        path = real_data / pack / "zsl_splits.json"
        if path.exists():
            for entry in json.loads(path.read_text("utf-8"))["splits"]:
                split = DATASETS[name].split(str(entry["seed"]))
                assert sorted(split.unseen) == entry["unseen"]
                assert sorted(split.seen) == entry["seen"]


def test_kinder_gator_views_agree_with_the_pack(real_data: Path) -> None:
    merged = json.loads((real_data / "kinder_gator" / "meta.json").read_text("utf-8"))["merged_labels"]
    for view, entry in (("48", merged["side_merged"]), ("43", merged["side_and_intensity_merged"])):
        assert DATASETS["kinder-gator"].views[view] == (tuple(entry["class_names"]), tuple(entry["from_class"]))


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(SkeltextError, match="'ntu' is not known; known are builtin, utd-mhad"):
        dataset_named("ntu")
    with pytest.raises(SkeltextError, match="no class split '7'; it has 0, 1, 2"):
        dataset_named("hdm05").split("7")


def test_a_data_set_refuses_views_that_do_not_map() -> None:
    facts = {"name": "t", "title": "t", "layout": KINECT20, "fps": 30.0, "source": "", "citation": "", "licence": ""}
    with pytest.raises(SkeltextError, match="view 1 does not map 2 classes"):
        Dataset(classes=("a", "b"), views={"1": View(("a",), (0, 1))}, **facts)  # type: ignore[arg-type]
    with pytest.raises(SkeltextError, match="the same name"):
        Dataset(classes=("a", "a"), **facts)  # type: ignore[arg-type]


def test_registry_is_light_and_ready_for_worker_processes() -> None:
    code = (
        "import sys, skeltext.datasets.registry; print([m for m in ('torch', 'scipy', 'pandas') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.strip() == "[]"
    assert pickle.loads(pickle.dumps(DATASETS["utd-mhad"])) == DATASETS["utd-mhad"]
