"""The manifest counts what a store holds, is read back as it was, and says in words how two of them differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skeltext.benchmark.tables import manifest_table
from skeltext.datasets.dataset import Dataset, Protocol, Sample
from skeltext.datasets.manifest import MANIFEST, Manifest, differences, manifest_in, manifest_of, read_manifest
from skeltext.datasets.registry import DATASETS
from skeltext.datasets.store import open_store
from skeltext.datasets.store_writing import Outcome, write_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

TOY = Dataset(
    name="toy",
    title="Toy",
    layout=KINECT20,
    fps=30.0,
    classes=("wave", "bow", "jump"),
    protocols={
        "cross-subject": Protocol("subject", frozenset({1}), "here"),
        "cross-setup": Protocol("setup", frozenset({4}), "here"),
    },
    expected={"clips": 6, "recordings": 7, "cross-subject train": 3},
    source="nowhere",
    citation="none",
    licence="none",
)


def outcomes(count: int = 5) -> Iterator[Outcome]:
    """Waves and bows by subjects 1 and 2, seen by an unknown camera, and one recording that is empty."""
    clip = Clip(positions=np.zeros((2, 3, 20, 3), np.float32), layout=KINECT20, fps=30.0)
    for number in range(count):
        sample = Sample(id=f"c{number}", label=number % 2, subject=1 + number % 2, setup=number, read=lambda: clip)
        yield sample, clip
    yield Sample(id="empty", label=0, read=lambda: clip), "the file is empty"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    write_store(tmp_path / "toy", TOY, outcomes(), reading="files")
    return read_manifest(tmp_path / "toy")


def test_it_counts_the_clips(manifest: Manifest) -> None:
    assert (manifest.dataset, manifest.reading, manifest.clips, manifest.frames) == ("toy", "files", 5, 15)
    assert manifest.classes == {"wave": 3, "bow": 2, "jump": 0}
    assert (manifest.subjects, manifest.cameras) == ({"1": 3, "2": 2}, {"-1": 5})
    assert manifest.setups == dict.fromkeys("01234", 1)
    assert manifest.sources == {"toy": 5}
    assert manifest.protocols == {"cross-subject": {"train": 3, "test": 2}, "cross-setup": {"train": 1, "test": 4}}
    assert manifest.bad == [{"id": "empty", "reason": "the file is empty"}]
    assert set(manifest.versions) == {"skeltext", "store", "numpy", "python"}
    assert manifest.counts() == {
        **{"recordings": 6, "clips": 5, "unusable": 1, "frames": 15, "classes": 2, "subjects": 2, "cameras": 0},
        **{"setups": 5, "cross-subject train": 3, "cross-subject test": 2, "cross-setup train": 1},
        "cross-setup test": 4,
    }


def test_it_is_read_as_it_was_written(manifest: Manifest, tmp_path: Path) -> None:
    assert manifest == manifest_of(open_store(tmp_path / "toy"), expected=TOY.expected)
    assert read_manifest(tmp_path / "toy" / MANIFEST) == manifest
    printed = replace(manifest, folder="elsewhere", seconds=3.0).to_json() | {"differences": []}
    (tmp_path / "printed.json").write_text(json.dumps(printed))
    assert read_manifest(tmp_path / "printed.json") == manifest
    assert manifest_in(tmp_path / "toy") == replace(manifest, folder=str(tmp_path / "toy"))
    assert manifest_in(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        *({name: None} for name in ("clips", "classes", "protocols", "bad", "hash", "versions")),
        {"clips": "5"},
        {"classes": {"wave": "3"}},
        {"protocols": {"cross-subject": {"train": 1}}},
        {"bad": ["c3"]},
        {"bad": [{"id": "c3"}]},
        {"subjects": [1, 2]},
    ],
)
def test_what_is_no_manifest_is_one_sentence(manifest: Manifest, tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps(manifest.to_json() | change))
    with pytest.raises(SkeltextError, match=r"other\.json is not the manifest of a prepared store"):
        read_manifest(path)


@pytest.mark.parametrize("text", ["no JSON", "[]", "3", "{}", '{"clips": 3}', "[" * 100_000])
def test_other_files_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(SkeltextError, match="is not the manifest of a prepared store"):
        read_manifest(tmp_path / "other.json")
    with pytest.raises(SkeltextError, match=r"nowhere\.json"):
        read_manifest(tmp_path / "nowhere.json")


def test_equal_stores_are_said_to_be_equal(manifest: Manifest) -> None:
    other = replace(manifest, versions={"skeltext": "9"}, bad=[])
    assert differences(manifest, other) == [
        f"The clips are the same, bit for bit: both have hash {manifest.hash[:12]}."
    ]


def test_differences_are_told_in_words(manifest: Manifest, tmp_path: Path) -> None:
    write_store(tmp_path / "fewer", TOY, list(outcomes(4))[:-1], reading="archive")
    other = read_manifest(tmp_path / "fewer")
    other = replace(other, bad=[{"id": "late", "reason": "cut off"}], versions=other.versions | {"numpy": "0.1"})
    first, *found = differences(manifest, other)
    assert first.startswith("The clips differ: hash ")
    assert found == [
        "Reading: files here, archive there.",
        "Clips: 5 here, 4 there.",
        "Frames: 15 here, 12 there.",
        f"Version of numpy: {np.__version__} here, 0.1 there.",
        "Classes with another number of clips: wave (3 here, 2 there).",
        "Subjects with another number of clips: 1 (3 here, 2 there).",
        "Cameras with another number of clips: -1 (5 here, 4 there).",
        "Setups with another number of clips: 4 (1 here, 0 there).",
        "Sources with another number of clips: toy (5 here, 4 there).",
        "Protocol cross-subject: 3 train and 2 test here, 2 train and 2 test there.",
        "Protocol cross-setup: 1 train and 4 test here, 0 train and 4 test there.",
        "Unusable only here: empty (the file is empty).",
        "Unusable only there: late (cut off).",
    ]
    assert differences(manifest, replace(manifest, hash="0" * 64))[1:] == [
        "All counts are the same: the clips themselves, their names or their order differ."
    ]
    worse = replace(manifest, hash="0" * 64, bad=[{"id": "empty", "reason": "no body"}])
    assert differences(manifest, worse)[1:] == [
        "Unusable for another reason: empty (the file is empty here, no body there)."
    ]


def test_long_lists_are_cut(manifest: Manifest) -> None:
    many = replace(manifest, hash="0" * 64, bad=[{"id": f"b{n}", "reason": "gone"} for n in range(1000)])
    assert differences(manifest, many)[-1].endswith("b7 (gone) and 992 more.")


def test_published_counts_stand_beside_the_measured_ones(
    manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    Console(width=100).print(manifest_table(manifest))
    lines = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines() if line.count("│") > 2}
    assert "6, differs by -1" in lines["clips"]
    assert "7, differs by -1" in lines["recordings"]
    assert lines["cross-subject train"].split("│")[3].strip() == "3"
    assert lines["cross-subject test"].split("│")[3].strip() == ""


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_published_counts_have_names_that_are_measured(dataset: Dataset, manifest: Manifest) -> None:
    halves = {name: {"train": 0, "test": 0} for name in dataset.protocols}
    assert set(dataset.expected) <= set(replace(manifest, protocols=halves).counts())
