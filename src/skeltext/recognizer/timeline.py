"""What a long recording shows and when: spans of time that carry a label.

Where nobody moves there is no label. In between, the windows of a recording are cut where their labels change for good
(:func:`.steadiest`), and each piece is judged as a whole. A window stands for the time around its middle: what changes
from one window to the next changes halfway between their middles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from skeltext.data_frame import data_frame
from skeltext.errors import SkeltextError
from skeltext.recognizer.label_set import Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.pieces import Piece, pieces_of, trimmed
from skeltext.recognizer.scorer import Scorer
from skeltext.recognizer.spans import RULE, Span, SpanRule, labels_at, spans_joined
from skeltext.recognizer.stillness import moving_stretches
from skeltext.recognizer.windows import Progress, Windows, frames_of, judged_windows, people_of
from skeltext.skeletons.clip import Clip

if TYPE_CHECKING:
    import pandas as pd

WINDOW, HOP = 3.0, 0.25  # seconds


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """The spans of a recording in their order; where none is, no label was sure enough.

    ``centres`` (W,) are the middles of the windows in seconds and ``probabilities`` (W, K) those of the labels there,
    zero where nobody could be judged or the answer was refused. ``duration`` is in seconds, ``person`` the track that
    was judged, empty where several took turns.
    """

    spans: tuple[Span, ...]
    labels: tuple[str, ...]
    centres: npt.NDArray[np.float64]
    probabilities: Floats
    duration: float
    fps: float
    person: str
    calibrated: bool
    source: str

    def labels_at(self, seconds: Iterable[float]) -> list[str | None]:
        """The label at every one of these times, None where there is none; ``np.arange(T) / fps`` are the frames."""
        return labels_at(self.spans, seconds)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the probability of every label in every window."""
        return asdict(self) | {
            "spans": [asdict(span) for span in self.spans],
            "labels": list(self.labels),
            "centres": self.centres.tolist(),
            "probabilities": self.probabilities.tolist(),
        }

    def to_frame(self) -> pd.DataFrame:
        """The spans as a table in their order: start, end, label, confidence. Needs pandas."""
        return data_frame(map(asdict, self.spans), columns=("start", "end", "label", "confidence"))


class TimelineOptions(TypedDict, total=False):
    """What :func:`timeline` and :func:`timeline_people` take both."""

    window: float
    hop: float
    rule: SpanRule
    false_accept: float | None
    progress: Progress | None


def timeline(
    model: Scorer,
    clip: Clip,
    labels: Labels,
    *,
    window: float = WINDOW,
    hop: float = HOP,
    rule: SpanRule = RULE,
    false_accept: float | None = None,
    pair: bool | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """Which labels a long recording shows, from when to when.

    Windows of `window` seconds, every `hop` seconds, are judged as :meth:`Recognizer.predict` judges a clip, with the
    same `false_accept` and `pair`; `rule` makes spans of what is found. Of several people the one who moves most in a
    window is judged; :func:`timeline_people` judges each. `progress` is called with the number of windows done and of
    all. Raises :class:`SkeltextError` for a clip without a frame rate.
    """
    found = judged_windows(
        model, clip, labels, window=window, hop=hop, false_accept=false_accept, pair=pair, progress=progress
    )
    assert clip.fps is not None  # or there were no windows
    judge = _Judge(model, clip, LabelSet.for_question(labels), model.least_score(false_accept), pair)
    stretches = moving_stretches(clip, still=rule.still, least=rule.shortest)
    pieces = pieces_of(found, model.probabilities(np.nan_to_num(found.scores)), stretches, change=rule.change)
    spans = [span for piece in pieces if (span := judge.span(piece, found, rule))]
    return Timeline(
        spans=spans_joined(spans, rule=rule),
        labels=found.labels,
        centres=found.centres,
        probabilities=found.probabilities,
        duration=clip.T / clip.fps,
        fps=clip.fps,
        person=clip.tracks[0] if clip.M == 1 else "",
        calibrated=model.calibration is not None,
        source=clip.source,
    )


def timeline_people(model: Scorer, clip: Clip, labels: Labels, **options: Unpack[TimelineOptions]) -> list[Timeline]:
    """A timeline for every person of a clip, in the order of its tracks, with the options of :func:`timeline`."""
    return [timeline(model, person, labels, **options) for person in people_of(clip)]


@dataclass(frozen=True)
class _Judge:
    """What says which label a piece of a clip shows."""

    model: Scorer
    clip: Clip
    asked: LabelSet
    least_score: float
    pair: bool | None

    def span(self, piece: Piece, windows: Windows, rule: SpanRule) -> Span | None:
        """The span that a piece makes, None where no label is sure enough or nobody can be judged."""
        rows = windows.scores[piece.first : piece.stop]
        views = [view for view in (self._whole(piece), rows.mean(axis=0) if len(rows) else None) if view is not None]
        if not views:
            return None
        scores: Floats = np.asarray(np.mean(views, axis=0), np.float32)
        shares = self.model.probabilities(scores[None])[0, : len(windows.labels)]
        best = int(shares.argmax())
        if shares[best] < rule.on or self.model.refusals(None, scores[None], self.asked, least=self.least_score)[0]:
            return None
        own = windows.probabilities[piece.first : piece.stop, best] >= rule.least
        start, end = trimmed(piece, windows.centres, own)
        return Span(start=start, end=end, label=windows.labels[best], confidence=float(shares[best]))

    def _whole(self, piece: Piece) -> Floats | None:
        """(K + N,) the scores of a piece that is judged as a clip, None where nobody can be judged in it."""
        fps = self.clip.fps or 0.0
        part = frames_of(self.clip, round(piece.start * fps), max(round(piece.end * fps), round(piece.start * fps) + 1))
        try:
            return np.asarray(self.model.scores(self.model.embed([part], pair=self.pair), self.asked)[0])
        except SkeltextError:
            return None
