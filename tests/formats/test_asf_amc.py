"""ASF/AMC: the published HDM05 numbers, kinematics against SciPy, and files that lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skeltext.errors import SkeltextError
from skeltext.formats.asf_amc import FORMAT, read_amc, read_asf
from skeltext.skeletons.layouts import HDM31

ASF = """# a comment with a Latin-1 byte: M\xfcller
:version 1.10
:name VICON
:units
  mass 1.0
  length 0.5
  angle deg
:documentation
   begin and end are words too
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name thigh
     direction 0 -1 0
     length 10
     axis 0 0 20 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name shin
     direction 0 -1 0
     length 8
     axis 0 0 0 XYZ
    dof rx
  end
:hierarchy
  begin
    root thigh
    thigh shin
  end
"""
AMC = """#!OML:ASF C:\\M\xfcller.ASF
:FULLY-SPECIFIED
:DEGREES
1
root 1 20 3 0 0 0
thigh 0 0 0
shin 0
2
root 1 20 3 0 90 0
thigh 0 0 0
shin 90
"""


def write(folder: Path, *, asf: str = ASF, amc: str = AMC, name: str = "someone_kick.amc") -> Path:
    (folder / "someone.asf").write_bytes(asf.encode("latin-1"))
    path = folder / name
    path.write_bytes(amc.encode("latin-1"))
    return path


def test_small_skeleton_by_hand(tmp_path: Path) -> None:
    clip = read_amc(write(tmp_path))
    metres = 2.54 / 100 / 0.5
    assert clip.layout.joints == ("pelvis", "thigh", "shin")
    assert clip.fps == 120.0
    straight, bent = clip.positions[0] / metres
    np.testing.assert_allclose(straight, [[1, 20, 3], [1, 10, 3], [1, 2, 3]], atol=1e-4)
    # the shin swings from down to backwards (-z) about its own x axis; the whole body has turned by 90 about y
    np.testing.assert_allclose(bent, [[1, 20, 3], [1, 10, 3], [1 - 8, 10, 3]], atol=1e-4)


def test_radians_and_rate_by_keyword(tmp_path: Path) -> None:
    radians = AMC.replace(":DEGREES", ":RADIANS").replace("90", "1.5707963267948966")
    in_degrees = read_amc(write(tmp_path))
    in_radians = read_amc(write(tmp_path, amc=radians), fps=60)
    np.testing.assert_allclose(in_degrees.positions, in_radians.positions, atol=1e-5)
    assert in_radians.fps == 60


def test_rate_is_in_hdm05_names_only(tmp_path: Path) -> None:
    for name, fps in [("HDM_bd_walk_001_60.amc", 60.0), ("HDM_bd_walk_001_120.AMC", 120.0), ("01_60.amc", 120.0)]:
        assert read_amc(write(tmp_path, name=name)).fps == fps


def test_skeleton_is_found_by_name_then_alone_then_asked_for(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    path = write(deep, name="HDM_bd_walk_001_120.amc")
    (deep / "someone.asf").rename(tmp_path / "HDM_bd.ASF")
    assert read_amc(path).T == 2  # three folders above
    (tmp_path / "HDM_bd.ASF").rename(tmp_path / "other.asf")
    assert read_amc(path).T == 2  # the only one there
    (tmp_path / "another.asf").write_bytes(ASF.encode("latin-1"))
    with pytest.raises(SkeltextError, match="none of the 2 ASF skeletons"):
        read_amc(path)
    assert read_amc(path, asf=tmp_path / "other.asf").T == 2
    for skeleton in tmp_path.glob("*.asf"):
        skeleton.unlink()
    with pytest.raises(SkeltextError, match="no ASF skeleton"):
        read_amc(path)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_kinematics_match_scipy(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An independent formulation: scipy's extrinsic Euler angles, one bone and one frame at a time."""
    angle = st.integers(-180, 180)
    orders = st.permutations("XYZ").map("".join)
    axes = [data.draw(st.tuples(angle, angle, angle)) for _ in range(2)]
    axis_orders = [data.draw(orders) for _ in range(3)]
    orientation = data.draw(st.tuples(angle, angle, angle))
    turns = [data.draw(st.tuples(angle, angle, angle)) for _ in range(3)]
    freedoms = [data.draw(st.permutations(["rx", "ry", "rz"])) for _ in range(3)]
    asf = f"""
:units
 length 0.45
:root
 order {" ".join(freedoms[0])} tx ty tz
 axis {axis_orders[0]}
 position 1 2 3
 orientation {orientation[0]} {orientation[1]} {orientation[2]}
:bonedata
 begin
  name one
  direction 0.6 0.8 0
  length 3
  axis {axes[0][0]} {axes[0][1]} {axes[0][2]} {axis_orders[1]}
  dof {" ".join(freedoms[1])}
 end
 begin
  name two
  direction 0 0.6 -0.8
  length 2
  axis {axes[1][0]} {axes[1][1]} {axes[1][2]} {axis_orders[2]}
  dof {" ".join(freedoms[2])}
 end
:hierarchy
 begin
  root one
  one two
 end
"""
    rows = [
        " ".join(str(turn["xyz".index(name[1])]) for name in names) for turn, names in zip(turns, freedoms, strict=True)
    ]
    amc = f":DEGREES\n1\nroot {rows[0]} 4 5 6\none {rows[1]}\ntwo {rows[2]}\n"

    def rotation(order: str, angles: tuple[int, ...]) -> Rotation:
        return Rotation.from_euler(order.lower(), [angles["XYZ".index(axis)] for axis in order], degrees=True)

    place = np.array([1.0 + 4, 2 + 5, 3 + 6])
    expected, world = [place], Rotation.identity()
    bones = [((0.0, 0, 0), orientation), ((1.8, 2.4, 0), axes[0]), ((0, 1.2, -1.6), axes[1])]
    for (offset, axis), order, turn in zip(bones, axis_orders, turns, strict=True):
        rest = rotation(order, axis)
        world = world * rest * rotation(order, turn) * rest.inv()
        place = place + world.apply(offset)
        expected.append(place)
    clip = read_amc(write(tmp_path_factory.mktemp("asf"), asf=asf, amc=amc))
    np.testing.assert_allclose(clip.positions[0, 0] / (2.54 / 45), expected[1:], atol=1e-4)


def test_real_skeletons_are_the_layout(unpacked: Callable[[str], Path]) -> None:
    skeletons = sorted(unpacked("hdm05_subset").rglob("*.asf"))
    assert len(skeletons) == 5
    for path in skeletons:
        skeleton = read_asf(path)
        assert len(skeleton.bones) == HDM31.V
        assert skeleton.metres == pytest.approx(2.54 / 45)


def published(real_data: Path, folder: Path, *, step: int) -> list[tuple[Path, np.ndarray]]:
    """Files beside the positions the pack publishes for them."""
    pack = np.load(real_data / "hdm05_subset" / "hdm05_subset.npz")
    files = {path.stem: path for path in folder.rglob("*") if path.suffix.lower() == ".amc"}
    pieces = np.split(pack["joints"], pack["offsets"][1:-1])
    assert len(files) == len(pieces) == 288
    return [(files[str(name)], piece) for name, piece in zip(pack["sample_ids"], pieces, strict=True)][::step]


def check_published(pairs: list[tuple[Path, np.ndarray]]) -> None:
    for path, piece in pairs:
        clip = read_amc(path)
        assert (clip.layout, clip.fps, clip.M) == (HDM31, 120.0, 1)
        np.testing.assert_allclose(clip.positions[0, ::4], piece, atol=2e-6, err_msg=str(path))


def test_published_positions(real_data: Path, unpacked: Callable[[str], Path]) -> None:
    check_published(published(real_data, unpacked("hdm05_subset"), step=24))


@pytest.mark.slow
def test_all_published_positions(real_data: Path, unpacked: Callable[[str], Path]) -> None:
    check_published(published(real_data, unpacked("hdm05_subset"), step=1))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda amc: "", "empty"),
        (lambda amc: "hello", "numbered frame"),
        (lambda amc: ":DEGREES\n", "numbered frame"),
        (lambda amc: amc[:-4], "cut short"),
        (lambda amc: amc[: amc.index("thigh 0 0 0\nshin 90")], "cut short"),
        (lambda amc: amc.replace("shin 0\n", "shin zero\n"), "word where a number"),
        (lambda amc: amc.replace("shin", "tail"), "asf="),
        (lambda amc: amc.replace("shin 0\n", "").replace("shin 90\n", ""), "asf="),
        (lambda amc: amc.replace("thigh 0 0 0\nshin 90", "shin 90\nthigh 0 0 0"), "another place"),
        (lambda amc: amc.replace("1 20 3", "nan nan nan"), "nobody"),
        (lambda amc: amc.replace("1 20 3", "1e300 0 0"), "infinite"),
        (lambda amc: amc.replace("1 20 3", "inf 0 0"), "infinite"),
        (lambda amc: "\x00\xff" * 1000, "numbered frame"),
        (lambda amc: "1\n" * 1000, "asf="),
    ],
)
def test_damaged_motion_is_one_sentence(tmp_path: Path, damage: Callable[[str], str], says: str) -> None:
    with pytest.raises(SkeltextError, match=says) as caught:
        read_amc(write(tmp_path, amc=damage(AMC)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (ASF, " "),
        (ASF, "\xff\xfe\x00" * 500),
        (ASF, ASF[: ASF.index(":hierarchy")]),
        (ASF, ASF[: ASF.index("length 8")]),
        (":root", ":roof"),
        ("length 0.5", "length 0"),
        ("length 0.5", "length nan"),
        ("length 0.5", "length many"),
        ("direction 0 -1 0\n     length 8", "direction 0 -1\n     length 8"),
        ("length 8", "length 1e999"),
        ("dof rx\n", "dof rx rx\n"),
        ("dof rx\n", "dof l\n"),
        ("axis 0 0 0 XYZ", "axis 0 0 0"),
        ("axis 0 0 0 XYZ", "axis 0 0 0 XXY"),
        ("thigh shin\n", "thigh tail\n"),
        ("thigh shin\n", "thigh root\n"),
        ("thigh shin\n", "shin thigh\n"),
        ("thigh shin\n", ""),
        ("name shin", "name"),
        ("begin\n     id 1", "begin\nend\n" * 2000 + "begin\n     id 1"),
    ],
)
def test_damaged_skeleton_is_one_sentence(tmp_path: Path, old: str, new: str) -> None:
    assert old in ASF
    path = write(tmp_path, asf=ASF.replace(old, new))
    with pytest.raises(SkeltextError) as caught:
        read_amc(path)
    assert "someone.asf" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("which", ["someone.asf", "someone_kick.amc"])
def test_paths_that_are_no_files(tmp_path: Path, which: str) -> None:
    path = write(tmp_path)
    (tmp_path / which).unlink()
    with pytest.raises(SkeltextError):
        read_amc(path)
    (tmp_path / which).symlink_to(tmp_path / which)
    with pytest.raises(SkeltextError):
        read_amc(path, asf=tmp_path / "someone.asf")
    (tmp_path / which).unlink()
    (tmp_path / which).mkdir()
    with pytest.raises(SkeltextError):
        read_amc(path, asf=tmp_path / "someone.asf")


def test_format_knows_its_files() -> None:
    assert FORMAT.recognises(Path("x.AMC"), b"")
    assert FORMAT.recognises(Path("x.txt"), b"# by hand\n:FULLY-SPECIFIED\n")
    assert not FORMAT.recognises(Path("x.txt"), b"HIERARCHY")


def test_bones_that_never_turn_cannot_fill_the_memory(tmp_path: Path) -> None:
    """A thousand bones cost the motion no byte, so a small motion could ask for any amount of memory."""
    bones = "".join(f"begin\nname b{bone}\ndirection 1 0 0\nlength 1\naxis 0 0 0 XYZ\nend\n" for bone in range(999))
    asf = ":units\nlength 1\n:root\norder tx\naxis XYZ\nposition 0 0 0\norientation 0 0 0\n:bonedata\n"
    asf += bones + ":hierarchy\nbegin\nroot " + " ".join(f"b{bone}" for bone in range(999)) + "\nend\n"
    with pytest.raises(SkeltextError, match="cut the recording"):
        read_amc(write(tmp_path, asf=asf, amc="1\nroot 0\n" * 70_000))


def test_long_recording_is_read_in_blocks(tmp_path: Path) -> None:
    frames = AMC[AMC.index("1\nroot") :]
    clip = read_amc(write(tmp_path, amc=frames * 3000))
    assert clip.T == 6000
    np.testing.assert_array_equal(clip.positions[0, :2], clip.positions[0, -2:])
