"""What an evaluation found: plain data that the command prints, the report draws and a file keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RULES = ("last", "pseudo-unseen", "oracle")
KINDS = ("plain", "aligned")
Table = dict[str, dict[str, float | None]]  # kind -> rule -> accuracy in [0, 1]; None where a rule has no basis


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Per epoch: training loss, and accuracies in [0, 1] of the unseen and of the pseudo-unseen classes."""

    epochs: list[int]
    loss: list[float]
    plain: list[float]
    aligned: list[float]
    pseudo_plain: list[float]
    pseudo_aligned: list[float]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One test clip to look at: ``positions`` (M, T, V, C) in metres, NaN where a joint is missing."""

    id: str
    label: int
    plain: int
    aligned: int
    fps: float
    positions: npt.NDArray[np.float32]
    bones: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run (one split, one seed). Class indices count the unseen classes in the order of ``classes``.

    ``table`` and ``class_table`` hold accuracy over clips and the mean over classes under the three rules, ``chosen``
    the epoch each rule took. ``ids``, ``labels``, ``plain`` and ``aligned`` are name, truth and predictions of the N
    test clips after the last epoch, ``features`` (N, D) their embeddings, ``texts`` and ``prototypes`` (K, D) the
    anchors before and after alignment. Where a method has no embedding that can be aligned, there are none of them,
    ``aligned`` is ``plain`` and the tables hold None for it.
    """

    name: str
    dataset: str
    method: str
    split: str
    seed: int
    classes: list[str]
    descriptions: list[str]
    chance: float
    table: Table
    class_table: Table
    chosen: dict[str, dict[str, int | None]]
    curves: Curves
    ids: list[str]
    labels: npt.NDArray[np.int64]
    plain: npt.NDArray[np.int64]
    aligned: npt.NDArray[np.int64]
    sources: list[str]
    features: npt.NDArray[np.float32]
    texts: npt.NDArray[np.float32]
    prototypes: npt.NDArray[np.float32]
    samples: list[Sample]

    def confusion(self, kind: str) -> npt.NDArray[np.int64]:
        """(K, K) counts, rows are the truth, of ``"plain"`` or ``"aligned"`` predictions after the last epoch."""
        k = len(self.classes)
        predicted = self.plain if kind == "plain" else self.aligned
        return np.bincount(self.labels * k + predicted, minlength=k * k).reshape(k, k)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Mean and standard deviation (over runs; 0 for one run) of every cell of the table."""

    mean: Table
    std: Table


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All runs that were evaluated together, with the words that say how.

    ``protocol`` is one paragraph of plain sentences, ``command`` repeats the evaluation.
    """

    title: str
    protocol: str
    command: str
    runs: list[RunResult]
    micro: Summary
    per_class: Summary
    chance: float
    per_source: dict[str, dict[str, float]]  # source -> {"clips", "plain", "aligned"}, after the last epoch
