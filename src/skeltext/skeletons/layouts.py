"""The layouts that skeltext knows by name."""

from __future__ import annotations

from dataclasses import replace

from skeltext.errors import SkeltextError
from skeltext.skeletons.layout import Layout


def _layout(
    name: str, tree: str, *, centre: str, up: str = "+y", unit: str = "m", midpoints: str = "", about: str = ""
) -> Layout:
    """Build a layout from ``"joint<parent joint<parent ..."``, joints in the order of the data."""
    pairs = [entry.split("<") for entry in tree.split()]
    joints = tuple(pair[0] for pair in pairs)
    parents = tuple(joints.index(pair[1]) if len(pair) == 2 else -1 for pair in pairs)
    return Layout(
        name=name,
        joints=joints,
        parents=parents,
        centre=centre,
        up=up,
        unit=unit,
        midpoints=tuple(midpoints.split()),
        about=about,
    )


NTU25 = _layout(
    "ntu25",
    """pelvis spine<pelvis neck<spine_shoulder head<neck
    left_shoulder<spine_shoulder left_elbow<left_shoulder left_wrist<left_elbow left_hand<left_wrist
    right_shoulder<spine_shoulder right_elbow<right_shoulder right_wrist<right_elbow right_hand<right_wrist
    left_hip<pelvis left_knee<left_hip left_ankle<left_knee left_foot<left_ankle
    right_hip<pelvis right_knee<right_hip right_ankle<right_knee right_foot<right_ankle
    spine_shoulder<spine left_hand_tip<left_thumb left_thumb<left_hand
    right_hand_tip<right_thumb right_thumb<right_hand""",
    centre="spine_shoulder",
    about="Kinect v2, the joint order of NTU RGB+D and PKU-MMD; hand tips hang from thumbs as in the published graph",
)
KINECT20 = _layout(
    "kinect20",
    """pelvis spine<pelvis spine_shoulder<spine head<spine_shoulder
    left_shoulder<spine_shoulder left_elbow<left_shoulder left_wrist<left_elbow left_hand<left_wrist
    right_shoulder<spine_shoulder right_elbow<right_shoulder right_wrist<right_elbow right_hand<right_wrist
    left_hip<pelvis left_knee<left_hip left_ankle<left_knee left_foot<left_ankle
    right_hip<pelvis right_knee<right_hip right_ankle<right_knee right_foot<right_ankle""",
    centre="spine_shoulder",
    about="Kinect v1 (SDK 1.x) in the order of the SDK",
)
AZURE32 = _layout(
    "azure32",
    """pelvis spine<pelvis chest<spine neck<chest
    left_clavicle<chest left_shoulder<left_clavicle left_elbow<left_shoulder left_wrist<left_elbow
    left_hand<left_wrist left_hand_tip<left_hand left_thumb<left_wrist
    right_clavicle<chest right_shoulder<right_clavicle right_elbow<right_shoulder right_wrist<right_elbow
    right_hand<right_wrist right_hand_tip<right_hand right_thumb<right_wrist
    left_hip<pelvis left_knee<left_hip left_ankle<left_knee left_foot<left_ankle
    right_hip<pelvis right_knee<right_hip right_ankle<right_knee right_foot<right_ankle
    head<neck nose<head left_eye<head left_ear<head right_eye<head right_ear<head""",
    centre="neck",
    up="-y",
    unit="mm",
    about="Azure Kinect body tracking SDK",
)
SMPL24 = _layout(
    "smpl24",
    """pelvis left_hip<pelvis right_hip<pelvis spine<pelvis left_knee<left_hip right_knee<right_hip
    spine_middle<spine left_ankle<left_knee right_ankle<right_knee chest<spine_middle left_foot<left_ankle
    right_foot<right_ankle neck<chest left_clavicle<chest right_clavicle<chest head<neck
    left_shoulder<left_clavicle right_shoulder<right_clavicle left_elbow<left_shoulder right_elbow<right_shoulder
    left_wrist<left_elbow right_wrist<right_elbow left_hand<left_wrist right_hand<right_wrist""",
    centre="chest",
    about="SMPL body model",
)
SMPL22 = replace(
    SMPL24,
    name="smpl22",
    joints=SMPL24.joints[:22],
    parents=SMPL24.parents[:22],
    about="the body joints that SMPL, SMPL-H and SMPL-X share: SMPL without hands",
)
H36M17 = _layout(
    "h36m17",
    """pelvis right_hip<pelvis right_knee<right_hip right_ankle<right_knee
    left_hip<pelvis left_knee<left_hip left_ankle<left_knee
    spine<pelvis spine_shoulder<spine neck<spine_shoulder head<neck
    left_shoulder<spine_shoulder left_elbow<left_shoulder left_wrist<left_elbow
    right_shoulder<spine_shoulder right_elbow<right_shoulder right_wrist<right_elbow""",
    centre="spine_shoulder",
    up="+z",
    midpoints="pelvis spine spine_shoulder",
    about="Human3.6M, the 17 joints of most lifting networks, world axes",
)
MEDIAPIPE33 = _layout(
    "mediapipe33",
    """nose left_eye_inner<nose left_eye<left_eye_inner left_eye_outer<left_eye
    right_eye_inner<nose right_eye<right_eye_inner right_eye_outer<right_eye left_ear<left_eye_outer
    right_ear<right_eye_outer left_mouth<nose right_mouth<nose
    left_shoulder<nose right_shoulder<nose left_elbow<left_shoulder right_elbow<right_shoulder
    left_wrist<left_elbow right_wrist<right_elbow left_pinky<left_wrist right_pinky<right_wrist
    left_hand_tip<left_wrist right_hand_tip<right_wrist left_thumb<left_wrist right_thumb<right_wrist
    left_hip<left_shoulder right_hip<right_shoulder left_knee<left_hip right_knee<right_hip
    left_ankle<left_knee right_ankle<right_knee left_heel<left_ankle right_heel<right_ankle
    left_foot<left_heel right_foot<right_heel""",
    centre="nose",
    up="-y",
    about="MediaPipe Pose world landmarks",
)
MEDIAPIPE33_FLAT = replace(
    MEDIAPIPE33, name="mediapipe33_flat", unit="px", about="MediaPipe Pose landmarks in image pixels"
)
COCO17 = _layout(
    "coco17",
    """nose left_eye<nose right_eye<nose left_ear<left_eye right_ear<right_eye
    left_shoulder<nose right_shoulder<nose left_elbow<left_shoulder right_elbow<right_shoulder
    left_wrist<left_elbow right_wrist<right_elbow left_hip<left_shoulder right_hip<right_shoulder
    left_knee<left_hip right_knee<right_hip left_ankle<left_knee right_ankle<right_knee""",
    centre="nose",
    up="-y",
    unit="px",
    about="COCO key points in image pixels (RTMPose, YOLO pose, ...)",
)
PENN13 = _layout(
    "penn13",
    """head left_shoulder<head right_shoulder<head left_elbow<left_shoulder right_elbow<right_shoulder
    left_wrist<left_elbow right_wrist<right_elbow left_hip<left_shoulder right_hip<right_shoulder
    left_knee<left_hip right_knee<right_hip left_ankle<left_knee right_ankle<right_knee""",
    centre="head",
    up="-y",
    unit="px",
    about="Penn Action, 13 joints in image pixels",
)
HALPE26 = _layout(
    "halpe26",
    """nose<head left_eye<nose right_eye<nose left_ear<left_eye right_ear<right_eye
    left_shoulder<neck right_shoulder<neck left_elbow<left_shoulder right_elbow<right_shoulder
    left_wrist<left_elbow right_wrist<right_elbow left_hip<pelvis right_hip<pelvis
    left_knee<left_hip right_knee<right_hip left_ankle<left_knee right_ankle<right_knee
    head<neck neck<pelvis pelvis left_toes<left_ankle right_toes<right_ankle
    left_small_toe<left_ankle right_small_toe<right_ankle left_heel<left_ankle right_heel<right_ankle""",
    centre="neck",
    up="-y",
    unit="px",
    midpoints="pelvis",
    about="Halpe full body, 26 key points in image pixels",
)
BODY25 = _layout(
    "body25",
    """nose<neck neck<pelvis right_shoulder<neck right_elbow<right_shoulder right_wrist<right_elbow
    left_shoulder<neck left_elbow<left_shoulder left_wrist<left_elbow pelvis
    right_hip<pelvis right_knee<right_hip right_ankle<right_knee left_hip<pelvis left_knee<left_hip left_ankle<left_knee
    right_eye<nose left_eye<nose right_ear<right_eye left_ear<left_eye
    left_toes<left_ankle left_small_toe<left_toes left_heel<left_ankle
    right_toes<right_ankle right_small_toe<right_toes right_heel<right_ankle""",
    centre="neck",
    up="-y",
    unit="px",
    midpoints="pelvis neck",
    about="OpenPose BODY_25 in image pixels",
)
BODY25_3D = replace(BODY25, name="body25_3d", unit="m", about="OpenPose BODY_25 triangulated, in axes of the camera")
OPENPOSE18 = _layout(
    "openpose18",
    """nose<neck neck right_shoulder<neck right_elbow<right_shoulder right_wrist<right_elbow
    left_shoulder<neck left_elbow<left_shoulder left_wrist<left_elbow
    right_hip<neck right_knee<right_hip right_ankle<right_knee left_hip<neck left_knee<left_hip left_ankle<left_knee
    right_eye<nose left_eye<nose right_ear<right_eye left_ear<left_eye""",
    centre="neck",
    up="-y",
    unit="px",
    midpoints="neck",
    about="OpenPose COCO model (18 key points) in image pixels",
)
OPENNI15 = _layout(
    "openni15",
    """head<neck neck spine<neck left_shoulder<neck left_elbow<left_shoulder left_hand<left_elbow
    right_shoulder<neck right_elbow<right_shoulder right_hand<right_elbow
    left_hip<spine left_knee<left_hip left_ankle<left_knee
    right_hip<spine right_knee<right_hip right_ankle<right_knee""",
    centre="neck",
    midpoints="neck spine",
    about="OpenNI and NITE on a Kinect v1 (KARD, CAD-60); what they call a foot is where others have the ankle",
)
HDM31 = _layout(
    "hdm31",
    """pelvis left_hip<pelvis left_knee<left_hip left_ankle<left_knee left_foot<left_ankle left_toes<left_foot
    right_hip<pelvis right_knee<right_hip right_ankle<right_knee right_foot<right_ankle right_toes<right_foot
    spine<pelvis chest<spine spine_shoulder<chest neck_lower<spine_shoulder neck<neck_lower head<neck
    left_shoulder<spine_shoulder left_elbow<left_shoulder left_wrist<left_elbow left_palm<left_wrist
    left_hand<left_palm left_hand_tip<left_hand left_thumb<left_palm
    right_shoulder<spine_shoulder right_elbow<right_shoulder right_wrist<right_elbow right_palm<right_wrist
    right_hand<right_palm right_hand_tip<right_hand right_thumb<right_palm""",
    centre="spine_shoulder",
    about="HDM05 and CMU motion capture (ASF/AMC): the root and the end of each of 30 bones",
)
BANDAI21 = _layout(
    "bandai21",
    """pelvis spine<pelvis chest<spine neck<chest head<neck
    left_clavicle<chest left_shoulder<left_clavicle left_elbow<left_shoulder left_wrist<left_elbow
    right_clavicle<chest right_shoulder<right_clavicle right_elbow<right_shoulder right_wrist<right_elbow
    left_hip<pelvis left_knee<left_hip left_ankle<left_knee left_toes<left_ankle
    right_hip<pelvis right_knee<right_hip right_ankle<right_knee right_toes<right_ankle""",
    centre="chest",
    about="Bandai-Namco Research motion data (BVH), without its static root",
)

LAYOUTS = {
    layout.name: layout
    for layout in (
        *(NTU25, KINECT20, AZURE32, SMPL24, SMPL22, H36M17, MEDIAPIPE33, MEDIAPIPE33_FLAT, COCO17, HALPE26),
        *(BODY25, BODY25_3D, OPENPOSE18, PENN13, OPENNI15, HDM31, BANDAI21),
    )
}


def list_layouts() -> list[str]:
    """The names of the registered layouts.

    >>> "ntu25" in list_layouts()
    True
    """
    return list(LAYOUTS)


def layout_named(name: str) -> Layout:
    """The registered layout of that name; :class:`SkeltextError` lists the names there are.

    >>> layout_named("ntu25").V
    25
    """
    if name not in LAYOUTS:
        raise SkeltextError(f"layout {name!r} is not known; known are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]
