"""A model with its text encoder: clips and label sets in, scores and probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skeltext.adaptation.registry import NamedStep
from skeltext.adaptation.step import Unlabeled
from skeltext.errors import SkeltextError, require
from skeltext.recognizer import loading
from skeltext.recognizer.answer import refusal
from skeltext.recognizer.calibration import Calibration, standard_scores
from skeltext.recognizer.card import Card
from skeltext.recognizer.kept import Kept
from skeltext.recognizer.label_set import Label, Labels, LabelSet
from skeltext.recognizer.likeness import weighed
from skeltext.recognizer.model import Floats, Model, embed_prepared, unit
from skeltext.recognizer.text_space import TypedTexts
from skeltext.recognizer.wording import AS_TYPED, MAPPED, SHOWN, Wording, described_wording, mapped_wording
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.preprocessing import Preprocessing
from skeltext.skeletons.steps import the_one_who_moves_most, those_together
from skeltext.texts.descriptions import class_text, described_classes, described_sets
from skeltext.texts.encoder import TextEncoder
from skeltext.texts.label_map import LabelMap, short

USUAL_STEP = "shrunken_prototypes"
"""The test-time step for many clips that are given together."""
FEWEST_CLIPS, CLIPS_PER_LABEL = 20, 4  # from which on the usual step pays


class Memory(NamedTuple):
    """What was computed before: wordings of labels, embedded wordings, example clips, scores of the reference."""

    wordings: Kept[tuple[str, tuple[str, ...], bool, bool], Wording]
    texts: Kept[Wording, Floats]
    examples: Kept[Clip, Floats]
    reference: Kept[LabelSet, Floats]


def _empty_memory() -> Memory:
    return Memory(wordings=Kept(most=1024), texts=Kept(most=1024), examples=Kept(most=256), reference=Kept(most=16))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Scorer:
    """A trained model with its text encoder and, where they have been given, its calibration and its file of weights.

    It never changes, and threads may share it. ``encoder`` is by default the one that the model was trained with.
    """

    model: Model
    encoder: TextEncoder = None  # type: ignore[assignment]  # it is there after __post_init__
    calibration: Calibration | None = None
    weights: Path | None = None
    _memory: Memory = field(init=False, default_factory=_empty_memory)

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoder", self.encoder or loading.sentence_encoder(self.card))

    @property
    def card(self) -> Card:
        """What the checkpoint says beside its weights."""
        return self.model.card

    @property
    def label_map(self) -> LabelMap | None:
        """What maps short labels to vectors of texts; None where the model or its text encoder has none."""
        return self.encoder.label_map if isinstance(self.encoder, TypedTexts) else None

    def text_of(self, label: str) -> str:
        """The text that is embedded for a label: the description of a class of its data set, else the label itself."""
        dataset, kind = self.card.dataset, self.card.texts
        if dataset in described_sets():
            for name in described_classes(dataset):
                if name.casefold() == label.casefold():
                    return class_text(dataset, name, kind=kind)
        return self.card.labels.get(label, label)

    def wording(self, label: Label, *, verbatim: bool = False) -> Wording:
        """What takes the place of a label: its own texts, those of a known class, or what it is mapped to.

        A label that has examples alone has no text; with `verbatim` no label is mapped.
        """
        key = (label.name, label.texts, bool(label.examples), verbatim)  # examples are clips, and large
        return self._memory.wordings(key, partial(self._wording, label, verbatim=verbatim))

    def _wording(self, label: Label, *, verbatim: bool) -> Wording:
        names = None if verbatim else self.label_map
        if label.texts:
            return described_wording(label.name, label.texts, names)
        if label.examples:
            return Wording(source=SHOWN, texts=())
        text = self.text_of(label.name)
        if text != label.name:
            return described_wording(label.name, (text,), names)
        if names is None or not short(label.name):
            return Wording(source=AS_TYPED, texts=(text,))
        return mapped_wording(label.name, names)

    def wordings(self, labels: LabelSet) -> list[Wording]:
        """What takes the place of each label and, behind them, of the negatives."""
        asked = (*labels.labels, *map(Label, labels.negatives))
        return [self.wording(one, verbatim=labels.verbatim) for one in asked]

    def preprocessing(self, *, pair: bool | None = None) -> Preprocessing:
        """How clips are prepared: with `pair` the two people who move most, without it the one who does.

        By default two are kept where the model was trained with two and they are together
        (:func:`~skeltext.skeletons.steps.those_together`), and one else.
        """
        own = self.card.preprocessing
        if pair:
            return replace(own, bodies=max(2, own.bodies))
        return replace(own, choose=those_together if pair is None else the_one_who_moves_most)

    def embed(self, clips: Sequence[Clip], *, pair: bool | None = None) -> Floats:
        """(N, D) of every clip; `pair` says who is looked at, see :meth:`preprocessing`."""
        if not clips:
            raise SkeltextError("no clip given, expected at least one")
        prepare = self.preprocessing(pair=pair)
        return self.embed_prepared([prepare(clip) for clip in clips])

    def embed_prepared(self, arrays: Sequence[Floats]) -> Floats:
        """(N, D) of N clips that are prepared already, each (C, T, V, M)."""
        return embed_prepared(self.model, arrays)

    def scores(self, embedded: Floats, labels: Labels) -> Floats:
        """(N, K) scores of embedded clips (N, D) for the K labels and, behind them, the negatives.

        They are standard scores where there is a calibration. The score of a label that has texts and examples is then
        weighed by how many examples there are; without a calibration it is the mean of two cosines.
        """
        asked = LabelSet.of(labels)
        if self.calibration is None:
            return self._raw_scores(embedded, asked)
        return self._standard_scores(embedded, asked, self.calibration)

    def _standard_scores(self, embedded: Floats, labels: LabelSet, calibration: Calibration) -> Floats:
        """(N, K) standard scores, those of examples by their likeness."""
        rows = self._text_scores(embedded, labels)
        spoken = self._memory.reference(labels, partial(self._text_scores, calibration.reference, labels))
        scores = standard_scores(rows, spoken)
        for position, label in enumerate(labels.labels):
            if label.examples:
                likeness = calibration.likeness.scores(embedded, self._examples(label))
                number = len(label.examples)
                scores[:, position] = (
                    weighed(likeness, scores[:, position], examples=number) if label.texts else likeness
                )
        return scores

    def probabilities(self, scores: Floats) -> Floats:
        """(N, K) shares of every row of :meth:`scores` (N, K)."""
        fitted = self.calibration
        scale = self.model.score_scale if fitted is None else 1 / fitted.temperature_for(scores.shape[1])
        powers = np.exp(scale * (scores - scores.max(axis=1, keepdims=True)))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def adapted(self, embedded: Floats, scores: Floats, step: str) -> Floats:
        """(N, K) scores of clips (N, D) by a test-time step that looks at all of them, written as in an evaluation.

        Raises :class:`SkeltextError` for an unknown step, or one that gives no scores.
        """
        features = embedded if self.calibration is None else self.calibration.likeness.directions(embedded)
        found = NamedStep.parse(step).build().fit(Unlabeled(features=features, scores=scores))
        if found.scores is None:
            raise SkeltextError(
                f"the test-time step {step} gives labels without scores, so no answer can be made of it; take"
                f" {USUAL_STEP} or score_smoothing, or use it in `skeltext evaluate`"
            )
        return found.scores

    def least_score(self, false_accept: float | None) -> float:
        """The evidence, or the score where none was fitted, below which an answer is refused at a false-accept rate."""
        if false_accept is None:
            return -np.inf
        if self.calibration is None:
            raise SkeltextError(
                "this model has no calibration, so it cannot tell how often it would accept a wrong clip; fit one with"
                " `skeltext calibrate RUN`, or leave the false-accept rate away"
            )
        return self.calibration.threshold(false_accept)

    def refusals(self, embedded: Floats | None, scores: Floats, labels: LabelSet, *, least: float) -> list[str]:
        """For every clip (N, D) with its :meth:`scores` (N, K) why no label is accepted; empty where one is.

        A clip that shows no action at all is refused wherever the calibration knows such clips, unless the best label
        has examples, or nothing is `embedded`. So is one with less evidence than `least` (:meth:`least_score`).
        """
        if self.calibration is None:
            return [refusal(row, labels) for row in scores]
        asked = scores[:, : len(labels.labels)]
        shown = np.array([bool(labels.labels[k].examples) for k in asked.argmax(axis=1)])
        enough = self.calibration.evidence_of(asked, shown) >= least
        nothing = self.calibration.nothing
        kinds = nothing.kinds(embedded) if nothing and embedded is not None else [""] * len(scores)
        return [
            refusal(row, labels, nothing="" if has_examples else kind, enough=bool(sure))
            for row, kind, has_examples, sure in zip(scores, kinds, shown, enough, strict=True)
        ]

    def gap(self, coverage: float, *, labels: int) -> float:
        """How far below the best score the labels of a set lie that holds the truth in that share of cases."""
        if self.calibration is None or self.calibration.gaps is None:
            raise SkeltextError(
                "the calibration of this model has no label sets, which earlier releases did not fit; fit them with"
                " `skeltext calibrate RUN`, or leave the coverage away"
            )
        return self.calibration.gaps.width(coverage, labels=labels)

    def anchors(self, labels: LabelSet) -> Floats:
        """(K, D) the direction of every label among embedded clips: of its texts, of its examples, or between both.

        Raises :class:`SkeltextError` for a model whose scores are not cosines of clips and texts.
        """
        require(
            self.model.cosines,
            f"a bank compares cosines of clip and text, which scores of the method {self.card.model.method} are not;"
            " take a model of pgfa or devise",
        )
        found = []
        for label in labels.labels:
            wording = self.wording(label, verbatim=labels.verbatim)
            rows = [unit(self._embedded_texts(wording))] if wording.texts else []
            found.append(np.mean([*rows, self._shown(label)] if label.examples else rows, axis=0))
        return np.stack(found)

    def _raw_scores(self, embedded: Floats, labels: LabelSet) -> Floats:
        """(N, K) cosines with texts, examples or the mean of both."""
        rows, wordings = self._text_scores(embedded, labels), self.wordings(labels)
        for position, label in enumerate(labels.labels):
            if label.examples:
                likeness = unit(embedded) @ self._shown(label)
                rows[:, position] = (rows[:, position] + likeness) / 2 if wordings[position].texts else likeness
        return rows

    def _text_scores(self, embedded: Floats, labels: LabelSet) -> Floats:
        """(N, K) scores of the model against texts, zero for a label that has examples alone."""
        wordings = self.wordings(labels)
        spoken = [position for position, wording in enumerate(wordings) if wording.texts]
        rows = np.zeros((len(embedded), len(wordings)), np.float32)
        if spoken:
            anchors = np.stack([self._embedded_texts(wordings[position]) for position in spoken])
            rows[:, spoken] = self.model.scores(embedded, anchors)
        return rows

    def _embedded_texts(self, wording: Wording) -> Floats:
        """(W,) a mapped label, one text, the mean direction of several, or both; embedded once."""
        return self._memory.texts(wording, lambda: self._embedded(wording))

    def _embedded(self, wording: Wording) -> Floats:
        """The same, computed; a name and the texts beside it count alike."""
        mapped = None
        if wording.label:
            assert self.label_map is not None  # or nothing was mapped
            mapped = self.label_map.encode([wording.label])[0]
            if wording.source == MAPPED:
                return np.asarray(mapped)
        rows = self.encoder.encode(list(wording.texts))
        said = rows[0] if len(rows) == 1 else unit(rows).mean(axis=0)
        if mapped is None:
            return np.asarray(said)
        return np.asarray(np.linalg.norm(said) * unit(unit(said) + unit(mapped)))

    def _shown(self, label: Label) -> Floats:
        """(D,) the mean direction of the examples of a label."""
        return unit(unit(self._examples(label)).mean(axis=0))

    def _examples(self, label: Label) -> Floats:
        """(E, D) the examples of a label; each is embedded once."""
        clips = [example.clip for example in label.examples]
        return np.concatenate([self._memory.examples(clip, partial(self.embed, [clip])) for clip in clips])
