"""How far the answers of a recogniser can be trusted, fitted on classes that its second training was not shown.

People type a few labels, so small sets of held-out classes are drawn: with the class of the clip among them they give
the temperature, at which probabilities say how often an answer is right, and how far the right label is below the best
one; without it the evidence that clips have which show none of the labels. Clips that show no action are made of
training clips. The true unseen classes are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.splitting import Indices
from skeltext.errors import SkeltextError, require
from skeltext.evaluation import drawn_labels as drawn
from skeltext.evaluation.as_answered import reference_clips
from skeltext.evaluation.empty_clips import empty_clips
from skeltext.evaluation.refusing import (
    RATES,
    by_kind,
    caught,
    fitted_evidence,
    fitted_nothing,
    needed_shifts,
    shifted,
)
from skeltext.recognizer.calibration import Calibration, standard_scores
from skeltext.recognizer.card import WEIGHTS
from skeltext.recognizer.evidence import Evidence, signs
from skeltext.recognizer.likeness import Likeness
from skeltext.recognizer.loading import sentence_encoder
from skeltext.recognizer.model import Floats, embed_prepared
from skeltext.recognizer.torch_model import TorchModel
from skeltext.runs.run import Run
from skeltext.texts.descriptions import class_texts

KINDS = ("name", "complete")  # people type words or sentences
NUMBERS = (2, 5, 10, 20)  # of labels, of which each has its calibration error
EMPTY_OF = 150  # training clips that empty clips are made of
EXAMPLE_SETS = 4  # draws of one example for every held-out class
COVERAGE = 0.9  # of the label sets whose size is shown

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How well the answers on held-out classes went: shares between 0 and 1.

    ``accuracy`` of ``answers`` among sets of labels that hold the right one, beside what ``chance`` gives; ``error``
    and ``error_before`` are the expected calibration error at the fitted temperature and at temperature one, and
    ``errors`` the former by the number of labels. ``set_size`` is the mean number of labels in a set that holds the
    right one nine times in ten, ``caught`` the share of empty clips of every kind that are refused as such, and
    ``mistaken`` that of clips of held-out actions which are taken for empty ones.
    """

    accuracy: float
    chance: float
    answers: int
    error: float
    error_before: float
    errors: Mapping[int, float]
    set_size: float
    caught: Mapping[str, float]
    mistaken: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """A model with what it makes of training clips, with their classes, and of the empty clips made of some."""

    model: TorchModel
    reference: Floats
    classes: npt.NDArray[np.int64]
    empty: Mapping[str, Floats]

    @classmethod
    def of(cls, run: Run, clips: Indices, *, device: str, progress: Callable[[int], None]) -> _Seen:
        model = TorchModel(run.folder.checkpoint, device=device)
        prepare, store = model.card.preprocessing, run.store
        indices = reference_clips(store, clips)
        reference = model.embed(preprocessed_clips(store, indices.tolist(), prepare))
        progress(len(indices))
        some = [store.clip(int(index)) for index in indices[:: max(1, len(indices) // EMPTY_OF)]]
        kinds, arrays = zip(*empty_clips(some, prepare), strict=True)
        empty = by_kind(kinds, embed_prepared(model, arrays))
        progress(len(some))
        return cls(model=model, reference=reference, classes=store.labels[indices].astype(np.int64), empty=empty)

    def standard(self, embedded: Floats, texts: Floats) -> Floats:
        """(N, K) standard scores of embedded clips for embedded texts."""
        return standard_scores(self.model.scores(embedded, texts), self.model.scores(self.reference, texts))


def calibrate(run: Run, *, device: str = "cpu", progress: Progress | None = None) -> tuple[Calibration, Reliability]:
    """Fit the calibration of a finished run on the classes that its second training was not shown.

    Raises :class:`SkeltextError` for a run without a second training or whose texts are a table.
    """
    second_run = _second_run(run)
    tell = _counter(run, second_run, progress)
    clips = second_run.pseudo_unseen_clips
    learned = np.union1d(second_run.training_clips, second_run.calibration_clips)
    trial = _Seen.of(second_run, learned, device=device, progress=tell)
    judged = trial.model.embed(preprocessed_clips(run.store, clips.tolist(), trial.model.card.preprocessing))
    tell(len(clips))
    held = second_run.split.unseen
    labels = np.array([held.index(run.store.classes[run.store.labels[clip]]) for clip in clips])
    scores = np.stack([trial.standard(judged, _typed(run, trial.model, held, kind)) for kind in KINDS])  # P N K
    right, wrong = (drawn.drawn_sets(scores, labels, include=include) for include in (True, False))
    temperature, growth = drawn.fitted_temperatures(right)
    thresholds, accepted = drawn.fitted_thresholds(right, wrong, rates=RATES)
    gaps, nothing = drawn.fitted_gaps(right, classes=labels), fitted_nothing(trial.reference, trial.empty)
    shifts = needed_shifts(nothing, judged, trial.empty)
    final = _Seen.of(run, run.training_clips, device=device, progress=tell)
    calibration = Calibration(
        reference=final.reference,
        classes=final.classes,
        temperature=temperature,
        growth=growth,
        thresholds=thresholds,
        accepted=accepted,
        evidence=_evidence(right, wrong),
        shown=_evidence(*_shown(trial, judged, labels)),
        gaps=gaps,
        nothing=shifted(fitted_nothing(final.reference, final.empty), shifts),
        about=f"{len(clips)} clips of {len(held)} classes of {run.config.dataset} that a second training with the other"
        f" {len(second_run.split.seen)} was not shown, among {drawn.FEWEST_LABELS} to"
        f" {min(drawn.MOST_LABELS, len(held))} labels, names and descriptions",
    )
    by_number = {
        number: drawn.drawn_sets(scores, labels, include=True, fewest=number, most=number)
        for number in NUMBERS
        if number <= len(held)
    }
    reliability = Reliability(
        accuracy=float(drawn.hits(right).mean()),
        chance=float(np.mean([1 / one.shape[1] for one, _ in right])),
        answers=sum(len(one) for one, _ in right),
        error=drawn.calibration_error(right, temperature=temperature, growth=growth),
        error_before=drawn.calibration_error(right, temperature=1.0),
        errors={
            number: drawn.calibration_error(draws, temperature=temperature, growth=growth)
            for number, draws in by_number.items()
        },
        set_size=drawn.covered(right, gaps, coverage=COVERAGE)[1],
        caught=caught(shifted(nothing, shifts), trial.empty),
        mistaken=float(np.mean([bool(kind) for kind in shifted(nothing, shifts).kinds(judged)])),
    )
    return calibration, reliability


def _evidence(right: list[drawn.Draw], wrong: list[drawn.Draw]) -> Evidence:
    """Fitted on draws with the right label and on draws without it."""
    with_label, without = (np.concatenate([signs(one) for one, _ in draws]) for draws in (right, wrong))
    return fitted_evidence(with_label, drawn.hits(right), without)


def _shown(trial: _Seen, judged: Floats, labels: npt.NDArray[np.int64]) -> tuple[list[drawn.Draw], list[drawn.Draw]]:
    """Draws as :func:`drawn.drawn_sets` makes them, of labels that have one example each; examples are not asked."""
    likeness = Likeness.of(trial.reference, trial.classes)
    draws: tuple[list[drawn.Draw], list[drawn.Draw]] = ([], [])
    for seed in range(EXAMPLE_SETS):
        order = np.random.default_rng(seed).permutation(len(labels))
        examples = order[np.unique(labels[order], return_index=True)[1]]  # one of every class
        rest = np.setdiff1d(order, examples)
        scores = np.stack([likeness.scores(judged[rest], judged[[one]]) for one in examples], axis=1)  # N K
        for found, include in zip(draws, (True, False), strict=True):
            found += drawn.drawn_sets(scores[None], labels[rest], include=include, sets=drawn.SETS // EXAMPLE_SETS)
    return draws


def _second_run(run: Run) -> Run:
    second = run.held_out
    if second is None or not (second.folder.checkpoint / WEIGHTS).exists():
        raise SkeltextError(
            f"{run.folder.path} has no second training that holds classes out, so nothing can be calibrated on; train"
            " it with --pseudo-unseen above 0"
        )
    require(
        not run.config.text_encoder.endswith(".npy"),
        f"{run.folder.path} was trained on the table {run.config.text_encoder}, which has no row for a typed label;"
        " train with a text encoder that reads sentences",
    )
    return second


def _counter(run: Run, second: Run, progress: Progress | None) -> Callable[[int], None]:
    """What is called with the number of clips that were embedded now."""
    learned = np.union1d(second.training_clips, second.calibration_clips)
    sizes = [len(reference_clips(run.store, clips)) for clips in (learned, run.training_clips)]
    total = sum(size + len(range(0, size, max(1, size // EMPTY_OF))) for size in sizes)
    total += len(second.pseudo_unseen_clips)
    done = 0

    def tell(number: int) -> None:
        nonlocal done
        done += number
        if progress:
            progress(done, total)

    return tell


def _typed(run: Run, model: TorchModel, classes: tuple[str, ...], kind: str) -> Floats:
    """(K, W) the held-out classes by one kind of text, as if it had been typed: a name is mapped if the model does."""
    source = run.config.descriptions if kind != "name" else None
    typed = class_texts(run.config.dataset, classes, kind=kind, source=source)
    encoder = sentence_encoder(model.card)
    return (encoder.label_map or encoder if kind == "name" else encoder).encode(typed)
