"""What `check` measures, and that nothing it is pointed at breaks it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from bvh_rigs import PROGRAMS, text
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.datasets.store import FORMAT as STORE_FORMAT
from skeltext.datasets.store import INDEX as STORE_INDEX
from skeltext.errors import SkeltextError
from skeltext.formats import checking
from skeltext.formats.bvh import read_bvh
from skeltext.formats.checking import FolderCheck, NpyFolderCheck, StoreCheck, check
from skeltext.formats.clip_check import ClipCheck, check_clip, is_mirrored
from skeltext.formats.npz import write_npz
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import COCO17, KINECT20, NTU25
from skeltext.skeletons.variants import seen_from


def walk(folder: Path, *, frames: int = 60, name: str = "walk.bvh") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(PROGRAMS["smpl"], frames=frames))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    return read_bvh(walk(tmp_path))


def changed(clip: Clip, change: Callable[[np.ndarray], None]) -> ClipCheck:
    """The check of a clip whose (T, V, C) positions were changed in place."""
    positions = clip.positions.copy()
    change(positions[0])
    return check_clip(replace(clip, positions=positions))


def file_check(path: Path) -> ClipCheck:
    found = check(path)
    assert isinstance(found, ClipCheck)
    json.dumps(asdict(found), allow_nan=False)
    return found


def test_good_file_has_no_problem(tmp_path: Path) -> None:
    found = file_check(walk(tmp_path))
    assert found.problems == []
    assert (found.format, found.layout, found.joints, found.frames, found.bodies) == ("bvh", "smpl24", 24, 60, 1)
    assert (found.fps, found.seconds, found.unit) == (60.0, 1.0, "m")
    assert (found.up, found.up_measured, found.mirrored) == ("+y", "+y", False)
    assert found.height == pytest.approx(1.6, abs=0.1)
    assert (found.missing, found.longest_gap, found.jumps) == (0.0, 0, 0)


def test_wrong_unit(clip: Clip) -> None:
    found = check_clip(replace(clip, positions=clip.positions * 0.3))
    assert any("measures 0.4" in problem for problem in found.problems)


def test_wrong_axes_are_seen_but_lying_down_for_a_while_is_not(clip: Clip) -> None:
    z_up = replace(clip, positions=clip.positions[..., [0, 2, 1]] * np.float32([1, -1, 1]))
    found = check_clip(z_up)
    assert found.up_measured == "+z"
    assert ["turn the data" in problem for problem in found.problems] == [True]
    found = check_clip(replace(clip, positions=np.concatenate([z_up.positions, clip.positions[:, :10]], axis=1)))
    assert found.up_measured == "+z"
    assert not any("turn" in problem for problem in found.problems)


def test_swapped_sides(clip: Clip) -> None:
    mirrored = check_clip(replace(clip, positions=clip.positions * np.float32([-1, 1, 1])))
    swapped = check_clip(replace(clip, positions=clip.positions[:, :, list(clip.layout.mirror)]))
    for found in (mirrored, swapped):
        assert found.mirrored is True
        assert ["left and right" in problem for problem in found.problems] == [True]


@settings(max_examples=25, deadline=None)
@given(angles=st.tuples(*[st.floats(0, 6.2)] * 3), shift=st.tuples(*[st.floats(-5, 5)] * 3))
def test_sides_and_height_do_not_depend_on_where_the_body_is(
    angles: tuple[float, ...], shift: tuple[float, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip = read_bvh(walk(tmp_path_factory.mktemp("turned"), frames=8))
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        about = np.eye(3)
        about[first, first] = about[second, second] = np.cos(angle)
        about[second, first] = np.sin(angle)
        about[first, second] = -about[second, first]
        turn = turn @ about
    turned = replace(clip, positions=(clip.positions @ turn.T + shift).astype(np.float32))
    assert check_clip(turned).mirrored is False
    assert check_clip(turned).height == pytest.approx(check_clip(clip).height, abs=1e-4)


def test_gaps_and_missing_joints(clip: Clip) -> None:
    def hide(positions: np.ndarray) -> None:
        positions[2:50, 3] = np.nan  # a gap of 48 frames
        positions[55:, 4] = np.nan  # until the end: absent, no gap
        positions[:, 5] = np.nan  # never there

    found = changed(clip, hide)
    assert found.longest_gap == 48
    assert found.missing == pytest.approx((48 + 5 + 60) / (60 * 24))
    assert [problem.partition(":")[0] for problem in found.problems] == ["Never tracked", "Often missing"]
    found = changed(replace(clip, fps=30.0), hide)
    assert any("spine is missing for 48 frames" in problem for problem in found.problems)

    def hide_much(positions: np.ndarray) -> None:
        positions[:, 2:20] = np.nan

    assert any("75% of the joints are missing" in problem for problem in changed(clip, hide_much).problems)


def test_all_joints_missing_is_measured_too(clip: Clip) -> None:
    found = check_clip(replace(clip, positions=np.full_like(clip.positions, np.nan)))
    assert (found.height, found.up_measured, found.mirrored, found.missing) == (None, None, None, 1.0)
    assert found.problems


def test_jumps_are_counted_in_metres(clip: Clip) -> None:
    def jump(positions: np.ndarray) -> None:
        positions[30] += [1.5, 0, 0]
        positions[40, 7] = np.nan

    found = changed(clip, jump)
    assert found.jumps == 2  # there and back
    assert ["2 times, first in frame 30" in problem for problem in found.problems] == [True]
    assert changed(clip, lambda positions: positions[30:].__iadd__([0.5, 0, 0])).jumps == 0


def test_time(clip: Clip) -> None:
    assert any("does not say" in problem for problem in check_clip(replace(clip, fps=None)).problems)
    assert any("0.03 frames" in problem for problem in check_clip(replace(clip, fps=0.03)).problems)
    short = check_clip(replace(clip, positions=clip.positions[:, :3]))
    assert any("3 frames are too few" in problem for problem in short.problems)
    brief = check_clip(replace(clip, positions=clip.positions[:, :12]))  # of 60 a second
    assert ["0.2 s are too short" in problem for problem in brief.problems] == [True]
    assert check_clip(replace(clip, positions=clip.positions[:, :15])).problems == []
    still = check_clip(replace(clip, positions=clip.positions[:, [0] * 30]))
    assert any("one pose" in problem for problem in still.problems)


@pytest.mark.parametrize("millimetres", [1.0, 5.0, 30.0])
def test_jitter_is_the_noise_that_was_added(clip: Clip, millimetres: float) -> None:
    noise = np.random.default_rng(0).normal(scale=millimetres / 1000, size=clip.positions.shape)
    found = check_clip(replace(clip, positions=(clip.positions + noise).astype(np.float32)))
    assert check_clip(clip).jitter == pytest.approx(0, abs=0.1)
    assert found.jitter == pytest.approx(millimetres, rel=0.1)
    assert [problem.startswith("The body shakes by") for problem in found.problems] == [True] * (millimetres > 20)


def test_jitter_names_the_joint_that_shakes_most_and_needs_no_whole_track(clip: Clip) -> None:
    def shake(positions: np.ndarray) -> None:
        positions[:, 7] += np.random.default_rng(0).normal(scale=0.05, size=(60, 3))
        positions[::7, 9] = np.nan  # five frames in a row are left
        positions[::3, 11] = np.nan  # they are not

    found = changed(clip, shake)
    assert found.jitter_joint == clip.layout.joints[7]
    assert found.jitter == pytest.approx(0, abs=0.1)
    assert check_clip(replace(clip, positions=clip.positions[:, :4])).jitter is None


def test_jitter_of_a_flat_clip_is_a_share_of_the_body(clip: Clip) -> None:
    def noisy(pixels: float) -> Clip:
        noise = np.random.default_rng(0).normal(scale=0.005, size=clip.positions.shape)
        return seen_from(replace(clip, positions=(pixels * (clip.positions + noise)).astype(np.float32)))

    height = check_clip(clip).height
    assert height is not None
    near, far = (check_clip(noisy(pixels)).jitter for pixels in (400, 100))
    assert near == pytest.approx(far, rel=1e-3)
    assert near == pytest.approx(100 * 0.005 / height, rel=0.2)  # bones look shorter in a picture


def test_joints_that_are_missing_most_are_named(clip: Clip) -> None:
    def hide(positions: np.ndarray) -> None:
        positions[:6] = np.nan  # nobody there, which no joint is to blame for
        positions[20:47, 3] = np.nan
        positions[20:26, 8] = np.nan
        positions[:, 5] = np.nan

    found = changed(clip, hide)
    names = clip.layout.joints
    assert found.missing_joints == pytest.approx({names[5]: 1.0, names[3]: 0.5, names[8]: 6 / 54})
    assert [f"Often missing: {names[3]} (50%)." in problem for problem in found.problems].count(True) == 1
    assert check_clip(clip).missing_joints == {}


def test_flat_layout_is_not_measured_in_metres() -> None:
    sway = 20 * np.sin(np.linspace(0, 3, 30, dtype=np.float32))[:, None, None]
    positions = np.random.default_rng(0).uniform(0, 600, (1, 1, 17, 2)).astype(np.float32) + sway
    positions[:, :, COCO17.index("nose"), 1] = 10
    positions[:, :, [COCO17.index("left_ankle"), COCO17.index("right_ankle")], 1] = 2000
    found = check_clip(Clip(positions=positions, layout=COCO17, fps=30.0))
    assert (found.height, found.mirrored, found.jumps, found.up_measured) == (None, None, 0, "-y")
    assert found.problems == []


def test_broken_file_is_a_problem_of_the_file(tmp_path: Path) -> None:
    path = walk(tmp_path)
    path.write_text(path.read_text()[:-30])
    found = file_check(path)
    assert (found.format, found.frames) == ("bvh", None)
    assert ["cut short" in problem for problem in found.problems] == [True]
    for name, content in {"x.xyz": b"hello", "empty.bvh": b"", "x.txt": b"\xff\xfe\x00" * 9}.items():
        (tmp_path / name).write_bytes(content)
        assert len(file_check(tmp_path / name).problems) == 1
    os.mkfifo(tmp_path / "pipe.bvh")
    assert "regular file" in file_check(tmp_path / "pipe.bvh").problems[0]


def test_no_such_path(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone.bvh").symlink_to(tmp_path / "nowhere")
    for name in ("loop", "gone.bvh", "never"):
        with pytest.raises(SkeltextError, match="does not exist"):
            check(tmp_path / name)


def folder_check(path: Path, progress: Callable[[int, int], None] | None = None) -> FolderCheck:
    found = check(path, progress=progress)
    assert isinstance(found, FolderCheck)
    json.dumps(asdict(found), allow_nan=False)
    return found


def test_folder_counts_by_format_and_layout(tmp_path: Path) -> None:
    walk(tmp_path, name="a/one.bvh")
    walk(tmp_path, name="a/b/two.BVH", frames=30)
    (tmp_path / "mixamo.bvh").write_text(text(PROGRAMS["bandai"]))
    (tmp_path / "README.txt").write_text("Not a motion.")
    (tmp_path / "labels.json").write_text('{"content": "walk"}')
    (tmp_path / ".hidden.bvh").write_text("broken")
    (tmp_path / "a" / "broken.bvh").write_text("HIERARCHY")
    (tmp_path / "a" / "gone.bvh").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a" / "around").symlink_to(tmp_path, target_is_directory=True)
    calls: list[tuple[int, int]] = []
    found = folder_check(tmp_path, lambda done, total: calls.append((done, total)))
    assert calls == [(done, 7) for done in range(1, 8)]
    assert (found.files, found.others, found.readable, found.unreadable) == (7, 2, 3, 2)
    assert found.formats == {"bvh": 3}
    assert found.layouts == {"smpl24": 2, "bandai21": 1}
    assert found.frames == 93
    assert found.seconds == pytest.approx(93 / 60)
    assert [Path(failure.path).name for failure in found.failures] == ["broken.bvh", "gone.bvh"]
    assert len(found.problems) == 1
    assert "2 of 5 motion files cannot be read" in found.problems[0]


def test_only_the_first_failures_are_told(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"{number}.bvh").write_text("HIERARCHY")
    found = folder_check(tmp_path)
    assert (found.unreadable, len(found.failures)) == (25, 20)
    assert len(found.problems) == 2


def test_empty_folder(tmp_path: Path) -> None:
    assert "None of the 0 files" in folder_check(tmp_path).problems[0]


def test_npy_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "seen_train_data.npy", rng.normal(size=(4, 3, 50, 25, 2)).astype(np.float32))
    np.save(tmp_path / "seen_train_label.npy", np.array([0, 5, 5, 2]))
    np.save(tmp_path / "unseen_data.npy", rng.normal(size=(2, 3, 50, 25, 2)).astype(np.float32))
    found = check(tmp_path)
    assert isinstance(found, NpyFolderCheck)
    assert found.problems == []
    assert asdict(found)["parts"] == {
        "seen_train": {"clips": 4, "frames": 50, "bodies": 2, "classes": 3},
        "unseen": {"clips": 2, "frames": 50, "bodies": 2, "classes": None},
    }
    (tmp_path / "unseen_data.npy").write_bytes(b"\x93NUMPY")
    damaged = check(tmp_path)
    assert isinstance(damaged, NpyFolderCheck)
    assert len(damaged.problems) == 1


INDEX = {"format": "skeltext-store", "dataset": "mine", "layout": "ntu25", "fps": 30.0} | {
    "ids": ["a", "b"],
    "classes": ["sit", "stand", "run"],
    "bad": [{"id": "c", "reason": "empty"}],
}


def test_store_is_described_by_its_index(tmp_path: Path) -> None:
    assert (checking.STORE_FORMAT, checking.STORE_INDEX) == (STORE_FORMAT, STORE_INDEX)
    (tmp_path / "index.json").write_text(json.dumps(INDEX))
    found = check(tmp_path)
    assert isinstance(found, StoreCheck)
    assert (found.name, found.layout, found.fps, found.clips) == ("mine", "ntu25", 30.0, 2)
    assert (found.classes, found.unusable, found.problems) == (3, 1, [])


@pytest.mark.parametrize("change", [{"ids": 3}, {"fps": "fast"}, {"fps": 10**400}, {"classes": None}])
def test_damaged_store(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / "index.json").write_text(json.dumps(INDEX | change))
    found = check(tmp_path)
    assert isinstance(found, StoreCheck)
    assert len(found.problems) == 1


@pytest.mark.parametrize("content", [b"", b"[1", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"format": "other"}'])
def test_other_index_is_no_store(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.json").write_bytes(content)
    assert isinstance(check(tmp_path), FolderCheck)


@pytest.mark.parametrize(("pack", "suffix"), [("hdm05_subset", ".amc"), ("bandai_namco", ".bvh"), ("utd_mhad", ".mat")])
def test_real_recordings_look_right(unpacked: Callable[[str], Path], pack: str, suffix: str) -> None:
    files = sorted(path for path in unpacked(pack).rglob("*") if path.suffix.lower() == suffix)
    for path in files[:: max(1, len(files) // 8)]:
        found = file_check(path)
        assert found.problems == [], path.name
        assert found.mirrored is False
        assert found.height is not None
        assert 1.2 < found.height < 2


@pytest.mark.parametrize(("pack", "layout"), [("utd_mhad", KINECT20), ("nw_ucla", KINECT20), ("gtu_action3d", NTU25)])
def test_real_packs_are_the_right_way_round_and_their_mirror_images_are_not(
    real_data: Path, pack: str, layout: Layout
) -> None:
    with np.load(real_data / pack / f"{pack}.npz") as data:
        joints, offsets = data["joints"], data["offsets"]
    found = []
    for start, stop in zip(offsets[:-1:10], offsets[1::10], strict=False):
        clip = Clip(positions=joints[None, start:stop].astype(np.float32), layout=layout, fps=30.0)
        mirrored = replace(clip, positions=clip.positions * np.float32([-1, 1, 1]))
        found.append([is_mirrored(clip) is True, is_mirrored(mirrored) is True])
    false_alarms, detected = np.mean(found, axis=0)
    assert false_alarms < 0.03
    assert detected > 0.85


def test_a_folder_of_mirrored_files_is_told_of_and_one_among_many_is_not(tmp_path: Path) -> None:
    clip = read_bvh(walk(tmp_path, name="original.bvh"))
    flipped = replace(clip, positions=clip.positions * np.float32([-1, 1, 1]))
    for folder in ("few", "many"):
        (tmp_path / folder).mkdir()
    for number in range(25):
        write_npz(flipped if number == 0 else clip, tmp_path / "few" / f"{number:02d}.npz")
        write_npz(flipped if number < 5 else clip, tmp_path / "many" / f"{number:02d}.npz")
    few, many = folder_check(tmp_path / "few"), folder_check(tmp_path / "many")
    assert (few.mirrored, few.problems) == (1, [])
    assert many.mirrored == 5
    (problem,) = many.problems
    assert problem.startswith("In 5 of 25 files, first in ")
    assert "swap the names or negate a horizontal axis" in problem


@pytest.mark.parametrize("present", [slice(0, 20), slice(40, 60)])
def test_body_that_comes_or_goes_counts_as_missing_but_not_as_gap(present: slice) -> None:
    positions = np.full((2, 60, 20, 3), np.nan, np.float32)
    positions[0] = np.random.default_rng(0).normal(size=(60, 20, 3))
    positions[1, present] = 0
    found = check_clip(Clip(positions=positions, layout=KINECT20, fps=30.0))
    assert found.longest_gap == 0
    assert found.missing == pytest.approx(1 / 3)
