"""What was measured, and what follows from it: medians, rates, shares of the machine's peak, ratios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from skeltext.benchmark.bench.settings import Basis
from skeltext.benchmark.bench.stage import Allocator, Roof


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One process: seconds of a call in every round by clock, items of a call, and the most memory it ever used.

    ``moved`` and ``published`` are the bytes and the floating-point operations of a call, as in ``Task``.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    items: int
    peak: int | None = None
    moved: int | None = None
    published: int | None = None

    def seconds(self, basis: Basis) -> float:
        """The median over the rounds of the seconds of a call."""
        return median(self.cpu if basis == "cpu" else self.wall)

    def per_second(self, basis: Basis) -> float:
        """Items per second in the median round."""
        return self.items / self.seconds(basis)

    def best_rate(self, basis: Basis) -> float:
        """Operations, or bytes where there are none, per second in the best round: how a peak is told."""
        return (self.published or self.moved or 0) / min(self.cpu if basis == "cpu" else self.wall)


def ratio(subject: Measured, reference: Measured, basis: Basis) -> float:
    """How many times as many items per second `subject` handles, between the medians of the rounds.

    >>> slow = Measured(wall=(4.0, 9.0, 5.0), cpu=(4.0, 4.0, 4.0), items=2)
    >>> fast = Measured(wall=(1.0, 1.0, 9.0), cpu=(1.0, 1.0, 1.0), items=2)
    >>> ratio(fast, slow, "wall"), ratio(fast, slow, "cpu")
    (5.0, 4.0)
    """
    return subject.per_second(basis) / reference.per_second(basis)


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """The limits of the machine as measured: floating-point operations per second, and bytes per second."""

    arithmetic: float
    memory: float


@dataclass(frozen=True, kw_only=True)
class RowResult:
    """A line of the table; ``missing`` are the sentences why a cell is empty."""

    stage: str
    name: str
    unit: str
    roof: Roof | None
    measured: Measured | None
    references: Mapping[Allocator, Measured] = field(default_factory=dict)
    agreement: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def share(self, measured: Measured | None, peaks: Peaks | None, basis: Basis) -> float | None:
        """The share of the machine's peak that the subject or a reference reaches.

        Arithmetic is counted in operations of the published formulation whoever does it, so it may exceed one.
        """
        if self.measured is None or measured is None or peaks is None or self.roof is None:
            return None
        amount = self.measured.published if self.roof == "arithmetic" else self.measured.moved
        peak = peaks.arithmetic if self.roof == "arithmetic" else peaks.memory
        return amount / measured.seconds(basis) / peak if amount else None

    def ratio(self, allocator: Allocator, basis: Basis) -> float | None:
        """How many times as fast as the reference under an allocator; None where there is no such reference."""
        reference = self.references.get(allocator)
        return ratio(self.measured, reference, basis) if self.measured and reference else None


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """A whole run: ``settings`` and ``machine`` as they were, the load average before and after, peaks and rows."""

    settings: Mapping[str, Any]
    basis: Basis
    machine: Mapping[str, Any]
    load: tuple[float | None, float | None]
    peaks: Peaks | None
    rows: tuple[RowResult, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values, the seconds of every round included."""
        peaks = None if self.peaks is None else {"arithmetic": self.peaks.arithmetic, "memory": self.peaks.memory}
        return {
            "settings": dict(self.settings),
            "basis": self.basis,
            "machine": dict(self.machine),
            "load": list(self.load),
            "peaks": peaks,
            "rows": [self._row(row) for row in self.rows],
        }

    def _row(self, row: RowResult) -> dict[str, Any]:
        return {
            "stage": row.stage,
            "name": row.name,
            "unit": row.unit,
            "roof": row.roof,
            **self._figures(row, row.measured),
            "ratio": {allocator: row.ratio(allocator, self.basis) for allocator in row.references},
            "references": {name: self._figures(row, measured) for name, measured in row.references.items()},
            "agreement": dict(row.agreement),
            "missing": list(row.missing),
        }

    def _figures(self, row: RowResult, measured: Measured | None) -> dict[str, Any]:
        return {
            "per_second": measured and measured.per_second(self.basis),
            "wall": measured and measured.seconds("wall"),
            "cpu": measured and measured.seconds("cpu"),
            "peak": measured and measured.peak,
            "share": row.share(measured, self.peaks, self.basis),
            "items": measured and measured.items,
            "rounds": measured and {"wall": list(measured.wall), "cpu": list(measured.cpu)},
        }
