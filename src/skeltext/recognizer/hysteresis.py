"""Hysteresis: a label that stays until it is clearly over."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from skeltext.errors import require

ON = 0.6
_KEPT = 2 / 3  # of `on`, where nobody says below which share a label ends

Label = TypeVar("Label", bound=Hashable)


class Hysteresis(Generic[Label]):
    """Two thresholds: the most probable label begins at `on` and lasts until its own share is below `off`.

    Without `off` it is two thirds of `on`. Where the two add up to 1, a label that begins ends any other, since shares
    add up to 1. Raises :class:`SkeltextError` unless 0 < off <= on <= 1.

    >>> holds = Hysteresis(on=0.6, off=0.4)
    >>> [holds({"wave": share, "sit": 1 - share}) for share in (0.5, 0.7, 0.5, 0.3, 0.5)]
    [None, 'wave', 'wave', 'sit', 'sit']
    """

    def __init__(self, *, on: float = ON, off: float | None = None) -> None:
        self.on, self.off = on, on * _KEPT if off is None else off
        require(
            0 < self.off <= self.on <= 1,
            f"a label would begin at {self.on:g} and end below {self.off:g}, expected 0 < off <= on <= 1",
        )
        self.current: Label | None = None

    def __call__(self, shares: Mapping[Label, float]) -> Label | None:
        """The label that holds now that these are the shares, None where none does."""
        if self.current is None or shares.get(self.current, 0.0) < self.off:
            best = max(shares, key=lambda label: shares[label])
            self.current = best if shares[best] >= self.on else None
        return self.current

    def reset(self) -> None:
        """No label holds."""
        self.current = None
