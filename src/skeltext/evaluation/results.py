"""What an evaluation found: plain data that the command prints, the report draws and a file keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RULES = ("last", "pseudo-unseen", "oracle")
Table = dict[str, dict[str, float | None]]
"""From the label of a test-time step and a rule to an accuracy in [0, 1]; None where there is none."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Per epoch: training loss, and by step the accuracies in [0, 1] of the unseen and of the pseudo-unseen classes.

    A step that does not apply, and a run without pseudo-unseen classes, have empty lists.
    """

    epochs: list[int]
    loss: list[float]
    unseen: dict[str, list[float]]
    pseudo_unseen: dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One test clip to look at: ``positions`` (M, T, V, C) in meters, NaN where a joint is missing.

    ``predicted`` is its class after every step.
    """

    id: str
    label: int
    predicted: dict[str, int]
    fps: float
    positions: npt.NDArray[np.float32]
    bones: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run (one split, one seed). Class indices count the unseen classes in the order of ``classes``.

    ``steps`` are the labels of the test-time steps that were asked for, ``plain`` first. ``table`` and ``class_table``
    hold accuracy over clips and the mean over classes by step under the three rules, ``chosen`` the epoch each rule
    took. ``ids`` and ``labels`` are name and truth of the N test clips, ``predicted`` their classes after the last
    epoch by step, ``features`` (N, D) their embeddings, ``texts`` (K, D) the anchors before any step and ``anchors``
    those that a step moved. A step that does not apply to the method is in ``steps`` alone, and the tables hold None
    for it; anchors that are not there have no rows.
    """

    name: str
    dataset: str
    method: str
    split: str
    seed: int
    classes: list[str]
    descriptions: list[str]
    chance: float
    steps: list[str]
    table: Table
    class_table: Table
    chosen: dict[str, dict[str, int | None]]
    curves: Curves
    ids: list[str]
    labels: npt.NDArray[np.int64]
    predicted: dict[str, npt.NDArray[np.int64]]
    sources: list[str]
    features: npt.NDArray[np.float32]
    texts: npt.NDArray[np.float32]
    anchors: dict[str, npt.NDArray[np.float32]]
    samples: list[Sample]

    def confusion(self, step: str) -> npt.NDArray[np.int64]:
        """(K, K) counts, rows are the truth, of the predictions of a step after the last epoch."""
        k = len(self.classes)
        return np.bincount(self.labels * k + self.predicted[step], minlength=k * k).reshape(k, k)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Mean and standard deviation (over runs; 0 for one run) of every cell of the table."""

    mean: Table
    std: Table


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All runs that were evaluated together, with the words that say how.

    ``protocol`` is one paragraph of plain sentences, ``command`` repeats the evaluation. ``steps`` are the labels of
    the test-time steps, ``plain`` first. ``per_source`` holds for every data set that clips come from how many there
    are, ``"clips"``, and by step the accuracy over them after the last epoch.
    """

    title: str
    protocol: str
    command: str
    steps: list[str]
    runs: list[RunResult]
    micro: Summary
    per_class: Summary
    chance: float
    per_source: dict[str, dict[str, float]]
