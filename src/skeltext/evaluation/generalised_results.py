"""What a generalised zero-shot evaluation found: plain data that the command prints and a file keeps."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from skeltext.evaluation.generalised_accuracy import GeneralisedAccuracy

Way = Literal["published gate", "sound gate", "stacking"]
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True, kw_only=True)
class FittedGate:
    """What was fitted of a gate: its weights (2 width) and bias, and what its held-out clips chose."""

    temperature: int
    threshold: float
    accuracy: float
    weights: list[float]
    bias: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the second run's weights of an epoch said: both gates, and gamma in the unit of the method's scores."""

    epoch: int
    gates: dict[str, FittedGate]
    gamma: float


@dataclass(frozen=True, kw_only=True)
class Generalised:
    """S, U and H of one run (one split, one seed): ``table`` by way and by rule of the epoch, None for no such epoch.

    ``fitted`` is what was calibrated for that epoch. ``seen_expert`` says whose word on seen classes the gate takes:
    that of the ``"classifier"`` whose frozen encoder the run has, or that of the ``"method"`` itself. ``classes`` and
    ``clips`` count those of the test, ``calibration_classes`` and ``calibration_clips`` those that were calibrated on,
    (seen, unseen) each.
    """

    name: str
    dataset: str
    method: str
    split: str
    seed: int
    seen_expert: Literal["classifier", "method"]
    classes: tuple[int, int]
    clips: tuple[int, int]
    calibration_classes: tuple[int, int]
    calibration_clips: tuple[int, int]
    table: dict[Way, dict[str, GeneralisedAccuracy | None]]
    fitted: dict[str, Calibration | None]

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values for JSON."""
        return asdict(self)


def mean_table(found: Sequence[Generalised]) -> dict[Way, dict[str, GeneralisedAccuracy | None]]:
    """The table of several runs: the mean of every figure over the runs (of H, too); None where a run has none."""
    rules = list(found[0].table[WAYS[0]])
    return {way: {rule: _mean([run.table[way][rule] for run in found]) for rule in rules} for way in WAYS}


def as_json(found: Sequence[Generalised]) -> dict[str, Any]:
    """``mean`` (way, rule, figures) and ``runs``, the fields of each; accuracies are shares between 0 and 1."""
    mean = {
        way: {rule: cell and asdict(cell) for rule, cell in cells.items()} for way, cells in mean_table(found).items()
    }
    return {"mean": mean, "runs": [run.to_dict() for run in found]}


def _mean(cells: Sequence[GeneralisedAccuracy | None]) -> GeneralisedAccuracy | None:
    known = [asdict(cell) for cell in cells if cell is not None]
    if len(known) < len(cells):
        return None
    return GeneralisedAccuracy(**{name: statistics.fmean(cell[name] for cell in known) for name in known[0]})
