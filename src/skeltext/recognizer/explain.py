"""Which joints and which frames carry the score of a label: what is lost where their motion is taken away.

Occlusion (Zeiler and Fergus 2014, Visualizing and Understanding Convolutional Networks) for skeletons. A joint that is
put to zero, or left out, makes a body that no model has seen, and the score drops for that alone. So a joint is held
still beside its parent instead, and frames are bridged by a straight way across them: the body stays whole and only
the motion is gone.

One joint alone tells too little where its neighbours move along with it, as a wrist does with a hand, so whole limbs
are held still, too, and every joint has its share in what is lost with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from skeltext.data_frame import data_frame
from skeltext.errors import require
from skeltext.recognizer.label_set import Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.scorer import Scorer
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
_LEAST_LENGTH = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """How much of the score of a label is lost without the motion of a joint, of a limb, of some frames.

    ``score`` is that of the label (:meth:`Recognizer.scores`), and every drop is in its unit: below zero where the
    score is higher without that motion. ``alone`` (V,) are the drops without the motion of every joint of
    ``layout``, ``limbs`` (V,) without that of the joint and all that hangs from it, ``frames`` (B,) without each of B
    equal parts of the time. ``motion`` (C, T, V, M) is what the model was shown, ``seconds`` how long the clip is, None
    if it does not say.
    """

    label: str
    score: float
    layout: Layout
    alone: Floats
    limbs: Floats
    frames: Floats
    motion: Floats
    seconds: float | None

    @cached_property
    def joints(self) -> Floats:
        """(V,) what every joint carries."""
        return carried(self.alone, self.limbs, self.layout)

    @property
    def ranked_joints(self) -> list[tuple[str, float]]:
        """Names of joints with what they carry, the most first."""
        return self._ranked(self.joints)

    @property
    def ranked_limbs(self) -> list[tuple[str, float]]:
        """Names of the joints where limbs begin, with the drops of these, the greatest first."""
        parents = self.layout.parents
        begins = [name for joint, name in enumerate(self.layout.joints) if joint in parents and parents[joint] >= 0]
        return [entry for entry in self._ranked(self.limbs) if entry[0] in begins]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: joints by what they carry, limbs and parts of the time by what is lost without them.

        The greatest come first, but for the parts, whose start and end are in seconds, None where these are not known.
        """
        parts = len(self.frames)
        edges = [None if self.seconds is None else self.seconds * edge / parts for edge in range(parts + 1)]
        return {
            "label": self.label,
            "score": self.score,
            "joints": dict(self.ranked_joints),
            "limbs": dict(self.ranked_limbs),
            "frames": [
                {"start": start, "end": end, "drop": float(drop)}
                for (start, end), drop in zip(pairwise(edges), self.frames, strict=True)
            ],
        }

    def to_frame(self) -> pd.DataFrame:
        """The joints as a table, what carries most first: joint, carried, alone, limb (drops). Needs pandas."""
        alone, limbs = dict(self._ranked(self.alone)), dict(self._ranked(self.limbs))
        rows = [
            {"joint": joint, "carried": carries, "alone": alone[joint], "limb": limbs[joint]}
            for joint, carries in self.ranked_joints
        ]
        return data_frame(rows, columns=("joint", "carried", "alone", "limb"))

    def when(self, part: int) -> str:
        """The time of one of the parts in words, as a share of the clip where seconds are not known."""
        edges = np.array([part, part + 1]) / len(self.frames)
        if self.seconds is None:
            return "{:.0f} to {:.0f} %".format(*100 * edges)
        return "{:.2f} to {:.2f} s".format(*self.seconds * edges)

    def _ranked(self, drops: Floats) -> list[tuple[str, float]]:
        return [(self.layout.joints[joint], float(drops[joint])) for joint in np.argsort(-drops, kind="stable")]


def explain(
    model: Scorer,
    clip: Clip,
    labels: Labels,
    *,
    of: str | None = None,
    bins: int = BINS,
    pair: bool | None = None,
) -> Explanation:
    """What carries the score of the label `of`, by default of the best one, when a clip is recognised.

    All occluded motions are embedded in one pass, 1 + 2 V + `bins` of them, so the same clip has the same answer. They
    are occluded when they are prepared, as far as that is not done in the graph of an exported model.
    Raises :class:`SkeltextError` for a label that is not among the labels, or fewer than two bins.
    """
    asked = LabelSet.for_question(labels)
    prepare = model.preprocessing(pair=pair)
    motion, layout = prepare(clip), prepare.layout
    frames = motion.shape[1]
    require(
        of is None or of in asked.names,
        f"the label {of!r} is none of those to choose among ({', '.join(asked.names)}); add it to them",
    )
    require(2 <= bins <= frames, f"{bins} parts of the time, expected 2 to {frames}")
    edges = np.linspace(0, frames, bins + 1).astype(int).tolist()
    occluded = [
        *(held_still(motion, [joint], layout) for joint in range(layout.V)),
        *(held_still(motion, hanging_from(joint, layout), layout) for joint in range(layout.V)),
        *(bridged(motion, start, stop) for start, stop in pairwise(edges)),
    ]
    scores = model.scores(model.embed_prepared([motion, *occluded]), asked)
    chosen = int(scores[0, : len(asked.labels)].argmax()) if of is None else asked.names.index(of)
    column = scores[:, chosen]
    alone, limbs, parts = np.split(column[0] - column[1:], [layout.V, 2 * layout.V])
    return Explanation(
        label=asked.names[chosen],
        score=float(column[0]),
        layout=layout,
        alone=alone,
        limbs=limbs,
        frames=parts,
        motion=motion,
        seconds=clip.seconds,
    )


def carried(alone: Floats, limbs: Floats, layout: Layout) -> Floats:
    """(V,) the drop without each joint, and its equal share of the drop without every limb that it is part of.

    >>> chain = Layout(name="chain", joints=("hip", "knee", "ankle"), parents=(-1, 0, 1), centre="hip")
    >>> carried(np.float32([0, 1, 0]), np.float32([9, 4, 0]), chain).tolist()
    [0.0, 3.0, 2.0]
    """
    result = alone.copy()
    for joint, _ in layout.bones:
        limb = hanging_from(joint, layout)
        result[limb] += limbs[joint] / len(limb)
    return result


def hanging_from(joint: int, layout: Layout) -> list[int]:
    """A joint and all that hangs from it, every one after its parent.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> [KINECT20.joints[j] for j in hanging_from(KINECT20.index("left_elbow"), KINECT20)]
    ['left_elbow', 'left_wrist', 'left_hand']
    """
    found = [joint]
    for parent in found:  # grows while it is walked
        found.extend(child for child, above in enumerate(layout.parents) if above == parent)
    return found


def held_still(motion: Floats, joints: Sequence[int], layout: Layout) -> Floats:
    """(C, T, V, M) with each of the joints, parents first, at the end of a bone that has its mean direction and length.

    >>> chain = Layout(name="chain", joints=("hip", "knee"), parents=(-1, 0), centre="hip")
    >>> motion = np.zeros((3, 2, 2, 1), np.float32)
    >>> motion[:2, :, 1, 0] = [[0.6, -0.6], [-0.8, -0.8]]  # the knee swings to and fro
    >>> held_still(motion, [1], chain)[:2, :, 1, 0].round(3).tolist()  # it hangs straight down
    [[0.0, 0.0], [-1.0, -1.0]]
    """
    result = motion.copy()
    for joint in joints:
        parent = layout.parents[joint]
        if parent < 0:
            result[:, :, joint] = motion[:, :, joint].mean(axis=1, keepdims=True)
            continue
        bone = motion[:, :, joint] - motion[:, :, parent]  # (C, T, M)
        mean = bone.mean(axis=1)
        length = np.linalg.norm(bone, axis=0).mean(axis=0)
        stretch = length / np.maximum(np.linalg.norm(mean, axis=0), _LEAST_LENGTH)
        result[:, :, joint] = result[:, :, parent] + (mean * stretch)[:, None]
    return result


def bridged(motion: Floats, start: int, stop: int) -> Floats:
    """(C, T, V, M) with the frames from `start` up to `stop` on a straight way between those around; ends are held.

    >>> bridged(np.float32([0, 5, 9, 3]).reshape(1, 4, 1, 1), 1, 3).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    before = motion[:, start - 1 if start > 0 else stop]
    after = motion[:, stop if stop < motion.shape[1] else start - 1]
    share = np.arange(1, stop - start + 1, dtype=np.float32)[None, :, None, None] / (stop - start + 1)
    result = motion.copy()
    result[:, start:stop] = before[:, None] * (1 - share) + after[:, None] * share
    return result
