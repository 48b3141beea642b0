"""Zero-shot evaluation of a run: unseen classes only, before and after alignment, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from skeltext.datasets.store import Store
from skeltext.errors import require
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.predictions import (
    Ints,
    Predictions,
    Progress,
    Scoring,
    TestSet,
    load_test_set,
    predict_epochs,
)
from skeltext.evaluation.results import KINDS, Curves, RunResult, Sample, Table
from skeltext.evaluation.selection import choose_epochs
from skeltext.machine import keep_freed_memory
from skeltext.recognizer.embedding import Precision
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import OtherData, Run
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import UNITS_IN_METRES
from skeltext.texts.descriptions import class_texts

Scores = dict[str, list[float]]  # kind -> one accuracy per epoch


def evaluate_run(
    run: Run,
    *,
    alpha: float | None = None,
    device: str = "cpu",
    precision: Precision = "32-true",
    samples: int = 6,
    progress: Progress | None = None,
) -> RunResult:
    """Everything about one run; :class:`SkeltextError` if its training is not finished.

    `alpha` replaces the configured tolerance margin; `precision` is that of embedding the clips; `samples` test clips
    are kept to be looked at.
    """
    scoring = Scoring(alpha=run.config.alpha if alpha is None else alpha)
    (result,) = evaluate_scorings(
        run, [scoring], device=device, precision=precision, samples=samples, progress=progress
    )
    return result


def evaluate_scorings(
    run: Run,
    scorings: Sequence[Scoring],
    *,
    on: OtherData | None = None,
    device: str = "cpu",
    precision: Precision = "32-true",
    samples: int = 0,
    progress: Progress | None = None,
) -> list[RunResult]:
    """Everything about one run under each of several scorings, for which its clips are embedded once.

    With `on` the test clips are those of another data set; the epoch that the rule pseudo-unseen takes is still chosen
    on the held-out classes of the run's own. Raises :class:`SkeltextError` if its training is not finished.
    """
    keep_freed_memory()
    run.require_finished()
    data = run if on is None else run.on(on)
    require(
        bool(data.split.unseen),
        f"split {data.split.name} leaves no class of {run.config.dataset} unseen; evaluate a run of another",
    )
    predicted = partial(predict_epochs, scorings=scorings, device=device, precision=precision, progress=progress)
    test = load_test_set(data, prepare=run.preprocessing)
    runs = predicted(run, test)
    pseudo: TestSet | None = None
    held_runs: list[list[Predictions]] = [[] for _ in scorings]
    if run.held_out is not None:
        pseudo = load_test_set(run.held_out, prepare=run.preprocessing)
        held_runs = predicted(run.held_out, pseudo)
    return [
        _result(run, test, epochs, pseudo, held, samples=samples) for epochs, held in zip(runs, held_runs, strict=True)
    ]


def _result(
    run: Run,
    test: TestSet,
    runs: list[Predictions],
    pseudo: TestSet | None,
    pseudo_runs: list[Predictions],
    *,
    samples: int,
) -> RunResult:
    """One run under one scoring, from the predictions of all its epochs."""
    scores, by_class = (_scores(test, runs, measure) for measure in (accuracy, class_mean_accuracy))
    held: Scores = {kind: [] for kind in KINDS} if pseudo is None else _scores(pseudo, pseudo_runs, accuracy)
    store, last = test.store, runs[-1]
    if last.alignment is None:
        scores["aligned"] = held["aligned"] = []
    chosen = {kind: choose_epochs(scores[kind], held[kind]) for kind in KINDS}
    d = last.features[0].numel()
    return RunResult(
        name=run.name,
        dataset=store.name,
        method=run.config.method,
        split=run.config.split,
        seed=run.config.seed,
        classes=list(test.classes),
        descriptions=_descriptions(run, test),
        chance=1 / len(test.classes),
        table=_table(scores, chosen),
        class_table=_table(by_class, chosen),
        chosen=chosen,
        curves=_curves(run.folder, scores, held),
        ids=[store.ids[index] for index in test.indices],
        labels=test.labels,
        plain=last.plain,
        aligned=last.aligned,
        sources=[store.source_names[store.sources[index]] for index in test.indices],
        features=last.features.reshape(-1, d).numpy(),  # N ... -> N D
        texts=np.empty((0, d), np.float32) if last.anchors is None else last.anchors.numpy(),
        prototypes=np.empty((0, d), np.float32)
        if last.alignment is None or last.anchors is None
        else last.alignment.anchors.numpy(),
        samples=_samples(store, test, last, count=samples),
    )


def _scores(test: TestSet, runs: list[Predictions], measure: Callable[[Ints, Ints], float]) -> Scores:
    return {kind: [measure(test.labels, getattr(one, kind)) for one in runs] for kind in KINDS}


def _curves(folder: RunFolder, scores: Scores, held: Scores) -> Curves:
    metrics = folder.metrics()
    return Curves(
        epochs=[int(line["epoch"]) for line in metrics],
        loss=[float(line["loss"]) for line in metrics],
        plain=scores["plain"],
        aligned=scores["aligned"],
        pseudo_plain=held["plain"],
        pseudo_aligned=held["aligned"],
    )


def _table(scores: Scores, chosen: dict[str, dict[str, int | None]]) -> Table:
    return {
        kind: {rule: None if epoch is None else scores[kind][epoch] for rule, epoch in chosen[kind].items()}
        for kind in KINDS
    }


def _descriptions(run: Run, test: TestSet) -> list[str]:
    """What the classes look like, in words; a name alone would not tell, so our full description takes its place."""
    config, name = run.config, test.store.name
    if config.texts == "name":
        return class_texts(name, test.classes, kind="complete")
    return class_texts(name, test.classes, kind=config.texts, source=config.descriptions)


def _samples(store: Store, test: TestSet, predictions: Predictions, *, count: int) -> list[Sample]:
    """Clips to look at, one of each class in turn, in metres with y up."""
    turn = np.zeros(len(test.labels), np.int64)  # how many clips of its class come before a clip
    for k in range(len(test.classes)):
        turn[test.labels == k] = np.arange((test.labels == k).sum())
    shown = []
    for position in np.lexsort((test.labels, turn))[:count]:
        clip = store.clip(test.indices[position])
        layout = replace(
            clip.layout, up="+y", unit=clip.layout.unit if UNITS_IN_METRES[clip.layout.unit] is None else "m"
        )
        shown.append(
            Sample(
                id=store.ids[test.indices[position]],
                label=int(test.labels[position]),
                plain=int(predictions.plain[position]),
                aligned=int(predictions.aligned[position]),
                fps=clip.fps or store.fps,
                positions=convert(clip, layout).positions,
                bones=clip.layout.bones,
            )
        )
    return shown
