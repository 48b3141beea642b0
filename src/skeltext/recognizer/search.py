"""The clips of a folder that fit a sentence: the space of clips and texts, searched from the side of the texts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from skeltext.data_frame import data_frame
from skeltext.errors import require
from skeltext.recognizer.label_set import Label, Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.motion_folder import MotionFolder
from skeltext.recognizer.scorer import Scorer
from skeltext.recognizer.window_cache import EmbeddedWindows

if TYPE_CHECKING:
    import pandas as pd

NEARLY = 0.5  # standard deviations of all scores below the best one of a file: there the span goes on
QUERY = "query"
"""The label of several things that are searched for together."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """The part of a file that fits best: frames from ``first_frame`` up to ``end_frame``, and their time in seconds.

    ``start`` and ``end`` are None where the file does not say its frame rate. ``score`` is the best score of a
    window in it (:meth:`Recognizer.scores`), which compares between files.
    """

    rank: int
    path: str
    start: float | None
    end: float | None
    first_frame: int
    end_frame: int
    score: float


class Hits(tuple[Hit, ...]):
    """The files that were found, best first."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"hits": [asdict(hit) for hit in self]}

    def to_frame(self) -> pd.DataFrame:
        """The files as a table: rank, path, start, end, first_frame, end_frame, score. Needs pandas."""
        return data_frame(map(asdict, self), columns=[field.name for field in fields(Hit)])


def search(model: Scorer, folder: MotionFolder, labels: Labels) -> Hits:
    """The files of a folder, best first, each with the span that fits best.

    All labels together are the query: several texts ask for their mean direction, examples for more of the same, and
    with both, half of the score comes from each. A window that is nearer to one of the negatives is no hit, nor is a
    file without a hit. Neighbouring windows that fit nearly as well as the best one of a file make one span with it.
    Raises :class:`SkeltextError` for an empty query.

    >>> folder = embed_folder(model, "recordings")  # doctest: +SKIP
    >>> search(model, folder, ["throwing with the left hand"])[0].path  # doctest: +SKIP
    'recordings/monday/12.bvh'
    """
    query = _query(model, LabelSet.of(labels))
    counts = [len(windows.frames) for windows in folder.motions.values()]
    embedded = np.concatenate([windows.embedded for windows in folder.motions.values()])
    rows = model.scores(embedded, query)
    fit = rows[:, 0]
    scores = np.where(rows[:, 1:].max(axis=1, initial=-np.inf) > fit, -np.inf, fit)
    tolerance = NEARLY * float(fit.std())
    parts = np.split(scores, np.cumsum(counts)[:-1])
    found = [
        (float(part.max()), path, _span(part, windows, tolerance=tolerance))
        for (path, windows), part in zip(folder.motions.items(), parts, strict=True)
        if np.isfinite(part).any()
    ]
    return Hits(
        _hit(rank, path, span, score, folder.motions[path].fps)
        for rank, (score, path, span) in enumerate(sorted(found, key=lambda entry: -entry[0]), start=1)
    )


def _query(model: Scorer, labels: LabelSet) -> LabelSet:
    """All labels as one. One alone is mapped if it is short; the texts of several are averaged as they are."""
    require(labels.labels, "nothing to search for; type a sentence or give a motion file that shows it")
    if len(labels.labels) == 1:
        return labels
    texts = tuple(text for label in labels.labels for text in model.wording(label, verbatim=True).texts)
    examples = tuple(example for label in labels.labels for example in label.examples)
    return LabelSet((Label(QUERY, texts, examples),), labels.negatives, labels.verbatim)


def _span(scores: Floats, windows: EmbeddedWindows, *, tolerance: float) -> npt.NDArray[np.int64]:
    """(2,) the first frame and the one after the last of the best window and its neighbours that are nearly as good."""
    best = int(scores.argmax())
    worse = np.flatnonzero(scores < scores[best] - tolerance)
    first = int(worse[worse < best].max(initial=-1)) + 1
    last = int(worse[worse > best].min(initial=len(scores))) - 1
    return np.array([windows.frames[first, 0], windows.frames[last, 1]])


def _hit(rank: int, path: Path, span: npt.NDArray[np.int64], score: float, fps: float | None) -> Hit:
    first, end = span.tolist()
    return Hit(
        rank=rank,
        path=str(path),
        start=None if fps is None else first / fps,
        end=None if fps is None else end / fps,
        first_frame=first,
        end_frame=end,
        score=score,
    )
