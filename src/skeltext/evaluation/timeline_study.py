"""How well runs tell what long recordings show, on recordings put together from clips that they did not learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from skeltext.errors import require
from skeltext.evaluation.timeline_metrics import LabeledFrames, TimelineScores, timeline_scores
from skeltext.evaluation.timeline_recordings import Recording, composed, drawn
from skeltext.evaluation.timeline_truth import labeled
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.spans import RULE, SpanRule
from skeltext.recognizer.timeline import HOP, WINDOW, timeline
from skeltext.recognizer.windows import Progress
from skeltext.runs.run import Run
from skeltext.skeletons.conversion import convert

RECORDINGS, ACTIONS, MOST = 20, 8, 5
SHOWN, EVERY = "the labels shown", "every unseen class"
"""What is asked of a recording."""


@dataclass(frozen=True, kw_only=True)
class TimelineStudy:
    """Scores by what was asked, over the recordings of all runs, and how they came about."""

    scores: Mapping[str, TimelineScores]
    protocol: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def timeline_study(
    runs: Sequence[Run],
    *,
    recordings: int = RECORDINGS,
    seed: int = 0,
    window: float = WINDOW,
    hop: float = HOP,
    rule: SpanRule = RULE,
    device: str = "cpu",
    progress: Progress | None = None,
) -> TimelineStudy:
    """Timelines of so many recordings for each run, of the clips of its unseen classes (:func:`composed_recordings`).

    Labels are names of classes, which are described. `progress` is called with the number of recordings done and of
    all. Raises :class:`SkeltextError` for a run that is not finished, or whose clips make no recording.
    """
    require(runs, "no run given, expected at least one")
    require(recordings > 0, f"{recordings} recordings, expected at least one")
    found: dict[str, list[LabeledFrames]] = {SHOWN: [], EVERY: []}
    calibrated = set()
    for number, run in enumerate(runs):
        run.require_finished()
        model = Recognizer.load(run.folder.checkpoint, device=device)
        calibrated.add(model.calibration is not None)
        for part, one in enumerate(composed_recordings(run, count=recordings, seed=seed), 1):
            for asked, labels in ((SHOWN, one.labels), (EVERY, run.split.unseen)):
                line = timeline(model, one.clip, labels, window=window, hop=hop, rule=rule)
                found[asked].append(labeled(line, one.spans))
            if progress:
                progress(number * recordings + part, len(runs) * recordings)
    scores = {asked: timeline_scores(each) for asked, each in found.items()}
    return TimelineStudy(
        scores=scores, protocol=_protocol(runs, scores[SHOWN], calibrated, seed=seed, window=window, hop=hop, rule=rule)
    )


def composed_recordings(run: Run, *, count: int, seed: int) -> Iterator[Recording]:
    """So many recordings, each of eight clips of up to five unseen classes by one person in front of one camera.

    The clips are test clips of the run, in the layout that its model reads. The same run, `seed` and number make the
    same recording. Raises :class:`SkeltextError` where nobody shows three of the classes.
    """
    store, clips = run.store, run.test_clips
    names = [store.classes[label] for label in store.labels[clips]]
    people = [(int(store.sources[clip]), int(store.subjects[clip]), int(store.cameras[clip])) for clip in clips]
    layout = run.preprocessing.layout
    require(
        layout.C == 3,
        f"{run.folder.path} reads the flat layout {layout.name}, and recordings are put together in space; give a run"
        " of three dimensions",
    )
    for number in range(count):
        draw = np.random.default_rng((seed, number))
        chosen = drawn(names, people, actions=ACTIONS, most=MOST, draw=draw)
        parts = [(names[clip], convert(store.clip(int(clips[clip])), layout)) for clip in chosen]
        yield composed(parts, seed=(seed, number))


def _protocol(
    runs: Sequence[Run],
    scores: TimelineScores,
    calibrated: set[bool],
    *,
    seed: int,
    window: float,
    hop: float,
    rule: SpanRule,
) -> str:
    """What was done, in a sentence or two."""
    splits = ", ".join(dict.fromkeys(run.split.name for run in runs))
    which = "calibrated" if calibrated == {True} else "partly calibrated" if True in calibrated else "not calibrated"
    numbers = ", ".join(f"{name} {value:g}" for name, value in asdict(rule).items() if value is not None)
    return (
        f"{scores.recordings} recordings ({scores.seconds / 60:.0f} minutes), seed {seed}, each put together of"
        f" {ACTIONS} clips of up to {MOST} unseen classes of {runs[0].config.dataset}, split {splits}, by one person;"
        f" models {which}; windows of {window:g} s every {hop:g} s; {numbers}. A time without an action has no label."
    )
