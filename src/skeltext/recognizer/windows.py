"""The windows of a long recording, and what a recognizer says of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.recognizer.label_set import Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.scorer import Scorer
from skeltext.skeletons.clip import Clip

Given = TypeVar("Given")
BLOCK = 32  # windows that are prepared and embedded together
Progress = Callable[[int, int], None]
"""What is called with the number of windows done and of all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """What was found in W windows: where their middles are, (W,) in seconds, and the probability of every label (W, K).

    A row of ``probabilities`` is zero where the window shows too little of anybody to be judged, or where the answer is
    refused. ``scores`` (W, K + N) are those of the labels and, behind them, of the negatives, NaN in windows that were
    not judged. ``hop`` is the number of seconds from one window to the next.
    """

    labels: tuple[str, ...]
    centres: npt.NDArray[np.float64]
    probabilities: Floats
    scores: Floats
    hop: float


def window_starts(frames: int, *, length: int, hop: int) -> npt.NDArray[np.int64]:
    """(W,) the first frames of windows of `length` frames, `hop` frames apart, the last of which ends with the clip.

    >>> window_starts(10, length=4, hop=4).tolist(), window_starts(3, length=4, hop=4).tolist()
    ([0, 4, 6], [0])
    """
    last = max(frames - length, 0)
    return np.append(np.arange(0, last, hop), last)


def frames_in(seconds: float, *, fps: float, of: str) -> int:
    """How many frames so many seconds are, at least one; `of` says what they are the length of.

    >>> frames_in(0.25, fps=30, of="hop")
    8
    """
    require(math.isfinite(seconds) and seconds > 0, f"a {of} of {seconds:g} s, expected more than nothing")
    return max(round(seconds * fps), 1)


def judged_windows(
    model: Scorer,
    clip: Clip,
    labels: Labels,
    *,
    window: float,
    hop: float,
    false_accept: float | None = None,
    pair: bool | None = None,
    progress: Progress | None = None,
) -> Windows:
    """Every window of a clip judged as :meth:`Recognizer.predict` judges a clip; `window` and `hop` are in seconds.

    Only a block of windows is prepared at a time, so that a recording of hours takes little more memory than itself.
    Raises :class:`SkeltextError` where the clip has no frame rate, or where none of its windows can be prepared.
    """
    if clip.fps is None:
        raise SkeltextError(
            f"{clip.source} does not say how many frames a second has, which windows in seconds need; say it with fps"
        )
    length = frames_in(window, fps=clip.fps, of="window")
    step = frames_in(hop, fps=clip.fps, of="hop")
    starts = window_starts(clip.T, length=length, hop=step)
    asked = LabelSet.for_question(labels)
    least = model.least_score(false_accept)
    probabilities = np.zeros((len(starts), len(asked.labels)), np.float32)
    scores = np.full((len(starts), len(asked.labels) + len(asked.negatives)), np.nan, np.float32)
    for rows, embedded in embedded_windows(model, clip, starts, length=length, pair=pair, progress=progress):
        scores[rows] = found = model.scores(embedded, asked)
        accepted = np.array([not reason for reason in model.refusals(embedded, found, asked, least=least)])
        shares = model.probabilities(found)[:, : len(asked.labels)]  # without the negatives
        probabilities[rows] = shares * accepted[:, None]
    centres = (starts + np.minimum(starts + length, clip.T)) / (2 * clip.fps)
    return Windows(labels=asked.names, centres=centres, probabilities=probabilities, scores=scores, hop=step / clip.fps)


def embedded_windows(
    model: Scorer,
    clip: Clip,
    starts: npt.NDArray[np.int64],
    *,
    length: int,
    pair: bool | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[list[int], Floats]]:
    """Blocks of embedded windows (N, D) with their numbers, without those that show too little of anybody.

    The windows have `length` frames from each of the `starts` on. Raises :class:`SkeltextError` if none can be used.
    """
    prepare = model.preprocessing(pair=pair)
    errors: list[SkeltextError] = []  # the first is told if nobody is ever seen, or no model could read the layout
    usable = 0
    for begin in range(0, len(starts), BLOCK):
        stop = min(begin + BLOCK, len(starts))
        windows = {row: frames_of(clip, starts[row], starts[row] + length) for row in range(begin, stop)}
        arrays = _without_errors(windows, prepare, errors)
        try:
            found = dict(zip(arrays, model.embed_prepared(list(arrays.values())), strict=True)) if arrays else {}
        except SkeltextError:  # an exported model does the last steps itself, and refuses what they leave nothing of
            found = _without_errors(arrays, lambda array: model.embed_prepared([array])[0], errors)
        if found:
            yield list(found), np.stack(list(found.values()))
        usable += len(found)
        if progress:
            progress(stop, len(starts))
    if not usable:
        raise errors[0]


def _without_errors(
    given: Mapping[int, Given], step: Callable[[Given], Floats], errors: list[SkeltextError]
) -> dict[int, Floats]:
    """What a step makes of windows, by their numbers; the first sentence about one that it refuses is kept."""
    found = {}
    for row, item in given.items():
        try:
            found[row] = step(item)
        except SkeltextError as error:
            errors[:] = errors or [error]
    return found


def frames_of(clip: Clip, start: int, stop: int) -> Clip:
    """The frames from `start` up to `stop` of a clip."""
    return replace(
        clip,
        positions=clip.positions[:, start:stop],
        confidence=None if clip.confidence is None else clip.confidence[:, start:stop],
    )


def people_of(clip: Clip) -> list[Clip]:
    """A clip for every person of a clip, in the order of its tracks."""
    return [
        replace(
            clip,
            positions=clip.positions[m : m + 1],
            confidence=None if clip.confidence is None else clip.confidence[m : m + 1],
            tracks=clip.tracks[m : m + 1],
        )
        for m in range(clip.M)
    ]
