"""NTU RGB+D text: tracks by id, the published reading, and what the file names say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from format_samples import motion, ntu_text

from skeltext.errors import SkeltextError
from skeltext.formats.ntu import parse_ntu_name, read_ntu


@pytest.fixture
def crossing(tmp_path: Path) -> Path:
    """Ada is alone, Bob comes and stands before her in the file, Ada leaves, both are gone, Ada is back."""
    ada, bob = motion(25, frames=5, seed=1), motion(25, frames=5, seed=2)
    a, b = "72057594037931101", "72057594037931102"  # they differ in a digit that float64 cannot hold
    frames = [[(a, ada[0])], [(b, bob[1]), (a, ada[1])], [(b, bob[2])], [], [(a, ada[4])]]
    path = tmp_path / "S001C001P001R001A001.skeleton"
    path.write_text(ntu_text(frames, state=1))
    return path


def test_a_track_per_tracking_id(crossing: Path) -> None:
    clip = read_ntu(crossing)
    ada, bob = motion(25, frames=5, seed=1), motion(25, frames=5, seed=2)
    assert clip.tracks == ("72057594037931101", "72057594037931102")
    assert clip.positions.shape == (2, 5, 25, 3)
    assert (clip.fps, clip.layout.name) == (30.0, "ntu25")
    np.testing.assert_array_equal(clip.tracked.all(axis=2), [[1, 1, 0, 0, 1], [0, 1, 1, 0, 0]])
    np.testing.assert_allclose(clip.positions[0, [0, 1, 4]], ada[[0, 1, 4]], atol=1e-6)
    np.testing.assert_allclose(clip.positions[1, [1, 2]], bob[[1, 2]], atol=1e-6)
    assert clip.confidence is not None
    np.testing.assert_array_equal(clip.confidence, np.where(clip.tracked, 0.5, 0))


def test_file_order_puts_the_first_of_each_frame_first(crossing: Path) -> None:
    clip = read_ntu(crossing, bodies="file order")
    tracked = read_ntu(crossing)
    assert clip.tracks == ("0", "1")
    np.testing.assert_array_equal(clip.positions[0, 1], tracked.positions[1, 1])
    np.testing.assert_array_equal(clip.positions[1, 1], tracked.positions[0, 1])
    assert read_ntu(crossing, bodies="file order", max_bodies=1).M == 1


def test_file_order_has_no_body_that_is_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "clip.skeleton"
    path.write_text(ntu_text([[(str(t), joints)] for t, joints in enumerate(motion(25))]))
    assert read_ntu(path, bodies="file order").M == 1
    assert read_ntu(path).M == 3


def test_file_order_is_the_published_reading(golden: Path) -> None:
    published = np.load(golden / "preprocessing" / "skeleton_parser.npz")
    clip = read_ntu(golden / "preprocessing" / "synthetic.skeleton", bodies="file order")
    ours = np.nan_to_num(clip.positions).transpose(3, 1, 2, 0)  # C T V M
    np.testing.assert_allclose(ours, published["xyz_C_T_V_M"], rtol=1e-6)
    seen = clip.tracked.all(axis=2).sum(axis=0)
    np.testing.assert_array_equal(seen, np.minimum(published["bodies_per_frame"], 2))


def test_tracking_ids_of_the_published_example(golden: Path) -> None:
    path = golden / "preprocessing" / "synthetic.skeleton"
    clip = read_ntu(path)
    published = np.load(path.parent / "skeleton_parser.npz")["bodies_per_frame"]
    np.testing.assert_array_equal(clip.tracked.all(axis=2).sum(axis=0), published)


@pytest.mark.parametrize("state", [0, 1, 2])
def test_confidence_from_the_tracking_state(tmp_path: Path, state: int) -> None:
    path = tmp_path / "clip.skeleton"
    path.write_text(ntu_text([[("7", motion(25)[0])]], state=state))
    clip = read_ntu(path)
    assert clip.confidence is not None
    assert (clip.confidence == state / 2).all()


def test_image_coordinates_may_be_anything(tmp_path: Path) -> None:
    path = tmp_path / "clip.skeleton"
    path.write_text(ntu_text([[("7", motion(25)[0])]]).replace("1036.2", "-1.#INF"))
    np.testing.assert_allclose(read_ntu(path).positions[0, 0], motion(25)[0], atol=1e-6)


def test_a_clip_without_any_body_says_so(tmp_path: Path) -> None:
    path = tmp_path / "S001C002P005R002A008.skeleton"
    path.write_text(ntu_text([[], [], []]))
    with pytest.raises(SkeltextError, match="no body in any of its 3 frames"):
        read_ntu(path)


def test_many_bodies_in_many_frames_are_no_huge_array(tmp_path: Path) -> None:
    path = tmp_path / "clip.skeleton"
    joints = np.zeros((25, 3))
    path.write_text(ntu_text([[(str(body), joints)] for body in range(100)] + [[]] * 10_000))
    with pytest.raises(SkeltextError, match="100 bodies in 10100 frames"):
        read_ntu(path)


@pytest.mark.parametrize("joints", [20, 26])
def test_another_number_of_joints_is_refused(tmp_path: Path, joints: int) -> None:
    path = tmp_path / "clip.skeleton"
    path.write_text(ntu_text([[("7", motion(25)[0])]]).replace("\r\n25\r\n", f"\r\n{joints}\r\n"))
    with pytest.raises(SkeltextError, match=f"body of {joints} joints in frame 1, expected 25"):
        read_ntu(path)


def test_the_parts_of_a_file_name() -> None:
    name = parse_ntu_name(Path("nturgbd/S017C003P020R002A060.skeleton"))
    assert (name.setup, name.camera, name.performer, name.replication, name.action) == (17, 3, 20, 2, 60)
    for wrong in ("S1C1P1R1A1.skeleton", "clip.skeleton", "S001C001P001R001A001x.skeleton"):
        with pytest.raises(SkeltextError, match="no NTU file name"):
            parse_ntu_name(wrong)
