"""Joint names that need their neighbours to be understood."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skeltext.formats.joint_names import shared_names, words_of


def named(*names: str) -> dict[str, str]:
    """The shared names of joints that all hang from the first one."""
    parents = [-1, *[0] * (len(names) - 1)]
    return dict(zip(names, shared_names(names, parents, [1.0] * len(names)), strict=True))


def test_words_that_depend_on_their_neighbours() -> None:
    assert named("Hips", "LeftShoulder", "LeftArm")["LeftShoulder"] == "left_clavicle"
    assert named("Hips", "LeftShoulder", "LeftElbow")["LeftShoulder"] == "left_shoulder"
    assert named("Hips", "LeftHand")["LeftHand"] == "left_wrist"
    assert named("Hips", "LeftWrist", "LeftHand")["LeftHand"] == "left_hand"
    assert named("Hips", "RightFoot")["RightFoot"] == "right_ankle"
    assert named("Hips", "RightAnkle", "RightFoot")["RightFoot"] == "right_foot"
    assert named("Hips", "LeftLeg", "LeftShin")["LeftLeg"] == "left_hip"
    # the other side says nothing about this one
    assert named("Hips", "LeftShoulder", "RightArm")["LeftShoulder"] == "left_shoulder"


def test_kinect_names() -> None:
    words = (
        "SpineBase SpineMid SpineShoulder Head ShoulderLeft ElbowLeft WristLeft HandLeft HipRight KneeRight FootRight"
    )
    places = "pelvis spine spine_shoulder head left_shoulder left_elbow left_wrist left_hand right_hip right_knee"
    assert list(named(*words.split()).values()) == [*places.split(), "right_ankle"]


def test_fingers_keep_their_names_and_give_hand_and_thumb() -> None:
    found = named("Hips", "LeftHand", "LeftHandThumb1", "LeftHandThumb3", "LeftHandMiddle1", "LeftHandIndex1")
    assert list(found.values())[1:] == [
        "left_wrist",
        "left_hand_thumb_1",
        "left_thumb",
        "left_hand",
        "left_hand_index_1",
    ]


def test_sides_glued_to_the_word() -> None:
    assert list(named("root", "lfemur", "RTHIGH", "lShldr", "legacy").values())[1:] == [
        "left_hip",
        "right_hip",
        "left_shoulder",
        "legacy",
    ]


def test_character_prefix_is_dropped_but_not_from_its_own_name() -> None:
    found = named("Bip01", "Bip01 Pelvis", "Bip01 L Thigh", "Bip01 Tail")
    assert found == {
        "Bip01": "bip_1",
        "Bip01 Pelvis": "pelvis",
        "Bip01 L Thigh": "left_hip",
        "Bip01 Tail": "tail",
    }


def test_root_between_the_hips_is_the_pelvis_whatever_it_is_called() -> None:
    assert named("Anna", "LeftUpLeg", "RightUpLeg")["Anna"] == "pelvis"
    assert named("hand", "thumb_1")["hand"] == "hand"


@given(st.lists(st.text(max_size=12), min_size=1, max_size=30))
def test_any_names_become_different_names(names: list[str]) -> None:
    parents = [-1, *range(len(names) - 1)]
    shared = shared_names(names, parents, [1.0] * len(names))
    assert len(set(shared)) == len(names)
    assert all(shared)


@given(st.text(max_size=40))
def test_words_have_no_capitals_and_no_separators(name: str) -> None:
    assert all(word and word == word.lower() and "_" not in word and ":" not in word for word in words_of(name))
