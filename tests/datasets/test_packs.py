"""Packs become data sets of our classes, their sides, rates and windows as they are; real ones show people upright."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pack_trees import joints_of, raising, write_arrays, write_list, write_pack

from skeltext.datasets.originals import Originals
from skeltext.datasets.packs import PACKS
from skeltext.datasets.prepare import prepare
from skeltext.datasets.store import open_store
from skeltext.datasets.tables import table
from skeltext.errors import SkeltextError
from skeltext.skeletons.layouts import KINECT20

MOTION_FILES = ("bandai-namco-more",)
ARRAYS = [name for name in PACKS if name not in MOTION_FILES]
FIRST_WORDS = {name: next(iter(table("packs")[name]["classes"])) for name in PACKS}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_pack_of_arrays_becomes_clips_of_our_classes(name: str, tmp_path: Path) -> None:
    facts = table("packs")[name]
    write_pack(tmp_path / "raw", name, labels=[*facts["classes"], "of another pack"], frames=20)
    manifest = prepare(name, raw=tmp_path / "raw", out=tmp_path / "store", workers=1)
    ours = [label for label in facts["classes"].values() if label is not None]
    store = open_store(tmp_path / "store")
    assert (manifest.clips, manifest.bad) == (len(ours), [])
    assert [store.classes[label] for label in store.labels] == ours
    assert list(store.subjects) == [n for n, label in enumerate(facts["classes"].values(), 1) if label is not None]
    assert set(store.rates) == {facts["fps"] or 30.0}
    clip = store.clip(0)
    assert (clip.M, clip.T, clip.layout.name) == (facts.get("bodies", 1), 20, facts.get("layout", "kinect20"))


@pytest.mark.parametrize("name", [name for name in ARRAYS if PACKS[name].layout is KINECT20])
def test_joints_keep_their_place_and_their_side(name: str, tmp_path: Path) -> None:
    write_pack(tmp_path, name, labels=[FIRST_WORDS[name]], frames=20)
    (sample,) = PACKS[name].samples(Originals(tmp_path, tmp_path / "scratch"))
    x = sample.read().positions[0]
    wanted = raising(joints_of(name), 20)
    for number, joint in enumerate(joints_of(name)):
        if joint in KINECT20.joints and joint not in table("packs")[name].get("midpoints", ()):
            np.testing.assert_allclose(x[:, KINECT20.index(joint)], wanted[:, number], atol=1e-5)
    assert x[0, KINECT20.index("right_hip"), 0] > x[0, KINECT20.index("left_hip"), 0]
    assert np.ptp(x[:, KINECT20.index("right_hand"), 1]) > 0.7
    assert np.ptp(x[:, KINECT20.index("left_hand"), 1]) == 0
    assert np.isfinite(x).all()


def test_the_second_person_is_the_second_body(tmp_path: Path) -> None:
    write_pack(tmp_path, "sbu-interaction", labels=["hug"], frames=20)
    (sample,) = PACKS["sbu-interaction"].samples(Originals(tmp_path, tmp_path / "scratch"))
    first, second = sample.read().positions
    np.testing.assert_allclose(second, first + np.array([1, 0, 0]), atol=1e-6)


def test_a_long_recording_is_cut_and_its_windows_say_where_they_start(tmp_path: Path) -> None:
    write_pack(tmp_path, "cad60", labels=["chop food"], frames=600)
    samples = list(PACKS["cad60"].samples(Originals(tmp_path, tmp_path / "scratch")))
    assert [sample.id for sample in samples] == [
        *("clip0@0.0", "clip0@2.9", "clip0@5.7", "clip0@8.6", "clip0@11.4", "clip0@14.3", "clip0@17.1")
    ]
    heights = [sample.read().positions[0, :, KINECT20.index("right_hand"), 1] for sample in samples]
    np.testing.assert_allclose(np.concatenate(heights), 0.8 + np.linspace(0, 1, 600), atol=1e-5)


def test_an_action_that_happens_once_is_not_cut(tmp_path: Path) -> None:
    write_pack(tmp_path, "msr-daily-activity", labels=["lie down on a sofa", "walk"], frames=270)
    samples = list(PACKS["msr-daily-activity"].samples(Originals(tmp_path, tmp_path / "scratch")))
    assert [sample.id for sample in samples] == ["clip0", "clip1@0.0", "clip1@4.5"]


@pytest.fixture
def bvh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that writes a BVH in which the adult walks forward by 10 cm a frame."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "formats")
    from bvh_rigs import PROGRAMS, text

    def write(name: str, *, frames: int, fps: float = 30.0) -> None:
        (tmp_path / "bvh").mkdir(exist_ok=True)
        written = text(PROGRAMS["cmu"], frames=frames).replace("0.016667", f"{1 / fps:.7f}")
        (tmp_path / "bvh" / f"{name}.bvh").write_text(written)

    return write


def test_motion_files_are_read_by_their_spans_at_the_rate_of_the_pack(tmp_path: Path, bvh: Callable[..., None]) -> None:
    bvh("13_29", frames=480, fps=120.0)
    bvh("13_30", frames=60)
    write_list(
        tmp_path,
        {
            "13_29#00": {"label": "squat", "file": "bvh/13_29.bvh", "span": [0, 1.5]},
            "13_29#01": {"label": "twist", "file": "bvh/13_29.bvh", "span": [1.5, 4]},
            "13_30": {"label": "walk", "file": "bvh/13_30.bvh", "span": None},
        },
    )
    samples = list(PACKS["cmu-subset"].samples(Originals(tmp_path, tmp_path / "scratch")))
    assert [(sample.id, sample.subject) for sample in samples] == [("13_29#00", 13), ("13_29#01", 13), ("13_30", 13)]
    clips = [sample.read() for sample in samples]
    assert [(clip.T, clip.fps) for clip in clips] == [(45, 30.0), (75, 30.0), (60, 30.0)]
    ahead = [clip.positions[0, [0, -1], 0, 2] for clip in clips]
    np.testing.assert_allclose(np.ptp(ahead[1]), 0.1 * 4 * 74, rtol=0.02)
    np.testing.assert_allclose(ahead[1][0] - ahead[0][0], 0.1 * 180, rtol=0.02)


def test_of_a_trial_that_is_there_twice_the_motion_file_is_read(tmp_path: Path, bvh: Callable[..., None]) -> None:
    for name in ("01_01", "02_01"):
        bvh(name, frames=40)
    recording = raising(joints_of("cmu-subset"), 20)
    write_arrays(tmp_path, "cmu-subset", ids=["01_01", "03_01"], recordings=[recording, recording])
    arrays, file = {"label": "walk", "file": "some.txt"}, {"label": "walk", "file": "bvh/02_01.bvh"}
    write_list(
        tmp_path,
        {
            **{"01_01": arrays, "01_01_amc": file | {"file": "bvh/01_01.bvh"}},
            **{"02_01": file, "02_01_amc": file},
            **{"03_01": arrays, "03_01_amc": file | {"file": "amc/missing.amc"}, "04_01": arrays},
        },
    )
    samples = list(PACKS["cmu-subset"].samples(Originals(tmp_path, tmp_path / "scratch")))
    assert [(sample.id, sample.read().T) for sample in samples] == [("01_01_amc", 40), ("02_01", 40), ("03_01", 20)]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ({"subjects": np.arange(5)}, "has 2 sample_ids, 5 subjects and 3 offsets, expected one offset more"),
        ({"joints": np.zeros((40, 7, 3), np.float32)}, r"frames of shape \(7, 3\), expected \(15, 3\) for kard"),
        ({"joints": np.zeros((40, 15, 3), np.float32)}, "has nobody in any of its 20 frames"),
    ],
)
def test_a_damaged_npz_is_one_sentence(damage: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    recording = raising(joints_of("kard"), 20)
    write_arrays(tmp_path, "kard", ids=["a", "b"], recordings=[recording, recording], **damage)
    write_list(tmp_path, {"a": {"label": "walk", "file": "a.txt"}})
    with pytest.raises(SkeltextError, match=sentence):
        [sample.read() for sample in PACKS["kard"].samples(Originals(tmp_path, tmp_path / "scratch"))]


@pytest.mark.parametrize(
    "listed",
    [
        [],
        {"a": "walk"},
        {"a": {"label": "walk"}},
        {"a": {"label": 3, "file": "a.txt"}},
        {"a": {"label": "walk", "file": "a.txt", "span": [0]}},
    ],
)
def test_a_damaged_list_is_one_sentence(listed: object, tmp_path: Path) -> None:
    write_list(tmp_path, listed)
    with pytest.raises(SkeltextError, match="does not give every recording a label, a file"):
        list(PACKS["kard"].samples(Originals(tmp_path, tmp_path / "scratch")))


def test_a_pack_is_found_among_others_and_alone(tmp_path: Path) -> None:
    write_pack(tmp_path / "kard", "kard", labels=["walk"], frames=20)
    write_pack(tmp_path / "ui_prmd", "ui-prmd", labels=["deep squat"], frames=20)
    for raw in (tmp_path, tmp_path / "ui_prmd"):
        (sample,) = PACKS["ui-prmd"].samples(Originals(raw, tmp_path / "scratch"))
        assert PACKS["ui-prmd"].classes[sample.label] == "squat"


SLOW = ("cmu-subset", "bandai-namco-more")  # whose archives take seconds to unpack
REAL = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in PACKS if name != "penn-action"]


@pytest.mark.parametrize("name", REAL)
def test_people_of_real_packs_stand_upright_and_reach_forward(name: str, real_data: Path, tmp_path: Path) -> None:
    by_class = defaultdict(list)
    for sample in PACKS[name].samples(Originals(real_data, tmp_path / "scratch")):
        by_class[sample.label].append(sample)
    assert len(by_class) == len(PACKS[name].classes)
    clips = [samples[len(samples) // 2].read() for samples in by_class.values()]
    upright, ahead = zip(*(_stature(clip.positions[0]) for clip in clips), strict=True)
    assert np.median(upright) > 0.35  # metres from the pelvis to the head
    assert np.median(ahead) > 0.05  # a mirrored person would reach backward


def _stature(x: np.ndarray) -> tuple[float, float]:
    """How far the head is above the pelvis, and how far a hand comes ahead of its shoulder, both in metres."""

    def place(joint: str) -> np.ndarray:
        return x[:, KINECT20.index(joint)]

    ahead = np.cross([0, 1, 0], place("right_hip") - place("left_hip"))
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    reach = [((place(f"{side}_hand") - place(f"{side}_shoulder")) * ahead).sum(axis=1) for side in ("left", "right")]
    return float(np.nanmedian(place("head")[:, 1] - place("pelvis")[:, 1])), float(np.nanpercentile(reach, 95))


def test_penn_action_is_flat_and_its_hidden_joints_are_missing(real_data: Path, tmp_path: Path) -> None:
    manifest = prepare("penn-action", raw=real_data, out=tmp_path / "store", workers=1)
    assert (manifest.clips, [entry["id"] for entry in manifest.bad]) == (2325, ["1516"])
    store = open_store(tmp_path / "store")
    x = store.clip(list(store.labels).index(store.classes.index("squat"))).positions[0]
    assert x.shape[1:] == (13, 2)
    head, knee = (store.layout.index(joint) for joint in ("head", "left_knee"))
    assert np.nanmedian(x[:, head, 1]) < np.nanmedian(x[:, knee, 1])  # y points down
    share = np.mean([np.isnan(store.clip(index).positions).mean() for index in range(0, len(store), 20)])
    assert 0.1 < share < 0.4
