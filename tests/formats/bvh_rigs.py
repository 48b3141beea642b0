"""The same adult in a T-pose, written as BVH the way different programs name, scale and turn skeletons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Where the joints of an adult are, in metres: x to the body's left, y up, z forward.
PLACES = {
    "pelvis": (0.0, 0.95, 0.0),
    "clavicle": (0.03, 1.42, 0.0),
    "shoulder": (0.18, 1.43, 0.0),
    "elbow": (0.46, 1.43, 0.0),
    "wrist": (0.72, 1.43, 0.0),
    "hand": (0.80, 1.43, 0.0),
    "hip": (0.09, 0.90, 0.0),
    "knee": (0.09, 0.50, 0.01),
    "ankle": (0.09, 0.08, -0.02),
    "foot": (0.09, 0.04, 0.08),
    "toes": (0.09, 0.02, 0.12),
}
LOW, HIGH = 1.0, 1.38  # where the back begins and ends
_ARM = ("clavicle", "shoulder", "elbow", "wrist", "hand")
_LEG = ("hip", "knee", "ankle", "foot", "toes")


@dataclass(frozen=True, kw_only=True)
class Program:
    """How one program writes a skeleton; ``limbs`` maps our place to its word, ``sided`` builds the whole name."""

    pelvis: str
    back: Sequence[str]
    necks: Sequence[str]
    head: str
    limbs: Mapping[str, str]
    left: str  # how a sided name is built, such as "Left{}" or "{}.L"
    right: str
    metres: float = 0.01
    up: str = "+y"
    world: str = ""  # a joint at the origin of the world above the pelvis
    layout: str = ""  # the registered layout it must become


def limbs(arm: str, leg: str, *, last: str = "toes") -> dict[str, str]:
    """Our places and a program's words for them."""
    places = zip(("clavicle", "shoulder", "elbow", "wrist", "hand"), arm.split(), strict=False)
    return dict(places) | dict(zip(("hip", "knee", "ankle", last), leg.split(), strict=False))


MIXAMO = limbs("Shoulder Arm ForeArm Hand", "UpLeg Leg Foot ToeBase")
PROGRAMS = {
    "mixamo": Program(
        pelvis="mixamorig:Hips",
        back=["mixamorig:Spine", "mixamorig:Spine1", "mixamorig:Spine2"],
        necks=["mixamorig:Neck"],
        head="mixamorig:Head",
        limbs=MIXAMO,
        left="mixamorig:Left{}",
        right="mixamorig:Right{}",
    ),
    "mixamo through a program that writes no colons": Program(
        pelvis="mixamorig_Hips",
        back=["mixamorig_Spine", "mixamorig_Spine1", "mixamorig_Spine2"],
        necks=["mixamorig_Neck"],
        head="mixamorig_Head",
        limbs=MIXAMO,
        left="mixamorig_Left{}",
        right="mixamorig_Right{}",
        metres=1.0,
    ),
    "cmu": Program(
        pelvis="Hips",
        back=["Spine", "Spine1"],
        necks=["Neck", "Neck1"],
        head="Head",
        limbs=MIXAMO,
        left="Left{}",
        right="Right{}",
        metres=0.0254 / 0.45,
    ),
    "vicon": Program(
        pelvis="Hips",
        back=["Chest"],
        necks=["Neck"],
        head="Head",
        limbs=limbs("Collar UpArm LowArm Hand", "UpLeg LowLeg Foot"),
        left="Left{}",
        right="Right{}",
        metres=0.0254,
    ),
    "xsens": Program(
        pelvis="Hips",
        back=["Chest", "Chest2", "Chest3", "Chest4"],
        necks=["Neck"],
        head="Head",
        limbs=limbs("Collar Shoulder Elbow Wrist", "Hip Knee Ankle Toe"),
        left="Left{}",
        right="Right{}",
    ),
    "rokoko": Program(
        pelvis="Hips",
        back=["Spine1", "Spine2", "Spine3", "Spine4"],
        necks=["Neck"],
        head="Head",
        limbs=limbs("Shoulder Arm ForeArm Hand", "Thigh Shin Foot Toe"),
        left="Left{}",
        right="Right{}",
    ),
    "blender": Program(
        pelvis="hips",
        back=["spine", "spine.001", "chest"],
        necks=["neck"],
        head="head",
        limbs=limbs("shoulder upper_arm forearm hand", "thigh shin foot toe"),
        left="{}.L",
        right="{}.R",
        metres=1.0,
        up="+z",
    ),
    "blender, deforming bones only": Program(
        pelvis="DEF-spine",
        back=["DEF-spine.001", "DEF-spine.002", "DEF-spine.003"],
        necks=["DEF-neck"],
        head="DEF-head",
        limbs=limbs("shoulder upper_arm forearm hand", "thigh shin foot toe"),
        left="DEF-{}.L",
        right="DEF-{}.R",
        metres=1.0,
        up="+z",
    ),
    "unreal": Program(
        world="root",
        pelvis="pelvis",
        back=["spine_01", "spine_02", "spine_03"],
        necks=["neck_01"],
        head="head",
        limbs=limbs("clavicle upperarm lowerarm hand", "thigh calf foot ball"),
        left="{}_l",
        right="{}_r",
        up="+z",
    ),
    "3ds max biped": Program(
        world="Bip01",
        pelvis="Bip01 Pelvis",
        back=["Bip01 Spine", "Bip01 Spine1"],
        necks=["Bip01 Neck"],
        head="Bip01 Head",
        limbs=limbs("Clavicle UpperArm Forearm Hand", "Thigh Calf Foot Toe0"),
        left="Bip01 L {}",
        right="Bip01 R {}",
        metres=0.0254,
    ),
    "vrm": Program(
        pelvis="J_Bip_C_Hips",
        back=["J_Bip_C_Spine", "J_Bip_C_Chest", "J_Bip_C_UpperChest"],
        necks=["J_Bip_C_Neck"],
        head="J_Bip_C_Head",
        limbs=limbs("Shoulder UpperArm LowerArm Hand", "UpperLeg LowerLeg Foot ToeBase"),
        left="J_Bip_L_{}",
        right="J_Bip_R_{}",
        metres=1.0,
    ),
    "motive": Program(
        pelvis="Anna:Hip",
        back=["Anna:Ab", "Anna:Chest"],
        necks=["Anna:Neck"],
        head="Anna:Head",
        limbs=limbs("Shoulder UArm FArm Hand", "Thigh Shin Foot Toe"),
        left="Anna:L{}",
        right="Anna:R{}",
        metres=0.001,
    ),
    "smpl": Program(
        pelvis="Pelvis",
        back=["Spine1", "Spine2", "Spine3"],
        necks=["Neck"],
        head="Head",
        limbs=limbs("Collar Shoulder Elbow Wrist Hand", "Hip Knee Ankle Foot", last="foot"),
        left="L_{}",
        right="R_{}",
        metres=1.0,
        layout="smpl24",
    ),
    "bandai": Program(
        world="joint_Root",
        pelvis="Hips",
        back=["Spine", "Chest"],
        necks=["Neck"],
        head="Head",
        limbs=limbs("Shoulder UpperArm LowerArm Hand", "UpperLeg LowerLeg Foot Toes"),
        left="{}_L",
        right="{}_R",
        layout="bandai21",
    ),
    "poser": Program(
        pelvis="hip",
        back=["abdomen", "chest"],
        necks=["neck"],
        head="head",
        limbs=limbs("Collar Shldr ForeArm Hand", "Thigh Shin Foot"),
        left="l{}",
        right="r{}",
        metres=0.0254,
    ),
    "capitals": Program(
        pelvis="HIPS",
        back=["SPINE"],
        necks=["NECK"],
        head="HEAD",
        limbs={place: word.upper() for place, word in MIXAMO.items()},
        left="LEFT_{}",
        right="RIGHT_{}",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A joint of a rig."""

    name: str
    at: tuple[float, float, float]  # metres, y up
    parent: int


def nodes(program: Program) -> list[Node]:
    """The joints of the adult in a program's words, parents first."""
    made: list[Node] = []

    def add(name: str, at: tuple[float, float, float], parent: int) -> int:
        made.append(Node(name=name, at=at, parent=parent))
        return len(made) - 1

    top = add(program.world, (0, 0, 0), -1) if program.world else -1
    pelvis = top = add(program.pelvis, PLACES["pelvis"], top)
    for step, name in enumerate(program.back):
        share = step / max(1, len(program.back) - 1)
        top = add(name, (0, LOW + share * (HIGH - LOW), 0), top)
    for chain, origin in ((_LEG, pelvis), (_ARM, top)):
        for template, sign in ((program.left, 1), (program.right, -1)):
            parent = origin
            for place in chain:
                if word := program.limbs.get(place):
                    x, y, z = PLACES[place]
                    parent = add(template.format(word), (sign * x, y, z), parent)
    for step, name in enumerate(program.necks):
        top = add(name, (0, 1.48 + 0.05 * step, 0), top)
    add(program.head, (0, 1.62, 0), top)
    return made


def text(program: Program, *, frames: int = 3, order: str = "ZXY", tip: float = 0.1) -> str:
    """A BVH in which the adult stands in a T-pose and walks forward by 10 cm per frame."""
    made = nodes(program)
    size = 1 / program.metres

    def written(vector: Sequence[float]) -> str:
        x, y, z = (size * value for value in vector)
        return " ".join(f"{value:.6f}" for value in ((x, y, z) if program.up == "+y" else (x, -z, y)))

    def lines(joint: int) -> list[str]:
        node = made[joint]
        above = made[node.parent].at if node.parent >= 0 else (0, 0, 0)
        offset = [mine - theirs for mine, theirs in zip(node.at, above, strict=True)]
        turns = " ".join(f"{axis}rotation" for axis in order)
        shifts = "" if node.parent >= 0 else "Xposition Yposition Zposition "
        children = [line for child, other in enumerate(made) if other.parent == joint for line in lines(child)]
        end = ["End Site", "{", f"OFFSET {written((0, 0, tip))}", "}"]
        head = f"{'JOINT' if node.parent >= 0 else 'ROOT'} {node.name}"
        channels = f"CHANNELS {3 + len(shifts.split())} {shifts}{turns}"
        return [head, "{", f"OFFSET {written(offset)}", channels, *(children or end), "}"]

    x, y, z = made[0].at
    motion = [f"{written((x, y, z + 0.1 * frame))} " + "0 " * 3 * len(made) for frame in range(frames)]
    return "\n".join(["HIERARCHY", *lines(0), "MOTION", f"Frames: {frames}", "Frame Time: 0.016667", *motion, ""])
