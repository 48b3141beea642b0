"""When a recogniser should not answer: fitted on clips with and without their label, and on clips of no action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from skeltext.evaluation.calibrated_gate import fit_logistic
from skeltext.recognizer.evidence import Evidence
from skeltext.recognizer.model import Floats
from skeltext.recognizer.nothing import NothingShown, inputs

RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
MISTAKEN = 0.01  # share of clips of actions that may be taken for empty ones
MISSED = 0.05  # share of empty clips that may be missed
Flags = npt.NDArray[np.bool_]


def fitted_evidence(with_label: npt.NDArray[np.float64], right: Flags, without: npt.NDArray[np.float64]) -> Evidence:
    """From the signs (N, 3) of clips with and of clips without their label among those that are asked for.

    `right` says of the former where the best label is the right one.
    """
    every = torch.from_numpy(np.concatenate([with_label, without]))
    spread = every.std(dim=0).clamp(min=1e-6)  # of a sign
    shown = torch.arange(len(every)) < len(with_label)
    weights = (fit_logistic(every / spread, shown).weights / spread).numpy()
    with_evidence, without_evidence = with_label @ weights, without @ weights
    thresholds = {rate: float(np.quantile(without_evidence, 1 - rate)) for rate in RATES}
    return Evidence(
        weights=weights,
        thresholds=thresholds,
        accepted={rate: float((with_evidence >= least).mean()) for rate, least in thresholds.items()},
        right={rate: float((with_evidence[right] >= least).mean()) for rate, least in thresholds.items()},
    )


def fitted_nothing(actions: Floats, empty: Mapping[str, Floats]) -> NothingShown:
    """From embedded clips of actions (N, D) and embedded empty clips (E, D) of every kind."""
    weights = {}
    for kind, rows in empty.items():
        given = torch.from_numpy(inputs(np.concatenate([actions, rows]))).double()
        empties = torch.arange(len(given)) >= len(actions)
        found = fit_logistic(given[:, :-1], empties, balanced=True, inverse_penalty=10.0)
        weights[kind] = torch.cat([found.weights, found.bias[None]]).float().numpy()
    return NothingShown(weights=weights)


def shifted(nothing: NothingShown, shifts: Mapping[str, float]) -> NothingShown:
    """With less trust in every kind, by its shift."""
    ones = {kind: np.append(np.zeros(len(row) - 1, np.float32), 1) for kind, row in nothing.weights.items()}
    return NothingShown(
        weights={kind: (row - shifts[kind] * ones[kind]).astype(np.float32) for kind, row in nothing.weights.items()}
    )


def needed_shifts(nothing: NothingShown, actions: Floats, empty: Mapping[str, Floats]) -> dict[str, float]:
    """For every kind how much must be taken off so that few clips of actions (N, D) are taken for it.

    Where nearly all empty clips lie above nearly all actions, that is the middle between both.
    """
    shifts = {}
    for kind, row in nothing.weights.items():
        highest = float(np.quantile(inputs(actions) @ row, 1 - MISTAKEN / len(nothing.weights)))
        lowest = float(np.quantile(inputs(empty[kind]) @ row, MISSED))
        shifts[kind] = max(0.0, highest, (highest + lowest) / 2)
    return shifts


def caught(nothing: NothingShown, empty: Mapping[str, Floats]) -> dict[str, float]:
    """For every kind the share of its embedded clips that are taken for one of the kinds."""
    return {kind: float(np.mean([bool(found) for found in nothing.kinds(rows)])) for kind, rows in empty.items()}


def by_kind(kinds: Sequence[str], embedded: Floats) -> dict[str, Floats]:
    """(E, D) embedded clips by their kind."""
    names = np.array(kinds)
    return {str(kind): embedded[names == kind] for kind in dict.fromkeys(kinds)}
