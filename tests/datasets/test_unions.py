"""Windows and choices of clips, clips brought together, and what the unions of packs hold."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pack_trees import raising

from skeltext.datasets.dataset import Sample
from skeltext.datasets.facing import brought_together
from skeltext.datasets.originals import Originals
from skeltext.datasets.prepare import find_samples, prepare
from skeltext.datasets.registry import DATASETS
from skeltext.datasets.splitting import chosen
from skeltext.datasets.store import open_store
from skeltext.datasets.unions import CAMERAS, _flat, _picture
from skeltext.datasets.windows import spread, windows
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import COCO17, KINECT20, PENN13


def test_windows_lie_side_by_side_and_have_one_length() -> None:
    assert windows(4.5, longer=4.5, into=3) == [(0.0, 4.5)]
    assert windows(8, longer=4.5, into=4) == [(0.0, 4.0), (4.0, 8.0)]
    found = windows(30, longer=4.5, into=3, most=4)
    assert found == [(0.0, 3.0), (9.0, 12.0), (18.0, 21.0), (27.0, 30.0)]
    assert windows(30, longer=4.5, into=3, most=1) == [(0.0, 3.0)]


def _nothing() -> Clip:
    raise AssertionError


def _sample(id: str, *, label: int = 0, subject: int) -> Sample:
    return Sample(id=id, label=label, subject=subject, read=_nothing)


def test_a_choice_is_spread_over_people_and_recordings() -> None:
    samples = [_sample(f"a{take}@{start}", subject=take % 2) for take in range(4) for start in range(5)]
    samples += [_sample("b@0", label=1, subject=0), _sample("alone", subject=7)]
    found = list(spread(samples, most=5))
    assert found == [sample for sample in samples if sample in found]
    first = [sample for sample in found if sample.label == 0]
    assert Counter(sample.subject for sample in first) == {0: 2, 1: 2, 7: 1}
    assert len({sample.id.split("@")[0] for sample in first}) == 5
    assert len(found) == 6
    assert {sample.id for sample in spread(samples[::-1], most=5)} == {sample.id for sample in found}


def _pair(*, turn: float) -> Clip:
    """Two people face to face, one metre apart, somewhere in a room that is turned about y."""
    one = raising(KINECT20.joints, 20)
    other = one * np.array([-1, 1, -1]) - np.array([0, 0, 1])
    cosine, sine = np.cos(turn), np.sin(turn)
    room = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    x = np.stack([one, other]) @ room + np.array([3, 0, 4])
    return Clip(positions=x.astype(np.float32), layout=KINECT20, fps=15.0)


@pytest.mark.parametrize("turn", [0.0, 1.0, 4.0])
def test_two_people_are_brought_together_by_the_first_one(turn: float) -> None:
    clip = brought_together(partial(_pair, turn=turn), bodies=2)
    np.testing.assert_allclose(clip.positions[0, 0, 0], 0, atol=1e-5)
    np.testing.assert_allclose(clip.positions[1, 0, 0], [0, 0, -1], atol=1e-5)  # ahead of the first, who faces -z
    right, left = KINECT20.index("right_hip"), KINECT20.index("left_hip")
    np.testing.assert_allclose(clip.positions[0, 0, right] - clip.positions[0, 0, left], [0.2, 0, 0], atol=1e-5)
    np.testing.assert_allclose(clip.positions[1, 0, right] - clip.positions[1, 0, left], [-0.2, 0, 0], atol=1e-5)
    assert (clip.M, clip.fps) == (2, 15.0)
    assert brought_together(partial(_pair, turn=turn)).M == 1


def test_splits_follow_their_rule() -> None:
    for name, count in (("motion14", 30), ("motion15", 30), ("motion-open", 24), ("kard", 4), ("penn-action", 3)):
        dataset = DATASETS[name]
        for seed in range(3):
            assert set(dataset.split(str(seed)).unseen) == set(chosen(dataset.classes, count=count, seed=seed))


def test_the_wide_union_has_the_classes_of_kinect20_and_of_its_packs() -> None:
    wide, open_one = DATASETS["motion14"], DATASETS["motion-open"]
    assert set(DATASETS["kinect20"].classes) < set(wide.classes)
    for name in ("kard", "sbu-interaction", "cmu-subset", "bandai-namco-more"):
        assert set(DATASETS[name].classes) < set(wide.classes)
    assert (len(wide.classes), wide.bodies) == (162, 2)
    assert {"squat", "walk", "punch"} <= set(open_one.classes)
    assert not {"walk forward", "punch forward with the left hand"} & set(open_one.classes)
    assert "share" in open_one.licence


def test_the_union_of_pictures_has_the_classes_of_the_wide_one_and_of_penn_action() -> None:
    flat = DATASETS["motion15"]
    assert set(flat.classes) == {*DATASETS["motion14"].classes, *DATASETS["penn-action"].classes}
    assert (len(flat.classes), flat.layout, flat.bodies) == (171, COCO17, 2)
    assert "research only" in flat.licence


def test_a_picture_follows_from_its_motion_and_the_number_of_its_camera() -> None:
    pictures = [_picture(partial(_pair, turn=1.0), "one", camera).positions for camera in (0, 1, 2, 1)]
    assert pictures[0].shape == (2, 20, COCO17.V, 2)
    np.testing.assert_array_equal(pictures[1], pictures[3])
    assert min(np.abs(pictures[1] - pictures[other]).max() for other in (0, 2)) > 0.05
    elsewhere = _picture(partial(_pair, turn=1.0), "two", 1).positions
    assert np.abs(pictures[1] - elsewhere).max() > 0.05


def test_key_points_that_show_no_shoulder_are_left_out() -> None:
    hidden = np.ones((1, 5, PENN13.V, 2), np.float32)
    hidden[:, 1:, [PENN13.index(f"{side}_shoulder") for side in ("left", "right")]] = np.nan
    seen = Clip(positions=hidden, layout=PENN13, fps=30.0, source="made up")
    assert _flat(lambda: seen, bodies=1).layout == COCO17
    never = Clip(positions=hidden[:, 1:], layout=PENN13, fps=30.0, source="made up")
    with pytest.raises(SkeltextError, match="made up never shows a shoulder"):
        _flat(lambda: never, bodies=1)


@pytest.mark.slow
def test_the_union_of_pictures_shows_every_motion_four_times(real_data: Path, tmp_path: Path) -> None:
    originals = Originals(real_data, tmp_path / "scratch")
    flat, wide = (find_samples(DATASETS[name], originals) for name in ("motion15", "motion14"))
    real = [sample for sample in flat if sample.source == "penn-action"]
    assert [sample.id for sample in flat[:8:4]] == [f"{sample.id}%0" for sample in wide[:2]]
    assert len(flat) == CAMERAS * len(wide) + len(real)
    assert max(Counter(sample.label for sample in real).values()) == 160
    assert len({sample.id for sample in flat}) == len(flat)


@pytest.mark.slow
def test_the_wide_union_holds_kinect20_and_at_most_40_clips_of_a_class_of_a_part(
    real_data: Path, tmp_path: Path
) -> None:
    originals = Originals(real_data, tmp_path / "scratch")
    wide, narrow = (find_samples(DATASETS[name], originals) for name in ("motion14", "kinect20"))
    classes = {name: DATASETS[name].classes for name in ("motion14", "kinect20")}
    assert [sample.id for sample in wide[: len(narrow)]] == [sample.id for sample in narrow]
    for ours, theirs in zip(wide, narrow, strict=False):
        assert classes["motion14"][ours.label] == classes["kinect20"][theirs.label]
        assert (ours.subject, ours.source) == (theirs.subject, theirs.source)
    added = wide[len(narrow) :]
    assert max(Counter((sample.source, sample.label) for sample in added).values()) == 40
    assert {sample.label for sample in wide} == set(range(162))
    assert len({sample.id for sample in wide}) == len(wide)
    assert all(sample.subject == -1 or sample.subject >= 70_000 for sample in added)


@pytest.mark.slow
def test_the_open_union_is_prepared_from_the_packs(real_data: Path, tmp_path: Path) -> None:
    manifest = prepare("motion-open", raw=real_data, out=tmp_path / "store")
    assert (len(manifest.classes), manifest.bad) == (88, [])
    assert min(manifest.classes.values()) > 0
    store = open_store(tmp_path / "store")
    assert set(store.source_names) == {"cmu-subset", "ui-prmd", "hdm05", "builtin"}
    for index in range(0, len(store), 50):
        x = store.clip(index).positions[0]
        np.testing.assert_allclose(x[0, 0], 0, atol=1e-5)
        assert abs(x[0, KINECT20.index("right_hip"), 2] - x[0, KINECT20.index("left_hip"), 2]) < 1e-4
