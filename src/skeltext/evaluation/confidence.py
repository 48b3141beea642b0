"""How far the answers of a recogniser can be trusted, fitted on classes that its second training was not shown.

People type a few labels, so small sets of held-out classes are drawn: with the class of the clip among them they give
the temperature, at which probabilities say how often an answer is right, and without it the thresholds, above which so
many clips lie that show none of the labels. The true unseen classes are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.dataset import ClassSplit
from skeltext.datasets.splitting import Indices
from skeltext.errors import SkeltextError, require
from skeltext.evaluation.as_answered import reference_clips
from skeltext.recognizer.calibration import Calibration, standard_scores
from skeltext.recognizer.card import WEIGHTS
from skeltext.recognizer.loading import sentence_encoder
from skeltext.recognizer.model import Floats, Model
from skeltext.recognizer.torch_model import TorchModel
from skeltext.runs.run import Run
from skeltext.texts.descriptions import class_texts

KINDS = ("name", "complete")  # people type words or sentences
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
SETS = 40  # sets of labels for every clip
FEWEST_LABELS, MOST_LABELS = 2, 10
TEMPERATURES = np.geomspace(0.05, 20, 200)
BINS = 10

Array = npt.NDArray[np.floating]
Draw = tuple[Floats, npt.NDArray[np.bool_]]  # (N, K) standard scores of drawn labels, (N, K) which one is right


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How well the answers on held-out classes went: shares between 0 and 1.

    ``accuracy`` of ``answers`` among sets of labels that hold the right one, beside what ``chance`` gives; ``error``
    and ``error_before`` are the expected calibration error at the fitted temperature and at temperature one.
    """

    accuracy: float
    chance: float
    answers: int
    error: float
    error_before: float


def calibrate(
    run: Run, *, device: str = "cpu", progress: Callable[[int, int], None] | None = None
) -> tuple[Calibration, Reliability]:
    """Fit the calibration of a finished run on the classes that its second training was not shown.

    Raises :class:`SkeltextError` for a run without a second training or whose texts are a table.
    """
    config, second_run = run.config, run.held_out
    if second_run is None or not (second_run.folder.checkpoint / WEIGHTS).exists():
        raise SkeltextError(
            f"{run.folder.path} has no second training that holds classes out, so nothing can be calibrated on; train"
            " it with --pseudo-unseen above 0"
        )
    require(
        not config.text_encoder.endswith(".npy"),
        f"{run.folder.path} was trained on the table {config.text_encoder}, which has no row for a typed label; train"
        " with a text encoder that reads sentences",
    )
    store, held = run.store, second_run.split
    clips = second_run.pseudo_unseen_clips
    known = reference_clips(store, np.union1d(second_run.training_clips, second_run.calibration_clips))
    every = reference_clips(store, run.training_clips)
    done = iter(np.cumsum([len(clips), len(known), len(every)]).tolist())

    def embedded(model: Model, indices: Indices) -> Floats:
        found = model.embed(preprocessed_clips(store, indices.tolist(), model.card.preprocessing))
        if progress:
            progress(next(done), len(clips) + len(known) + len(every))
        return found

    second = TorchModel(second_run.folder.checkpoint, device=device)
    labels = np.array([held.unseen.index(store.classes[store.labels[clip]]) for clip in clips])
    judged, reference = embedded(second, clips), embedded(second, known)
    scores = np.stack([_standard(second, judged, reference, run, held, kind) for kind in KINDS])  # P N K
    right, wrong = drawn_sets(scores, labels, include=True), drawn_sets(scores, labels, include=False)
    temperature = fitted_temperature(right)
    thresholds, accepted = fitted_thresholds(right, wrong)
    model = TorchModel(run.folder.checkpoint, device=device)
    calibration = Calibration(
        reference=embedded(model, every),
        temperature=temperature,
        thresholds=thresholds,
        accepted=accepted,
        about=f"{len(clips)} clips of {len(held.unseen)} classes of {config.dataset} that a second training with the"
        f" other {len(held.seen)} was not shown, among {FEWEST_LABELS} to {MOST_LABELS} labels, names and descriptions",
    )
    hits = np.concatenate([one.argmax(axis=1) == which.argmax(axis=1) for one, which in right])
    reliability = Reliability(
        accuracy=float(hits.mean()),
        chance=float(np.mean([1 / one.shape[1] for one, _ in right])),
        answers=len(hits),
        error=calibration_error(right, temperature=temperature),
        error_before=calibration_error(right, temperature=1.0),
    )
    return calibration, reliability


def _standard(model: Model, clips: Floats, reference: Floats, run: Run, held: ClassSplit, kind: str) -> Floats:
    """(N, K) standard scores of clips among the held-out classes, by one kind of text, as if it had been typed.

    A name is mapped, as it would be in an answer, where the model does so.
    """
    source = run.config.descriptions if kind != "name" else None
    typed = class_texts(run.config.dataset, held.unseen, kind=kind, source=source)
    encoder = sentence_encoder(model.card)
    texts = (encoder.label_map or encoder if kind == "name" else encoder).encode(typed)
    return standard_scores(model.scores(clips, texts), model.scores(reference, texts))


def drawn_sets(scores: Floats, labels: npt.NDArray[np.int64], *, include: bool) -> list[Draw]:
    """For every clip some sets of 2 to 10 labels, with that of the clip among them or without: from (P, N, K) scores.

    Every draw takes one of the P kinds of text for all clips, and its own labels for each clip. The generator is
    seeded, so that a calibration can be repeated.
    """
    generator = np.random.default_rng(0)
    kinds, n, k = scores.shape
    draws = []
    for number in range(SETS):
        size = int(generator.integers(FEWEST_LABELS, min(MOST_LABELS, k - 1) + 1))
        order = generator.random((n, k))
        order[np.arange(n), labels] = -1.0 if include else 2.0  # first or never among the chosen
        chosen = order.argsort(axis=1)[:, :size]
        taken = np.take_along_axis(scores[number % kinds], chosen, axis=1)
        draws.append((taken, chosen == labels[:, None]))
    return draws


def log_shares(scores: Array, *, temperature: float) -> Array:
    """(N, K) logarithms of softmax(scores / temperature)."""
    scaled = scores / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))


def fitted_temperature(draws: list[Draw]) -> float:
    """The temperature at which the right labels are most likely (Guo et al., ICML 2017, section 4.2).

    >>> scores, right = np.array([[2.0, 0.0]] * 4, "f"), np.array([[True, False]] * 3 + [[False, True]])
    >>> round(2 / fitted_temperature([(scores, right)]), 1)  # three of four are right: log 3
    1.1
    """
    likelihood = [
        sum(float(log_shares(scores, temperature=t)[right].mean()) for scores, right in draws) for t in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmax(likelihood))])


def fitted_thresholds(right: list[Draw], wrong: list[Draw]) -> tuple[dict[float, float], dict[float, float]]:
    """For every rate the score that such a share of clips without their label reaches, and how many others do."""
    without = np.concatenate([scores.max(axis=1) for scores, _ in wrong])
    having = np.concatenate([scores.max(axis=1) for scores, _ in right])
    thresholds = {rate: float(np.quantile(without, 1 - rate)) for rate in RATES}
    return thresholds, {rate: float((having >= least).mean()) for rate, least in thresholds.items()}


def calibration_error(draws: list[Draw], *, temperature: float) -> float:
    """Expected calibration error: how far, on average over ten bins, confidence is from the share of right answers."""
    shares = [np.exp(log_shares(scores, temperature=temperature)) for scores, _ in draws]
    confidence = np.concatenate([one.max(axis=1) for one in shares])
    hits = np.concatenate(
        [which[np.arange(len(one)), one.argmax(axis=1)] for one, (_, which) in zip(shares, draws, strict=True)]
    )
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].mean() - hits[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))
