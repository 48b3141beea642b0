"""Sets of labels that hold the truth as often as somebody asks: split conformal prediction on standard scores.

A set holds every label whose score is at most a gap below the best one. The gap is the quantile of how far the right
label was below the best one on clips of held-out classes; the more labels there are, the wider it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skeltext.errors import require
from skeltext.recognizer.model import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """``widths`` maps a coverage to a mapping from numbers of labels to the gap at it.

    Between fitted coverages and numbers of labels gaps are interpolated, the latter by their logarithm; for fewer or
    more labels than were fitted, the gap is that of the nearest number.
    """

    widths: Mapping[float, Mapping[int, float]]

    def width(self, coverage: float, *, labels: int) -> float:
        """The gap; :class:`SkeltextError` for a coverage out of the range that was fitted.

        >>> Gaps(widths={0.8: {2: 0.0, 8: 1.0}, 0.9: {2: 1.0, 8: 2.0}}).width(0.9, labels=8)
        2.0
        """
        fitted = sorted(self.widths)
        require(
            fitted[0] <= coverage <= fitted[-1],
            f"a coverage of {coverage:g}, expected one between {fitted[0]:g} and {fitted[-1]:g}, which were fitted",
        )
        gaps = []
        for one in fitted:
            numbers = sorted(self.widths[one])
            gaps.append(np.interp(np.log(labels), np.log(numbers), [self.widths[one][number] for number in numbers]))
        return float(np.interp(coverage, fitted, gaps))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {str(one): {str(k): gap for k, gap in widths.items()} for one, widths in self.widths.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Gaps:
        """What :meth:`to_dict` gave; whatever is wrong with it is raised as it is."""
        found = {float(one): {int(k): float(gap) for k, gap in widths.items()} for one, widths in plain.items()}
        require(found and all(found.values()), "it has no gaps of label sets")
        return cls(widths=found)


def within(scores: Floats, gap: float) -> list[int]:
    """The numbers of the labels whose scores (K,) are at most a gap below the best one, the best first.

    >>> within(np.float32([0.5, 2.0, 1.5]), 1.0)
    [1, 2]
    """
    return [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] >= scores.max() - gap]
