"""Scores that lean on what the clips given together have in common, as far as there is evidence for it. Numpy only.

Scores are first smoothed over the nearest neighbors of a clip, if there are many clips of every class. Then a class
gets a prototype, the mean of all clips, each weighed by how probable the class is for it. The likeness to the prototype
is added to the score: the more clips speak for the class, the more. A class that nobody shows keeps its score, nothing
is centered on the clips, and nobody guesses how many clips show a class, so that a batch of one class does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.adaptation.score_smoothing import neighbor_edges, smooth
from skeltext.adaptation.step import Adapted, Floats, TestTimeStep, Unlabeled

# Chosen on random splits of the seen classes of kinect20, on full, skewed and one-class batches:
TEMPERATURE = 0.5  # of the probabilities, for scores whose deviation within a clip is one
CLIPS_PER_NEIGHBOR = 8  # clips that there are for every class, for each neighbor
SPREAD = 0.8  # of the smoothing


@dataclass(frozen=True, kw_only=True)
class ShrunkenPrototypes(TestTimeStep):
    """Adds `strength` n / (n + `prior`) cosines with a prototype of n clips; at most `neighbors` are smoothed over.

    >>> clips = np.float32([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1]])
    >>> scores = np.float32([[1, 0], [0.4, 0.5], [1, 0], [0, 1], [0, 1]])  # the second clip is unsure
    >>> ShrunkenPrototypes().fit(Unlabeled(features=clips, scores=scores)).labels.tolist()
    [0, 0, 0, 1, 1]
    """

    title = "shrunken prototypes"
    about = "shrunken_prototypes: scores lean on prototypes of the test clips, as far as clips speak for a class."

    strength: float = 2.0
    prior: float = 3.0
    neighbors: int = 5

    def __post_init__(self) -> None:
        if self.strength < 0 or self.prior <= 0 or self.neighbors < 0:
            raise ValueError(
                f"strength {self.strength}, prior {self.prior} and neighbors {self.neighbors}, expected a positive"
                " prior and no negative number"
            )

    def fit(self, clips: Unlabeled) -> Adapted:
        """The class with the highest new score, and the scores."""
        scores = clips.scores.astype(np.float64)
        size = max(_deviation(scores), 1e-9)
        smoothed = self._smoothed(clips.features, scores / size)
        units = clips.features / np.maximum(np.linalg.norm(clips.features, axis=1, keepdims=True), 1e-12)
        shares = np.exp((smoothed - smoothed.max(axis=1, keepdims=True)) / TEMPERATURE)
        shares /= shares.sum(axis=1, keepdims=True)
        sums, number = shares.T @ units, shares.sum(axis=0)  # K D and K
        prototypes = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
        moved = smoothed + self.strength * number / (number + self.prior) * (units @ prototypes.T)
        return Adapted(labels=np.asarray(moved.argmax(axis=1), np.int64), scores=(size * moved).astype(np.float32))

    def _smoothed(self, features: Floats, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(N, K) scores smoothed over as many neighbors as there are clips for, with the deviation that they had."""
        count = min(self.neighbors, len(scores) // (CLIPS_PER_NEIGHBOR * scores.shape[1]))
        if count < 1:
            return scores
        smoothed = smooth(scores, *neighbor_edges(features, count=count), spread=SPREAD)
        return np.asarray(smoothed * (_deviation(scores) / max(_deviation(smoothed), 1e-9)))


def _deviation(scores: npt.NDArray[np.float64]) -> float:
    """How far the scores of a clip lie from their mean, over all clips."""
    return float((scores - scores.mean(axis=1, keepdims=True)).std())
