"""BVH: the words of many programs, kinematics against SciPy, real files against a recursion, and files that lie."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bvh_rigs import LOW, PLACES, PROGRAMS, Program, nodes, text
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from skeltext.errors import SkeltextError
from skeltext.formats.bvh import FORMAT, read_bvh
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import BANDAI21, NTU25

SMALL = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Chest
  {
    OFFSET 0 60 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 20 0
    }
  }
  JOINT LeftKnee
  {
    OFFSET 0 -50 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -50 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
0 100 0 0 0 0 0 0 0 0 0 0
0 100 0 90 0 0 0 0 0 0 0 0
"""


def write(folder: Path, content: str | bytes, name: str = "clip.bvh") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def expected_places(program: Program) -> dict[str, tuple[float, float, float]]:
    """Where the shared joints of a rig must be in the first frame."""
    places = {"pelvis": PLACES["pelvis"], "spine": (0.0, LOW, 0.0), "head": (0.0, 1.62, 0.0)}
    for place in program.limbs:
        if program.limbs[place]:
            x, y, z = PLACES[place]
            places |= {f"left_{place}": (x, y, z), f"right_{place}": (-x, y, z)}
    return places


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_joints_are_known_in_the_words_of_every_program(tmp_path: Path, program: Program) -> None:
    clip = read_bvh(write(tmp_path, text(program)))
    first, last = clip.positions[0, 0], clip.positions[0, -1]
    for name, place in expected_places(program).items():
        np.testing.assert_allclose(first[clip.layout.index(name)], place, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(last - first, np.broadcast_to([0, 0, 0.2], first.shape), atol=1e-5)
    assert clip.fps == 60.0
    assert "neck" in clip.layout.joints
    assert clip.layout.joints[0] == "pelvis"
    known = len(expected_places(program)) + len(program.necks) + min(len(program.back), 3) - 1
    own = set(clip.layout.joints[: len(nodes(program))])
    assert len(own) >= known
    if program.layout:
        assert clip.layout.name == program.layout
    ntu = convert(clip, NTU25).positions[0, 0]  # what a recogniser trained on NTU will see
    assert np.isfinite(ntu).all()
    np.testing.assert_allclose(ntu[NTU25.index("left_elbow")], PLACES["elbow"], atol=1e-5)


def test_back_is_named_by_order(tmp_path: Path) -> None:
    joints = {name: read_bvh(write(tmp_path, text(PROGRAMS[name]))).layout.joints for name in ("vicon", "cmu", "xsens")}
    assert "chest" not in joints["vicon"]
    assert joints["cmu"][1:3] == ("spine", "chest")
    assert {"spine", "chest_2", "spine_middle", "chest", "neck"} <= set(joints["xsens"])
    assert {"neck_lower", "neck"} <= set(joints["cmu"])


def test_joint_on_its_parent_is_no_part_of_the_back(tmp_path: Path) -> None:
    """CMU files have LowerBack and LHipJoint at the place of the hips."""
    content = text(PROGRAMS["cmu"]).replace(
        "JOINT Spine\n", "JOINT LowerBack\n{\nOFFSET 0 0 0\nCHANNELS 0\nJOINT Spine\n"
    )
    head = content.index("MOTION")
    clip = read_bvh(write(tmp_path, content[:head].rstrip()[:-1] + "}\n}\n" + content[head:]))
    assert "lower_back" in clip.layout.joints
    np.testing.assert_allclose(clip.positions[0, 0, clip.layout.index("spine")], (0, LOW, 0), atol=1e-5)


def test_end_sites_fill_only_what_no_joint_has(tmp_path: Path) -> None:
    clip = read_bvh(write(tmp_path, text(PROGRAMS["vicon"], tip=0.15)))
    hand = clip.positions[0, 0, clip.layout.index("left_hand_tip")]
    toes = clip.positions[0, 0, clip.layout.index("right_toes")]
    np.testing.assert_allclose(hand, np.add(PLACES["wrist"], (0, 0, 0.15)), atol=1e-5)
    np.testing.assert_allclose(toes, np.add((-1, 1, 1) * np.array(PLACES["ankle"]), (0, 0, 0.15)), atol=1e-5)
    assert "left_hand_tip" not in read_bvh(write(tmp_path, text(PROGRAMS["vicon"], tip=0))).layout.joints
    mixamo = read_bvh(write(tmp_path, text(PROGRAMS["mixamo"], tip=0.15)))
    np.testing.assert_allclose(mixamo.positions[0, 0, mixamo.layout.index("left_toes")], PLACES["toes"], atol=1e-5)


def test_unit_is_asked_for_where_none_is_plausible(tmp_path: Path) -> None:
    eight_feet_six = 2.6
    content = text(PROGRAMS["poser"])
    tall = write(tmp_path, text(Program(**vars(PROGRAMS["poser"]) | {"metres": eight_feet_six})))
    with pytest.raises(SkeltextError, match="unit="):
        read_bvh(tall)
    read = read_bvh(tall, unit=eight_feet_six)
    np.testing.assert_allclose(read.positions, read_bvh(write(tmp_path, content)).positions, atol=1e-4)
    as_metres = read_bvh(write(tmp_path, content), unit="m")
    assert as_metres.positions.max() > 50
    for wrong in ("furlong", 0.0, float("nan")):
        with pytest.raises(SkeltextError, match="unit"):
            read_bvh(tall, unit=wrong)


def test_of_two_plausible_units_the_likelier_is_taken(tmp_path: Path) -> None:
    """A tall person of the CMU database would be a small child in inches."""
    asf = PROGRAMS["cmu"].metres
    tall = read_bvh(write(tmp_path, text(Program(**vars(PROGRAMS["cmu"]) | {"metres": asf / 1.2}))))
    assert tall.positions[0, 0, tall.layout.index("head"), 1] == pytest.approx(1.2 * 1.62, abs=1e-3)


def test_up_can_be_told_and_lying_down_is_no_other_axis(tmp_path: Path) -> None:
    content = text(PROGRAMS["mixamo"], order="XYZ")
    lines = content[: content.index("Frame Time")].splitlines()
    lines += ["Frame Time: 0.1", *["0 20 0 90 0 0" + " 0" * 3 * (len(nodes(PROGRAMS["mixamo"])) - 1)] * 3]
    clip = read_bvh(write(tmp_path, "\n".join(lines)))
    head, ankle = (clip.positions[0, 0, clip.layout.index(name)] for name in ("head", "left_ankle"))
    assert (head - ankle)[2] > 1.4  # along the floor
    told = read_bvh(write(tmp_path, "\n".join(lines)), up="+z")
    np.testing.assert_allclose(told.positions, clip.positions[..., [0, 2, 1]] * (1, 1, -1), atol=1e-6)
    with pytest.raises(SkeltextError, match="up"):
        read_bvh(tmp_path / "clip.bvh", up="+x")


@pytest.mark.parametrize(
    ("written", "fps"),
    {
        "0.0333333": 30,
        "0.033333335": 30,
        "3.3333333e-02": 30,
        "0.008333": 120,
        "0.0166": 60,
        "0.04": 25,
        "0.0417": 24,
        "0.041708333": 23.976,
        "0.0333667": 29.97,
        "1": 1,
        "0": None,
    }.items(),
)
def test_rate(tmp_path: Path, written: str, fps: float | None) -> None:
    clip = read_bvh(write(tmp_path, SMALL.replace("0.0333333", written)))
    assert clip.fps == (None if fps is None else pytest.approx(fps, abs=1e-3))
    if fps and fps == int(fps):
        assert clip.fps == fps


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.replace("\n", "\r\n"),
        lambda s: "\ufeff" + s,
        lambda s: s.replace("  ", "\t"),
        lambda s: s.replace("\n{", " {").replace("\n  {", " {").replace("\n    {", " {"),
        lambda s: s.replace("Xposition", "XPOSITION").replace("OFFSET", "Offset").replace("End Site", "End site"),
        lambda s: s.replace("Frames: 2", "Frames:\t2").replace("Frame Time: ", "Frame Time:\t"),
        lambda s: s.replace("End Site", "End Site Nub01"),
        lambda s: s.rstrip("\n"),
        lambda s: s + "\n\n  \n",
        lambda s: s + "0 100 0 90 0 0 0 0 0 0 0 0\n",  # a row more than announced
    ],
)
def test_ways_of_writing_the_same(tmp_path: Path, change: Callable[[str], str]) -> None:
    plain, changed = read_bvh(write(tmp_path, SMALL)), read_bvh(write(tmp_path, change(SMALL)))
    assert plain.layout == changed.layout
    np.testing.assert_array_equal(plain.positions, changed.positions)


def test_names_need_not_be_ascii(tmp_path: Path) -> None:
    clip = read_bvh(write(tmp_path, SMALL.replace("Chest", "上半身").replace("Hips", "センター")))
    assert "上半身" in clip.layout.joints
    latin = read_bvh(write(tmp_path, SMALL.replace("Chest", "Rücken").encode("latin-1")))
    assert latin.layout.V == 3


def test_position_channels_stand_for_the_offset(tmp_path: Path) -> None:
    moved = SMALL.replace("0 60 0\n    CHANNELS 3 ", "1 2 3\n    CHANNELS 5 Yposition Xposition ")
    rows = ["0 100 0 0 0 0 60 0 0 0 0 0 0 0", "0 100 0 0 0 0 70 -5 0 0 0 0 0 0"]
    clip = read_bvh(write(tmp_path, moved[: moved.index("0 100 0 0")] + "\n".join(rows)))
    chest = clip.positions[0, :, clip.layout.index("chest")]
    np.testing.assert_allclose(chest, [[0, 1.6, 0.03], [-0.05, 1.7, 0.03]], atol=1e-6)  # z has no channel


CHANNELS = [f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ"]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_kinematics_match_scipy(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any tree with any channels in any order, against one joint and one frame at a time."""
    count = data.draw(st.integers(2, 6))
    parents = [-1] + [data.draw(st.integers(0, joint - 1)) for joint in range(1, count)]
    channels = [data.draw(st.permutations(CHANNELS))[: data.draw(st.integers(1, 6))] for _ in range(count)]
    reals = st.integers(-50, 50).map(float)
    offsets = [[data.draw(reals) for _ in range(3)] for _ in range(count)]

    def lines(joint: int) -> list[str]:
        below = [line for child in range(count) if parents[child] == joint for line in lines(child)]
        head = [f"{'JOINT' if parents[joint] >= 0 else 'ROOT'} thing{'abcdef'[joint]}", "{"]
        offset = "OFFSET " + " ".join(map(str, offsets[joint]))
        return [*head, offset, f"CHANNELS {len(channels[joint])} {' '.join(channels[joint])}", *below, "}"]

    def in_file(joint: int) -> list[int]:
        return [joint, *(each for child in range(count) if parents[child] == joint for each in in_file(child))]

    values = {joint: [data.draw(st.integers(-180, 180)) for _ in channels[joint]] for joint in range(count)}
    row = [str(value) for joint in in_file(0) for value in values[joint]]
    motion = ["MOTION", "Frames: 1", "Frame Time: 0.1", " ".join(row)]

    worlds: dict[int, tuple[Rotation, np.ndarray]] = {}
    for joint in in_file(0):
        step, turn = np.array(offsets[joint]), Rotation.identity()
        for channel, value in zip(channels[joint], values[joint], strict=True):
            if channel.endswith("position"):
                step["XYZ".index(channel[0])] = value
            else:
                turn = turn * Rotation.from_euler(channel[0].lower(), value, degrees=True)
        above, origin = worlds.get(parents[joint], (Rotation.identity(), np.zeros(3)))
        worlds[joint] = (above * turn, origin + above.apply(step))
    path = write(tmp_path_factory.mktemp("bvh"), "\n".join(["HIERARCHY", *lines(0), *motion]))
    clip = read_bvh(path, unit="cm", up="+y")
    assert sorted(clip.layout.joints) == sorted(f"thing{'abcdef'[joint]}" for joint in range(count))
    for joint, (_, place) in worlds.items():
        got = clip.positions[0, 0, clip.layout.index(f"thing{'abcdef'[joint]}")]
        np.testing.assert_allclose(got, place / 100, atol=1e-5)


def by_recursion(path: Path, frame: int) -> dict[str, np.ndarray]:
    """World positions in the unit of the file by walking it line by line; an independent second reader."""
    lines = [line.split() for line in path.read_text().splitlines()]
    motion = next(place for place, words in enumerate(lines) if words[:1] == ["MOTION"])
    numbers = iter(map(float, lines[motion + 3 + frame]))
    walk = iter(lines[1:motion])
    places: dict[str, np.ndarray] = {}

    def visit(name: str, origin: np.ndarray, above: Rotation) -> None:
        step, turn = np.zeros(3), Rotation.identity()
        for words in walk:
            if words[0] == "OFFSET":
                step = np.array(list(map(float, words[1:])))
            elif words[0] == "CHANNELS":
                for channel in words[2:]:
                    value = next(numbers)
                    if channel.endswith("position"):
                        step["XYZ".index(channel[0])] = value
                    else:
                        turn = turn * Rotation.from_euler(channel[0].lower(), value, degrees=True)
                places[name] = origin + above.apply(step)
            elif words[0] in ("JOINT", "End"):
                visit(words[1], places[name], above * turn)
            elif words[0] == "}":
                return

    visit(next(walk)[1], np.zeros(3), Rotation.identity())
    return places


def test_bandai_namco_against_recursion_and_against_the_body(unpacked: Callable[[str], Path]) -> None:
    words = "Hips Spine Chest Neck Head Shoulder_L UpperArm_L LowerArm_L Hand_L Shoulder_R UpperArm_R LowerArm_R Hand_R"
    words += " UpperLeg_L LowerLeg_L Foot_L Toes_L UpperLeg_R LowerLeg_R Foot_R Toes_R"
    paths = sorted(unpacked("bandai_namco").rglob("*.bvh"))
    assert len(paths) == 24
    for path in paths:
        clip = read_bvh(path)
        assert (clip.layout, clip.fps, clip.M) == (BANDAI21, 30.0, 1)
        frame = clip.T // 2
        places = by_recursion(path, frame)
        expected = [places[word] / 100 for word in words.split()]
        np.testing.assert_allclose(clip.positions[0, frame], expected, atol=2e-6, err_msg=path.name)
        positions = clip.positions[0]
        bones = np.stack([np.linalg.norm(positions[:, a] - positions[:, b], axis=1) for a, b in BANDAI21.bones])
        assert np.ptp(bones, axis=1).max() < 2e-3, path.name  # bones keep their length
        lowest = positions[..., 1].min(axis=1)
        assert -0.05 < np.median(lowest) < 0.15, path.name  # the feet are on the floor
        assert 1.2 < np.median(positions[:, BANDAI21.index("head"), 1]) < 1.7, path.name


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda s: "", "empty"),
        (lambda s: "hello", "HIERARCHY"),
        (lambda s: "HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 1\n1", "0 joints"),
        (lambda s: s[: s.index("MOTION")], "HIERARCHY and a MOTION"),
        (lambda s: s[:300], "HIERARCHY and a MOTION"),
        (lambda s: s[: s.index("Frame Time")], "Frame Time"),
        (lambda s: s[: s.index("0 100 0 90")], "announces 2 frames"),
        (lambda s: s[:-5], "announces 2 frames"),
        (lambda s: s[: s.index("0 100 0 0")], "announces 2 frames"),
        (lambda s: s + "1 2 3", "announces 2 frames"),
        (lambda s: s.replace("Frames: 2", "Frames: 999999999999999"), "announces 999999999999999 frames"),
        (lambda s: s.replace("Frames: 2", "Frames: " + "9" * 5000), "Frames:"),
        (lambda s: s.replace("Frames: 2", "Frames: 0"), "announces 0 frames"),
        (lambda s: s.replace("Frames: 2", "Frames: many"), "Frames:"),
        (lambda s: s.replace("0.0333333", "nan"), "frame time"),
        (lambda s: s.replace("0.0333333", "-1"), "frame time"),
        (lambda s: s.replace("0.0333333", "0,0333"), "number"),
        (lambda s: s.replace("0 100 0 90", "0 100 x 90"), "number"),
        (lambda s: s.replace("0 100 0 90", "0 100,5 0 90"), "number"),
        (lambda s: s.replace("0 100 0", "nan nan nan"), "no frame"),
        (lambda s: s.replace("0 100 0", "inf 100 0"), "no frame"),
        (lambda s: s.replace("0 100 0 90", "1e300 100 0 90"), "infinite"),
        (lambda s: s.replace("OFFSET 0 60 0", "OFFSET 0 sixty 0"), "hierarchy"),
        (lambda s: s.replace("OFFSET 0 60 0", "OFFSET 0"), "hierarchy"),
        (lambda s: s.replace("CHANNELS 3", "CHANNELS 4"), "channels"),
        (lambda s: s.replace("CHANNELS 3", "CHANNELS -3"), "channels"),
        (lambda s: s.replace("CHANNELS 3", "CHANNELS 99999999999"), "channels"),
        (lambda s: s.replace("Zrotation", "Qrotation"), "channels"),
        (lambda s: s.replace("JOINT LeftKnee", "BONE LeftKnee"), "keyword"),
        (lambda s: s.replace("}\nMOTION", "}\nROOT Second\n{\n}\nMOTION"), "one tree"),
        (lambda s: s.replace("}\nMOTION", "MOTION"), "left open"),
        (lambda s: s.replace("}\nMOTION", "}\n}\nMOTION"), "hierarchy"),
        (lambda s: s.replace("OFFSET 0 20 0", "JOINT inside { }"), "one tree"),
        (lambda s: "HIERARCHY\nROOT a {" + "JOINT b {" * 5000 + "}" * 5001 + "\nMOTION\n", "1000 joints"),
        (lambda s: "HIERARCHY " + "x" * (1 << 21) + s[9:], "damaged"),
        (lambda s: "HIERARCHY\n" + "\n" * 300_000 + "nothing else", "MOTION"),
        (lambda s: s.replace("OFFSET 0 60 0", "OFFSET 0 0 0").replace("-50", "0"), "unit="),
        (lambda s: s.replace("60", "1e9"), "unit="),
    ],
)
def test_damaged_file_is_one_sentence(tmp_path: Path, damage: Callable[[str], str], says: str) -> None:
    with pytest.raises(SkeltextError, match=says) as caught:
        read_bvh(write(tmp_path, damage(SMALL)))
    assert "clip.bvh" in str(caught.value)
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_single_missing_numbers_are_missing_joints(tmp_path: Path) -> None:
    clip = read_bvh(write(tmp_path, SMALL.replace("0 100 0 90", "0 100 0 nan")))
    assert clip.tracked[0].tolist() == [[True] * 3, [True, False, False]]  # the root has a place but no direction


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "loop.bvh").symlink_to(tmp_path / "loop.bvh")
    (tmp_path / "gone.bvh").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.bvh").mkdir()
    (tmp_path / "to_folder.bvh").symlink_to(tmp_path / "folder.bvh")
    for name in ("loop.bvh", "gone.bvh", "folder.bvh", "to_folder.bvh", "never.bvh"):
        with pytest.raises(SkeltextError, match=name):
            read_bvh(tmp_path / name)
    (tmp_path / "good.bvh").symlink_to(write(tmp_path, SMALL))
    assert read_bvh(tmp_path / "good.bvh").T == 2


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(SMALL)), junk=st.binary(max_size=20))
def test_cut_and_overwritten_files_never_break(cut: int, junk: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = SMALL.encode()
    path = write(tmp_path_factory.mktemp("cut"), content[:cut] + junk + content[cut + len(junk) :])
    with contextlib.suppress(SkeltextError):
        assert read_bvh(path, unit="cm").layout.V >= 1


def test_format_knows_its_files() -> None:
    assert FORMAT.recognises(Path("x.BVH"), b"")
    assert FORMAT.recognises(Path("x.txt"), b"\xef\xbb\xbfHIERARCHY\r\nROOT")
    assert not FORMAT.recognises(Path("x.txt"), b"# HIERARCHY")


def test_joints_that_never_turn_cannot_fill_the_memory(tmp_path: Path) -> None:
    """Joints without channels cost the motion no byte, so a small file could ask for any amount of memory."""
    still = "".join(f"JOINT j{joint} {{ OFFSET 0 1 0 CHANNELS 0 }}\n" for joint in range(999))
    content = (
        f"HIERARCHY ROOT a {{ OFFSET 0 0 0 CHANNELS 1 Xrotation\n{still}}}\nMOTION\nFrames: 70000\nFrame Time: 1\n"
    )
    with pytest.raises(SkeltextError, match="cut the recording"):
        read_bvh(write(tmp_path, content + "0\n" * 70_000))


def test_long_recording_is_read_in_blocks(tmp_path: Path) -> None:
    rows = SMALL[SMALL.index("0 100") :]
    clip = read_bvh(write(tmp_path, SMALL.replace("Frames: 2", "Frames: 6000").replace(rows, rows * 3000)))
    assert clip.T == 6000
    np.testing.assert_array_equal(clip.positions[0, :2], clip.positions[0, -2:])
