"""The clips of a folder that fit a sentence: the space of clips and texts, searched from the side of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.recognizer.candidates import Candidates
from skeltext.recognizer.model import Floats
from skeltext.recognizer.motion_folder import MotionFolder
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.window_cache import EmbeddedWindows
from skeltext.skeletons.clip import Clip

NEARLY = 0.5  # standard deviations of all scores below the best one of a file: there the span goes on
_QUERY = "query"


@dataclass(frozen=True, kw_only=True)
class Hit:
    """The part of a file that fits best: frames from ``first_frame`` up to ``end_frame``, and their time in seconds.

    ``start`` and ``end`` are None where the file does not say its frame rate. ``score`` is the best standing of a
    window in it (:meth:`Recognizer.standings`), which compares between files.
    """

    rank: int
    path: str
    start: float | None
    end: float | None
    first_frame: int
    end_frame: int
    score: float


def search(
    recognizer: Recognizer,
    folder: MotionFolder,
    sentences: Sequence[str] = (),
    *,
    like: Sequence[Clip] = (),
    negatives: Sequence[str] = (),
) -> list[Hit]:
    """The files of a folder, best first, each with the span that fits the query best.

    Several sentences ask for their mean direction, clips to be `like` for more of the same; with both, half of the
    score comes from each. A window that is nearer to one of the `negatives` is no hit, nor is a file without a hit.
    Neighbouring windows that fit nearly as well as the best one of a file make one span with it.
    Raises :class:`SkeltextError` for an empty query.

    >>> folder = embed_folder(recognizer, "recordings")  # doctest: +SKIP
    >>> search(recognizer, folder, ["throwing with the left hand"])[0].path  # doctest: +SKIP
    'recordings/monday/12.bvh'
    """
    sentences = tuple(text.strip() for text in sentences)
    require(sentences or like, "nothing to search for; type a sentence or give a motion file that shows it")
    require(all((*sentences, *(text.strip() for text in negatives))), "a sentence is empty; type what is searched for")
    asked = Recognizer(model=recognizer.model, encoder=recognizer.encoder, calibration=recognizer.calibration)
    if like:
        asked.add_examples(_QUERY, like)
    query = Candidates(
        labels=(_QUERY,), sentences=(tuple(asked.text_of(text) for text in sentences),), negatives=tuple(negatives)
    )
    counts = [len(windows.frames) for windows in folder.motions.values()]
    standings = asked.standings(np.concatenate([windows.embedded for windows in folder.motions.values()]), query)
    scores = np.where(standings[:, 1:].max(axis=1, initial=-np.inf) > standings[:, 0], -np.inf, standings[:, 0])
    tolerance = NEARLY * float(standings[:, 0].std())
    parts = np.split(scores, np.cumsum(counts)[:-1])
    found = [
        (float(rows.max()), path, _span(rows, windows, tolerance=tolerance))
        for (path, windows), rows in zip(folder.motions.items(), parts, strict=True)
        if np.isfinite(rows).any()
    ]
    return [
        _hit(rank, path, span, score, folder.motions[path].fps)
        for rank, (score, path, span) in enumerate(sorted(found, key=lambda entry: -entry[0]), start=1)
    ]


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
