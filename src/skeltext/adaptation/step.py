"""A test-time step: what is made of unlabeled test clips before they are classified. Numpy only.

A step is fitted on embedded clips, on the anchors of the candidate classes among them, and on the scores that the
method gave first. It returns labels and, if it moved them, anchors. A step may look at all clips at once (it is
transductive), or take them one by one as they arrive.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Unlabeled:
    """N embedded test clips of K candidate classes, without their labels.

    ``features`` (N, D) are the clips; they are (N, ..., D) for a method that gives a clip no single vector. ``anchors``
    (K, D) are the texts or exemplars of the classes as points among them, None where they are not such points; a row of
    NaN is a class without an anchor. ``scores`` (N, K) are those of the method, higher is better. ``fallback`` (K, D)
    takes the place of an anchor that a step cannot make.
    """

    features: Floats
    scores: Floats
    anchors: Floats | None = None
    fallback: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """What a step found: ``labels`` (N,) and, where it moved the anchors, the new ``anchors`` (K, D).

    ``scores`` (N, K) are new ones in the scale of those that it was given, where it has such; a recognizer needs them.
    """

    labels: Ints
    anchors: Floats | None = None
    scores: Floats | None = None


class TestTimeStep(ABC):
    """A step with its options, which are the arguments of its constructor.

    ``title`` is what tables call it, ``about`` one sentence on what it does, for the protocol of an evaluation.
    ``transductive`` says whether a label depends on clips that come later.
    """

    __test__: ClassVar[bool] = False  # not a test, whatever its name begins with
    title: ClassVar[str]
    about: ClassVar[str]
    transductive: ClassVar[bool] = True

    def applies(self, clips: Unlabeled) -> bool:
        """Whether the step can be used: by default where every clip is one vector."""
        return clips.features.ndim == 2

    @abstractmethod
    def fit(self, clips: Unlabeled) -> Adapted:
        """Labels of the clips, and the anchors if they were moved."""
