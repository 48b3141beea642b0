"""Scores smoothed over the neighbors of a clip: clips that look alike should get the same label.

Every clip is joined to its nearest ones, and scores spread along these edges (Zhou et al., "Learning with Local and
Global Consistency", NIPS 2003). Unlike prototypes it makes no guess about how many clips show a class. Numpy only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.adaptation.step import Adapted, Floats, Ints, TestTimeStep, Unlabeled

BLOCK = 1024  # clips that are compared with all others at a time, which bounds the memory
ROUNDS, CLOSE = 200, 1e-6  # of the conjugate gradients: how many at most, and how small the rest is in the end
SHARPNESS = 3  # power of a cosine that is the weight of an edge


@dataclass(frozen=True, kw_only=True)
class ScoreSmoothing(TestTimeStep):
    """Solves (I - spread S) y = scores, S being the normalized graph of the `neighbors` nearest clips of every clip.

    >>> clips = np.float32([[1, 0], [1, 0.1], [1, 0.2], [0, 1]])
    >>> scores = np.float32([[1, 0], [0.4, 0.5], [1, 0], [0, 1]])  # the second clip is unsure
    >>> ScoreSmoothing(neighbors=2).fit(Unlabeled(features=clips, scores=scores)).labels.tolist()
    [0, 0, 0, 1]
    """

    title = "score smoothing"
    about = "score_smoothing: scores spread among clips that look alike."

    neighbors: int = 10
    spread: float = 0.8

    def __post_init__(self) -> None:
        if self.neighbors < 1 or not 0 <= self.spread < 1:
            raise ValueError(
                f"neighbors {self.neighbors} and spread {self.spread}, expected at least 1 and a share below 1"
            )

    def fit(self, clips: Unlabeled) -> Adapted:
        """The class with the highest smoothed score, and the scores."""
        edges = neighbor_edges(clips.features, count=min(self.neighbors, len(clips.features) - 1))
        smoothed = smooth(clips.scores.astype(np.float64), *edges, spread=self.spread)
        scores = smoothed * (1 - self.spread)  # the weights of a clip and its neighbors add up to about one
        return Adapted(labels=np.asarray(smoothed.argmax(axis=1), np.int64), scores=scores.astype(np.float32))


def neighbor_edges(features: Floats, *, count: int) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Edges (E,) from, (E,) to and their weights (E,): both ways between every clip and its `count` nearest ones.

    The weight is the third power of the cosine, none below zero, by the square roots of the degrees of both ends, so
    that no clip counts more for having more neighbors. A pair that are each other's neighbors has one edge each way.
    """
    units = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    n = len(units)
    if count < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    near, cosines = np.zeros((n, count), np.int64), np.zeros((n, count))
    for start in range(0, n, BLOCK):
        rows = units[start : start + BLOCK] @ units.T
        rows[np.arange(len(rows)), np.arange(start, start + len(rows))] = -np.inf
        near[start : start + BLOCK] = np.argpartition(-rows, count - 1, axis=1)[:, :count]
        cosines[start : start + BLOCK] = np.take_along_axis(rows, near[start : start + BLOCK], axis=1)
    one, other = np.repeat(np.arange(n), count), near.ravel()
    weights = np.maximum(cosines.ravel(), 0) ** SHARPNESS
    pairs, first = np.unique(np.concatenate([one * n + other, other * n + one]), return_index=True)
    one, other, weights = pairs // n, pairs % n, np.concatenate([weights, weights])[first]
    degrees = np.maximum(np.bincount(one, weights, minlength=n), 1e-12)
    return one, other, weights / np.sqrt(degrees[one] * degrees[other])


def smooth(
    scores: npt.NDArray[np.float64], one: Ints, other: Ints, weights: npt.NDArray[np.float64], *, spread: float
) -> npt.NDArray[np.float64]:
    """(N, K) the y of (I - spread S) y = scores, by conjugate gradients, S having these edges."""

    def applied(y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        messages = np.stack([np.bincount(one, weights * column[other], minlength=len(y)) for column in y.T], axis=1)
        return np.asarray(y - spread * messages)

    y = scores.copy()
    rest = scores - applied(y)
    way = rest.copy()
    size = (rest**2).sum(axis=0)
    for _ in range(ROUNDS):
        if (size <= CLOSE**2 * np.maximum((scores**2).sum(axis=0), 1e-12)).all():
            break
        turned = applied(way)
        step = size / np.maximum((way * turned).sum(axis=0), 1e-300)
        y += step * way
        rest -= step * turned
        size, before = (rest**2).sum(axis=0), size
        way = rest + size / np.maximum(before, 1e-300) * way
    return y
