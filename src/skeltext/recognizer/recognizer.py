"""The trained thing that people use: clips in, a ranking of the labels they typed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.formats.clip_check import check_clip
from skeltext.recognizer import loading
from skeltext.recognizer.answer import Answer, Guess
from skeltext.recognizer.calibration import Calibration, standard_scores
from skeltext.recognizer.candidates import Candidates, Labels
from skeltext.recognizer.model import Floats, Model, unit
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.preprocessing import Preprocessing
from skeltext.texts.descriptions import class_text, described_classes, described_sets
from skeltext.texts.encoder import TextEncoder

if TYPE_CHECKING:
    from skeltext.adaptation.prototype_bank import PrototypeBank
    from skeltext.recognizer.explain import Explanation
    from skeltext.recognizer.timeline import Timeline

_KEPT_ANCHORS = 1024


class Recognizer:
    """A trained model with its text encoder and, where they have been given, its calibration and its file of weights.

    Load one with :meth:`load`; :meth:`predict` ranks labels for a clip of any layout that can be converted.
    """

    def __init__(
        self,
        *,
        model: Model,
        encoder: TextEncoder | None = None,
        calibration: Calibration | None = None,
        weights: Path | None = None,
    ) -> None:
        self.model = model
        self.weights = weights
        self.card = model.card
        self.calibration = calibration
        self.encoder = encoder or loading.sentence_encoder(self.card)
        self._examples: dict[str, Floats] = {}
        self._anchors: dict[tuple[str, ...], Floats] = {}
        self._compared: tuple[object, Floats] | None = None

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

    def text_of(self, label: str) -> str:
        """The text that stands for a label: the description of a class of its data set, else the label as it is."""
        dataset, kind = self.card.dataset, self.card.texts
        if dataset in described_sets():
            for name in described_classes(dataset):
                if name.casefold() == label.casefold():
                    return class_text(dataset, name, kind=kind)
        return self.card.labels.get(label, label)

    def add_examples(self, label: str, clips: Sequence[Clip]) -> None:
        """Let clips stand for a label, beside or instead of a sentence: one-shot, or few-shot with several.

        From now on the label is among the candidates of every prediction. More clips of it are added to those before.
        """
        require(label.strip(), "the label of the examples is empty; type what the action is called")
        require(clips, f"no example given for {label!r}, expected at least one clip")
        embedded = unit(self.embed(clips))
        before = self._examples.get(label.strip(), embedded[:0])
        self._examples[label.strip()] = np.concatenate([before, embedded])

    def embed(self, clips: Sequence[Clip], *, pair: bool = False) -> Floats:
        """(N, D) of the most moving person of every clip, or with `pair` of the two who move most, as one."""
        if not clips:
            raise SkeltextError("no clip given, expected at least one")
        prepare = self.preprocessing(pair=pair)
        return self.embed_prepared([prepare(clip) for clip in clips])

    def embed_prepared(self, arrays: Sequence[Floats]) -> Floats:
        """(N, D) of N clips that are prepared already, each (C, T, V, M)."""
        if len({array.shape for array in arrays}) == 1:
            return self.model.embed(np.stack(arrays))
        return np.concatenate([self.model.embed(array[None]) for array in arrays])

    def preprocessing(self, *, pair: bool = False) -> Preprocessing:
        """How clips are prepared, with `pair` of two people."""
        return replace(self.card.preprocessing, bodies=2) if pair else self.card.preprocessing

    def predict(
        self,
        clip: Clip,
        labels: Labels = (),
        *,
        negatives: Sequence[str] = (),
        false_accept: float | None = None,
        pair: bool = False,
    ) -> Answer:
        """Which of the labels the clip shows: those that are typed, each a word or a sentence or several, and examples.

        `negatives` are sentences for "none of these". With a `false_accept` rate an answer is refused where a clip that
        shows none of the labels would be as sure as it in more than that share of cases. Of several people the one who
        moves most is judged, or with `pair` the two who do, together; :meth:`predict_people` judges each.
        Raises :class:`SkeltextError` for fewer than two candidates or a clip that cannot be prepared.
        """
        return self.predict_all([clip], labels, negatives=negatives, false_accept=false_accept, pair=pair)[0]

    def predict_people(
        self, clip: Clip, labels: Labels = (), *, negatives: Sequence[str] = (), false_accept: float | None = None
    ) -> list[Answer]:
        """An answer for every person of a clip, in the order of its tracks."""
        return self.predict_all(people_of(clip), labels, negatives=negatives, false_accept=false_accept)

    def explain(self, clip: Clip, labels: Labels = (), **options: Any) -> Explanation:
        """Which joints and frames carry the score of a label; the options are those of :func:`.explain.explain`."""
        from skeltext.recognizer.explain import explain

        return explain(self, clip, self.candidates(labels), **options)

    def bank(self, labels: Labels = (), **options: Any) -> PrototypeBank:
        """Anchors of labels that follow the clips which arrive; the options are those of :class:`.PrototypeBank`.

        ``bank.labels[bank.update(model.embed([clip])[0])]`` answers for a clip and learns it. Without calibration: the
        bank compares cosines. A label that has sentences and examples begins at their mean direction. Raises
        :class:`SkeltextError` for a model whose scores are none.
        """
        from skeltext.adaptation.prototype_bank import PrototypeBank

        require(
            self.model.cosines,
            f"a bank compares cosines of clip and text, which scores of the method {self.card.model.method} are not;"
            " take a model of pgfa or devise",
        )
        candidates = self.candidates(labels)
        anchors = []
        for label, sentences in zip(candidates.labels, self._sentences(candidates), strict=True):
            rows = [unit(self._anchor(sentences))] if sentences else []
            shown = self._examples.get(label)
            anchors.append(np.mean(rows if shown is None else [*rows, unit(shown.mean(axis=0))], axis=0))
        return PrototypeBank(np.stack(anchors), candidates.labels, **options)

    def timeline(self, clip: Clip, labels: Labels = (), **options: Any) -> Timeline:
        """What a long recording shows and when; the options are those of :func:`.timeline.timeline`."""
        from skeltext.recognizer.timeline import timeline

        return timeline(self, clip, labels, **options)

    def timeline_people(self, clip: Clip, labels: Labels = (), **options: Any) -> list[Timeline]:
        """A timeline for every person of a long recording, in the order of its tracks; see :meth:`timeline`."""
        from skeltext.recognizer.timeline import timeline_people

        return timeline_people(self, clip, labels, **options)

    def predict_all(
        self,
        clips: Sequence[Clip],
        labels: Labels = (),
        *,
        negatives: Sequence[str] = (),
        false_accept: float | None = None,
        pair: bool = False,
    ) -> list[Answer]:
        """An answer for every clip; see :meth:`predict`."""
        candidates = self.candidates(labels, negatives=negatives)
        least = self.least_standing(false_accept)
        scores = self.standings(self.embed(clips, pair=pair), candidates)
        shares = self.probabilities(scores)
        texts = [" ".join(sentences) for sentences in self._sentences(candidates)]
        return [
            self._answer(clip, candidates, texts, row, share, least=least, pair=pair)
            for clip, row, share in zip(clips, scores, shares, strict=True)
        ]

    def candidates(self, labels: Labels = (), *, negatives: Sequence[str] = ()) -> Candidates:
        """What a clip is recognised among: the labels that are typed and those that examples stand for."""
        return Candidates.of(labels, negatives=negatives, examples=tuple(self._examples))

    def standings(self, embedded: Floats, candidates: Candidates) -> Floats:
        """(N, D) to what every candidate, negatives after the labels, is ranked by: (N, K).

        They are standard scores where there is a calibration; the score of a label that has sentences and examples is
        the mean of the two.
        """
        rows = self._rows(embedded, candidates)
        if self.calibration is not None:
            return standard_scores(rows, self._reference_rows(self.calibration, candidates))
        return rows

    def probabilities(self, standings: Floats) -> Floats:
        """(N, K) shares of every row of :meth:`standings` (N, K)."""
        scale = self.model.score_scale if self.calibration is None else 1 / self.calibration.temperature
        powers = np.exp(scale * (standings - standings.max(axis=1, keepdims=True)))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def _rows(self, embedded: Floats, candidates: Candidates) -> Floats:
        """(N, K) scores against sentences, examples or the mean of both."""
        sentences = self._sentences(candidates)
        spoken = [position for position, texts in enumerate(sentences) if texts]
        rows = np.zeros((len(embedded), len(sentences)), np.float32)
        if spoken:
            anchors = np.stack([self._anchor(sentences[position]) for position in spoken])
            rows[:, spoken] = self.model.scores(embedded, anchors)
        for label, shown in self._examples.items():
            position = candidates.labels.index(label)
            likeness = unit(embedded) @ unit(shown.mean(axis=0))
            rows[:, position] = (rows[:, position] + likeness) / 2 if sentences[position] else likeness
        return rows

    def _reference_rows(self, calibration: Calibration, candidates: Candidates) -> Floats:
        """(R, K) rows of the reference clips; the last are kept, as a stream asks for the same with every answer."""
        key = (calibration, candidates, [(label, len(shown)) for label, shown in self._examples.items()])
        if self._compared is None or self._compared[0] != key:
            self._compared = key, self._rows(calibration.reference, candidates)
        return self._compared[1]

    def _sentences(self, candidates: Candidates) -> list[tuple[str, ...]]:
        """What stands for every label and negative; nothing for a label that has examples alone."""
        return [
            sentences or (() if label in self._examples else (self.text_of(label),))
            for label, sentences in zip(candidates.labels, candidates.sentences, strict=True)
        ] + [(text,) for text in candidates.negatives]

    def _anchor(self, sentences: tuple[str, ...]) -> Floats:
        """(W,) one sentence, or the mean direction of several; embedded once."""
        if sentences not in self._anchors:
            if len(self._anchors) == _KEPT_ANCHORS:
                self._anchors.clear()
            rows = self.encoder.encode(list(sentences))
            self._anchors[sentences] = np.asarray(rows[0] if len(rows) == 1 else unit(rows).mean(axis=0))
        return self._anchors[sentences]

    def least_standing(self, false_accept: float | None) -> float:
        """The standing below which an answer is refused; see :meth:`predict`."""
        if false_accept is None:
            return -np.inf
        if self.calibration is None:
            raise SkeltextError(
                "this model has no calibration, so it cannot tell how often it would accept a wrong clip; fit one with"
                " `skeltext calibrate RUN`, or leave the false-accept rate away"
            )
        return self.calibration.threshold(false_accept)

    def _answer(
        self,
        clip: Clip,
        candidates: Candidates,
        texts: Sequence[str],
        row: Floats,
        share: Floats,
        *,
        least: float,
        pair: bool,
    ) -> Answer:
        k = len(candidates.labels)
        guesses = tuple(
            Guess(label=candidates.labels[i], text=texts[i], score=float(row[i]), probability=float(share[i]))
            for i in np.argsort(-row[:k], kind="stable")
        )
        rejected = refusal(row, candidates, least=least)
        return Answer(
            label=None if rejected else guesses[0].label,
            guesses=guesses,
            person=" and ".join(clip.tracks[m] for m in self.preprocessing(pair=pair).people(clip)),
            calibrated=self.calibration is not None,
            rejected=rejected,
            quality=check_clip(clip),
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


def refusal(row: Floats, candidates: Candidates, *, least: float) -> str:
    """Why no label is accepted for the standings (K,) of a clip, negatives after the labels; empty where one is."""
    k = len(candidates.labels)
    if row[k:].size and row[k:].max() > row[:k].max():
        return f"it is nearer to {candidates.negatives[int(row[k:].argmax())]!r}"
    return "a clip that shows none of the labels would often be as sure" if row.max() < least else ""
