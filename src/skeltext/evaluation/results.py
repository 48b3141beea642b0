"""What an evaluation found: plain data that the command prints, the report draws and a file keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skeltext.data_frame import data_frame

if TYPE_CHECKING:
    import pandas as pd

RULES = ("last", "pseudo-unseen", "oracle")
Table = dict[str, dict[str, float | None]]
"""From the label of a test-time step and a rule to an accuracy in [0, 1]; None where there is none."""
FORMER_NAMES = {"prototype_alignment": "aligned"}
"""Keys that the JSON of an evaluation had until 0.1, which are written beside the new ones for one release."""


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
    epoch by step, ``within`` those among the classes of the source of a clip, ``features`` (N, D) their embeddings,
    ``texts`` (K, D) the anchors before any step and ``anchors`` those that a step moved. A step that does not apply to
    the method is in ``steps`` alone, and the tables hold None for it; anchors that are not there have no rows.
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
    within: dict[str, npt.NDArray[np.int64]]
    features: npt.NDArray[np.float32]
    texts: npt.NDArray[np.float32]
    anchors: dict[str, npt.NDArray[np.float32]]
    samples: list[Sample]

    def confusion(self, step: str) -> npt.NDArray[np.int64]:
        """(K, K) counts, rows are the truth, of the predictions of a step after the last epoch."""
        k = len(self.classes)
        return np.bincount(self.labels * k + self.predicted[step], minlength=k * k).reshape(k, k)

    def to_dict(self) -> dict[str, Any]:
        """The figures of the run as plain values for JSON, without its clips; see :meth:`Evaluation.to_dict`."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            "split": self.split,
            "seed": self.seed,
            "unseen": self.classes,
            "clips": len(self.labels),
            "chance": self.chance,
            **_with_former_names(self.table),
            "per_class": self.class_table,
            "chosen_epochs": self.chosen,
        }


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
    are, ``"clips"``, and by step the accuracy over them after the last epoch. ``within_source`` is the same with the
    classes of the source as the only candidates, over all sources that show several, with ``"chance"``; it is empty
    where there is one source, whose classes are all there are.
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
    within_source: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; accuracies are shares between 0 and 1.

        ``chance``; ``steps``, and under the label of each ``last``, ``pseudo-unseen`` and ``oracle`` (mean over runs);
        ``std``, ``per_class`` and ``per_class_std`` have the same shape; ``per_source`` and ``within_source``; ``runs``
        with the same keys for each run and the epochs chosen; ``protocol`` and ``command`` in words. For one release
        the figures of ``prototype_alignment`` are under ``aligned``, too.
        """
        return {
            "title": self.title,
            "protocol": self.protocol,
            "command": self.command,
            "chance": self.chance,
            "steps": self.steps,
            **_with_former_names(self.micro.mean),
            "std": self.micro.std,
            "per_class": self.per_class.mean,
            "per_class_std": self.per_class.std,
            "per_source": self.per_source,
            "within_source": self.within_source,
            "runs": [run.to_dict() for run in self.runs],
        }

    def to_frame(self) -> pd.DataFrame:
        """A row for every run, step and rule: the accuracy over clips, the mean over classes, and the epoch."""
        columns = ("run", "dataset", "method", "split", "seed", "step", "rule", "accuracy", "class_mean", "epoch")
        rows = [
            {
                **{"run": run.name, "dataset": run.dataset, "method": run.method, "split": run.split, "seed": run.seed},
                **{"step": step, "rule": rule, "epoch": run.chosen[step][rule]},
                **{"accuracy": run.table[step][rule], "class_mean": run.class_table[step][rule]},
            }
            for run in self.runs
            for step in run.steps
            for rule in RULES
        ]
        return data_frame(rows, columns=columns)


def _with_former_names(table: Table) -> Table:
    return table | {former: table[step] for step, former in FORMER_NAMES.items() if step in table}
