"""How like its examples a clip is, in the scale of standard scores.

Embedded clips are whitened by how clips of one class differ from each other in training: a direction in which they
differ much says little. All labels share one spread. A spread of its own for every label, as texts have it, would
favor examples that are far from all of the training.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skeltext.recognizer.model import Floats, unit

Ints = npt.NDArray[np.int64]

# Chosen on the seen classes of kinect20, on sets that were left out one by one and on random splits:
SHRINKAGE = 1.0  # mean variances that are added to the covariance within classes
TEXT_WORTH = 0.25  # examples: what the texts of a label count as
SPREAD = 1.45  # how much wider cosines with clips of new classes lie than those between clips of the training
ALIKE = 0.3  # correlation of both scores, for the spread of their sum


@dataclass(frozen=True, kw_only=True, eq=False)
class Likeness:
    """Whitened directions: rows less ``mean`` (D,), times ``matrix`` (D, D). Cosines of them have a ``spread``."""

    mean: Floats
    matrix: Floats
    spread: float

    @classmethod
    def of(cls, reference: Floats, classes: Ints) -> Likeness:
        """From embedded training clips (R, D) and their classes (R,); without classes directions are only centered."""
        rows = unit(reference)
        matrix = _whitening(rows, classes) if len(classes) else np.eye(rows.shape[1], dtype=np.float32)
        whitened = cls(mean=rows.mean(axis=0), matrix=matrix, spread=1.0)
        return replace(whitened, spread=_spread(whitened.directions(reference), classes))

    def directions(self, embedded: Floats) -> Floats:
        """(N, D) embedded clips as whitened directions."""
        return unit(np.asarray((unit(embedded) - self.mean) @ self.matrix, np.float32))

    def scores(self, embedded: Floats, examples: Floats) -> Floats:
        """(N,) standard scores of clips (N, D) by the mean direction of examples (E, D)."""
        mean = unit(self.directions(examples).mean(axis=0))
        return np.asarray(self.directions(embedded) @ mean / self.spread, np.float32)


def weighed(of_examples: Floats, of_texts: Floats, *, examples: int) -> Floats:
    """(N,) standard scores of a label by so many examples and by its texts, weighed by how much each says.

    >>> one, many = (weighed(np.float32([1]), np.float32([0]), examples=n)[0] for n in (1, 9))
    >>> bool(0.8 < one < many < 1.0)
    True
    """
    share = examples / (examples + TEXT_WORTH)
    spread = np.sqrt(share**2 + (1 - share) ** 2 + 2 * ALIKE * share * (1 - share))
    return np.asarray((share * of_examples + (1 - share) * of_texts) / spread, np.float32)


def _whitening(rows: Floats, classes: Ints) -> Floats:
    """(D, D) the inverse root of the covariance within classes, whose mean variance is one, plus the shrinkage."""
    _, members = np.unique(classes, return_inverse=True)
    means = np.stack([rows[members == one].mean(axis=0) for one in range(members.max() + 1)])
    rest = (rows - means[members]).astype(np.float64)
    variances, axes = np.linalg.eigh(rest.T @ rest / len(rest))
    variances = np.maximum(variances, 0) / max(float(variances.mean()), 1e-12)
    return np.asarray(axes / np.sqrt(variances + SHRINKAGE), np.float32)


def _spread(directions: Floats, classes: Ints) -> float:
    """The spread of cosines between clips of different classes, or between all clips where no classes are known."""
    cosines = directions @ directions.T
    others = classes[:, None] != classes if len(classes) else ~np.eye(len(cosines), dtype=bool)
    return max(SPREAD * float(cosines[others].std()), 1e-6) if others.any() else 1.0
