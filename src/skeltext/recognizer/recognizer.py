"""The trained thing that people use: clips in, a ranking of the labels they typed out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skeltext.adaptation.prototype_bank import CAPACITY, PrototypeBank
from skeltext.adaptation.registry import PLAIN
from skeltext.formats.clip_check import check_clip
from skeltext.recognizer import explain as explaining
from skeltext.recognizer import loading
from skeltext.recognizer import timeline as timelines
from skeltext.recognizer.answer import Answer, Guess
from skeltext.recognizer.conformal import within
from skeltext.recognizer.label_set import Labels, LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.scorer import CLIPS_PER_LABEL, FEWEST_CLIPS, USUAL_STEP, Scorer
from skeltext.recognizer.windows import people_of
from skeltext.recognizer.wording import Wording
from skeltext.skeletons.clip import Clip
from skeltext.texts.encoder import TextEncoder


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Recognizer(Scorer):
    """A trained model with its text encoder and, where they have been given, its calibration and its file of weights.

    Load one with :meth:`load`; :meth:`predict` ranks labels for a clip of any layout that can be converted. A
    recognizer never changes: what it chooses among is said with every question, as a list of labels, a mapping from
    labels to texts, or a :class:`.LabelSet` with example clips and negatives. Threads may share it.
    """

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        onnx: bool | None = None,
        device: str = "cpu",
        encoder: TextEncoder | None = None,
    ) -> Recognizer:
        """A recognizer from a run, a checkpoint, an exported file or a model of the package; by default our own.

        `onnx` says whether ONNX Runtime computes it, which needs no torch; by default where torch is not installed and
        for an exported file. Such a file brings its own calibration, and a text encoder may lie exported beside it.
        """
        loaded = loading.load(path, onnx=onnx, device=device)
        return cls(
            model=loaded.model,
            encoder=encoder or loading.sentence_encoder(loaded.model.card, beside=loaded.exported),
            calibration=loaded.calibration,
            weights=loaded.weights,
        )

    def predict(
        self,
        clip: Clip,
        labels: Labels,
        *,
        false_accept: float | None = None,
        coverage: float | None = None,
        pair: bool | None = None,
    ) -> Answer:
        """Which of the labels the clip shows.

        What is nearer to a negative of a label set has no label. With a `false_accept` rate an answer is refused where
        a clip that shows none of the labels would be as sure as it in more than that share of cases. With a `coverage`
        the answer has a set of labels that holds the right one in that share of cases. Of several people the one who
        moves most is judged, or two as one: with `pair` the two who move most, by default those who are together, if
        the model learned from pairs. :meth:`predict_people` judges each.
        Raises :class:`SkeltextError` for fewer than two labels and negatives, or a clip that cannot be prepared.
        """
        return self.predict_all([clip], labels, false_accept=false_accept, coverage=coverage, pair=pair, adapt=PLAIN)[0]

    def predict_people(
        self, clip: Clip, labels: Labels, *, false_accept: float | None = None, coverage: float | None = None
    ) -> list[Answer]:
        """An answer for every person of a clip, in the order of its tracks."""
        return self.predict_all(people_of(clip), labels, false_accept=false_accept, coverage=coverage, adapt=PLAIN)

    def predict_all(
        self,
        clips: Sequence[Clip],
        labels: Labels,
        *,
        false_accept: float | None = None,
        coverage: float | None = None,
        pair: bool | None = None,
        adapt: str | None = None,
    ) -> list[Answer]:
        """An answer for every clip; see :meth:`predict`.

        `adapt` names a test-time step, which looks at all clips together; by default that is
        :data:`.scorer.USUAL_STEP` where there are 20 clips and four for every label, and ``"plain"`` else, which
        answers for each clip alone. What is refused is decided for each clip alone.
        """
        asked = LabelSet.for_question(labels)
        names = len(asked.labels)
        least = self.least_score(false_accept)
        gap = None if coverage is None else self.gap(coverage, labels=names)
        embedded = self.embed(clips, pair=pair)
        scores = self.scores(embedded, asked)
        reasons = self.refusals(embedded, scores, asked, least=least)
        step = adapt or (USUAL_STEP if len(clips) >= max(FEWEST_CLIPS, CLIPS_PER_LABEL * names) else PLAIN)
        if step != PLAIN:
            scores = self.adapted(embedded, scores, step)
        shares = self.probabilities(scores)
        wordings = self.wordings(asked)
        sets = [() if gap is None else tuple(asked.names[k] for k in within(row[:names], gap)) for row in scores]
        return [
            Answer(
                label=None if reason else guesses[0].label,
                guesses=guesses,
                person=" and ".join(clip.tracks[m] for m in self.preprocessing(pair=pair).people(clip)),
                calibrated=self.calibration is not None,
                rejected=reason,
                quality=check_clip(clip),
                label_set=label_set,
                coverage=coverage,
                adapted="" if step == PLAIN else step,
            )
            for clip, guesses, reason, label_set in zip(
                clips, _guesses(asked, wordings, scores, shares), reasons, sets, strict=True
            )
        ]

    explain = explaining.explain
    timeline = timelines.timeline
    timeline_people = timelines.timeline_people

    def bank(
        self,
        labels: Labels,
        *,
        capacity: int = CAPACITY,
        prior: float = 2.0,
        margin: float = 0.0,
        lifetime: int | None = None,
    ) -> PrototypeBank:
        """Anchors of labels that follow the clips which arrive; the options are those of :class:`.PrototypeBank`.

        ``bank.labels[bank.update(model.embed([clip])[0])]`` answers for a clip and learns it. Without calibration: the
        bank compares cosines. A label that has texts and examples begins at their mean direction. Raises
        :class:`SkeltextError` for a model whose scores are not cosines.
        """
        asked = LabelSet.for_question(labels)
        anchors = self.anchors(asked)
        return PrototypeBank(anchors, asked.names, capacity=capacity, prior=prior, margin=margin, lifetime=lifetime)


def _guesses(
    labels: LabelSet, wordings: Sequence[Wording], scores: Floats, shares: Floats
) -> Iterator[tuple[Guess, ...]]:
    """For every clip, with its scores (K,) and shares (K,), a guess for each label, best first."""
    names = labels.names
    for row, share in zip(scores, shares, strict=True):
        yield tuple(
            Guess(
                label=names[i],
                text=wordings[i].text,
                source=wordings[i].source,
                nearest=wordings[i].nearest,
                hint=wordings[i].hint,
                score=float(row[i]),
                probability=float(share[i]),
            )
            for i in np.argsort(-row[: len(names)], kind="stable")
        )
