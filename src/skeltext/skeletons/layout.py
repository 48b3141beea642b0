"""What a skeleton is: named joints, the bones between them, the axis that points up and the unit of length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from skeltext.errors import SkeltextError

UNITS_IN_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "px": None}
UP_AXES = ("+y", "-y", "+z")
MIDPOINTS = {"pelvis", "spine", "spine_shoulder", "neck"}  # which a layout may make the middle of hips and shoulders


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A skeleton layout of V joints.

    Joint names are shared by all layouts (``left_elbow`` means the same everywhere), which is what makes
    conversion by name possible. ``parents[v]`` is the index of the joint that bone v hangs from, -1 at the root;
    ``centre`` names the joint that is the origin of centred clips and the centre of the graph partition.
    ``midpoints`` names joints that are nothing of their own but the middle of others (a pelvis between
    the hips); they may be pelvis, spine, spine_shoulder and neck.
    A layout whose ``unit`` is ``"px"`` is flat: its clips have two coordinates.

    Raises :class:`SkeltextError` if names repeat, a parent does not exist, or the bones are not one tree.

    >>> arm = Layout(name="arm", joints=("left_shoulder", "left_elbow", "left_wrist"), parents=(-1, 0, 1),
    ...              centre="left_shoulder")
    >>> arm.bones, arm.index("left_wrist"), arm.V
    (((1, 0), (2, 1)), 2, 3)
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    centre: str
    up: str = "+y"
    unit: str = "m"
    midpoints: tuple[str, ...] = ()
    about: str = ""

    def __post_init__(self) -> None:
        joints = self.joints
        if len(set(joints)) != len(joints) or not joints:
            raise SkeltextError(f"layout {self.name}: {len(joints)} joints with {len(set(joints))} different names")
        if len(self.parents) != len(joints):
            raise SkeltextError(f"layout {self.name}: {len(self.parents)} parents for {len(joints)} joints")
        if self.centre not in joints:
            raise SkeltextError(f"layout {self.name}: the centre {self.centre!r} is none of its joints")
        if not set(self.midpoints) <= MIDPOINTS & set(joints):
            raise SkeltextError(
                f"layout {self.name}: midpoints {', '.join(self.midpoints)}, expected joints of it among"
                f" {', '.join(sorted(MIDPOINTS))}"
            )
        if self.up not in UP_AXES or self.unit not in UNITS_IN_METRES:
            raise SkeltextError(
                f"layout {self.name}: up {self.up!r} and unit {self.unit!r}, expected one of {', '.join(UP_AXES)}"
                f" and one of {', '.join(UNITS_IN_METRES)}"
            )
        for joint in range(len(joints)):
            seen: set[int] = set()
            while joint >= 0:
                if joint in seen or joint >= len(joints):
                    raise SkeltextError(f"layout {self.name}: the parents of {joints[min(seen)]!r} lead nowhere")
                seen.add(joint)
                joint = self.parents[joint]
        if sum(parent < 0 for parent in self.parents) != 1:
            raise SkeltextError(f"layout {self.name}: {self.parents.count(-1)} roots, expected exactly one")

    @property
    def V(self) -> int:  # noqa: N802 - V is the shape letter of the joint axis everywhere
        """Number of joints."""
        return len(self.joints)

    @property
    def C(self) -> int:  # noqa: N802 - C is the shape letter of the coordinate axis everywhere
        """Coordinates per joint: 2 for pixels, else 3."""
        return 2 if self.unit == "px" else 3

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs (joint, parent), one for every joint but the root."""
        return tuple((joint, parent) for joint, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For every joint the index of its mirror image: left and right change places, the others stay."""
        swap = {"left_": "right_", "right_": "left_"}
        images = []
        for joint, name in enumerate(self.joints):
            side = name.split("_", 1)[0] + "_"
            image = swap.get(side, side) + name[len(side) :] if side in swap else name
            images.append(self.joints.index(image) if image in self.joints else joint)
        return tuple(images)

    def index(self, joint: str) -> int:
        """Index of a joint by its name; :class:`SkeltextError` names the joints there are."""
        if joint not in self.joints:
            raise SkeltextError(f"layout {self.name} has no joint {joint!r}; it has {', '.join(self.joints)}")
        return self.joints.index(joint)
