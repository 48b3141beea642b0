"""The step that does nothing: every clip gets the class with the highest score of the method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skeltext.adaptation.step import Adapted, TestTimeStep, Unlabeled


@dataclass(frozen=True, kw_only=True)
class Plain(TestTimeStep):
    """argmax of the scores; it needs no vectors, and a clip's label does not depend on other clips.

    >>> Plain().fit(Unlabeled(features=np.zeros((2, 1), "f"), scores=np.array([[0, 1], [3, 2]], "f"))).labels.tolist()
    [1, 0]
    """

    title = "plain"
    about = "plain: every clip gets the class with the highest score."
    transductive = False

    def applies(self, clips: Unlabeled) -> bool:
        """Always."""
        return True

    def fit(self, clips: Unlabeled) -> Adapted:
        """The class with the highest score."""
        return Adapted(labels=np.asarray(clips.scores.argmax(axis=1), np.int64), scores=clips.scores)
