"""Zero-shot evaluation of a run: unseen classes only, by every test-time step, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from skeltext.adaptation.registry import USUAL, NamedStep, named_steps
from skeltext.datasets.store import Store
from skeltext.errors import require
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.predictions import Anchors, Ints, Predictions, Progress, TestSet, load_test_set, predict_epochs
from skeltext.evaluation.results import Curves, RunResult, Sample, Table
from skeltext.evaluation.selection import choose_epochs
from skeltext.machine import keep_freed_memory
from skeltext.methods.registry import method_named
from skeltext.recognizer.embedding import Precision
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import OtherData, Run
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import UNITS_IN_METRES
from skeltext.texts.descriptions import class_texts

Scores = dict[str, list[float]]  # step -> one accuracy per epoch, none where the step does not apply


def evaluate_run(
    run: Run,
    *,
    steps: Sequence[NamedStep] | None = None,
    by: Anchors = "texts",
    on: OtherData | None = None,
    device: str = "cpu",
    precision: Precision = "32-true",
    samples: int = 0,
    progress: Progress | None = None,
) -> RunResult:
    """Everything about one run under each of several test-time steps, for which its clips are embedded once.

    The `steps` are :func:`usual_steps` by default; one that takes an ``alpha``
    gets that of the run unless it has its own. Clips are compared `by` texts or exemplars. With `on` the test clips are
    those of another data set; the epoch that the rule pseudo-unseen takes is still chosen on the held-out classes of
    the run's own. `precision` is that of embedding the clips; `samples` test clips are kept to be looked at.

    Raises :class:`SkeltextError` if the training is not finished, or nothing is unseen.
    """
    keep_freed_memory()
    run.require_finished()
    data = run if on is None else run.on(on)
    require(
        bool(data.split.unseen),
        f"split {data.split.name} leaves no class of {run.config.dataset} unseen; evaluate a run of another",
    )
    asked = usual_steps(run) if steps is None else steps
    predicted = partial(
        predict_epochs,
        steps={step.label: step.resolved(alpha=run.config.alpha).build() for step in asked},
        by=by,
        device=device,
        precision=precision,
        progress=progress,
    )
    test = load_test_set(data, prepare=run.preprocessing)
    epochs = predicted(run, test)
    scores, by_class = (_scores(asked, test, epochs, measure) for measure in (accuracy, class_mean_accuracy))
    held: Scores = {step.label: [] for step in asked}
    if run.held_out is not None:
        pseudo = load_test_set(run.held_out, prepare=run.preprocessing)
        held = _scores(asked, pseudo, predicted(run.held_out, pseudo), accuracy)
    chosen = {label: choose_epochs(scores[label], held[label]) for label in scores}
    store, last = test.store, epochs[-1]
    d = last.features[0].size
    nothing = np.empty((0, d), np.float32)
    return RunResult(
        name=run.name,
        dataset=store.name,
        method=run.config.method,
        split=run.config.split,
        seed=run.config.seed,
        classes=list(test.classes),
        descriptions=_descriptions(run, test),
        chance=1 / len(test.classes),
        steps=[step.label for step in asked],
        table=_table(scores, chosen),
        class_table=_table(by_class, chosen),
        chosen=chosen,
        curves=_curves(run.folder, scores, held),
        ids=[store.ids[index] for index in test.indices],
        labels=test.labels,
        predicted=last.labels,
        sources=[store.source_names[store.sources[index]] for index in test.indices],
        within=last.within,
        features=last.features.reshape(-1, d),  # N ... -> N D
        texts=nothing if last.anchors is None else last.anchors,
        anchors={} if last.anchors is None else last.moved,
        samples=_samples(store, test, last, count=samples),
    )


def usual_steps(run: Run) -> tuple[NamedStep, ...]:
    """The steps that are evaluated unless somebody names others, among them the one its method was published with."""
    own = method_named(run.config.method).published_step
    return named_steps((*USUAL, *([own] if own else [])))


def _scores(
    steps: Sequence[NamedStep], test: TestSet, epochs: list[Predictions], measure: Callable[[Ints, Ints], float]
) -> Scores:
    return {
        step.label: [measure(test.labels, epoch.labels[step.label]) for epoch in epochs if step.label in epoch.labels]
        for step in steps
    }


def _curves(folder: RunFolder, scores: Scores, held: Scores) -> Curves:
    metrics = folder.metrics()
    return Curves(
        epochs=[int(line["epoch"]) for line in metrics],
        loss=[float(line["loss"]) for line in metrics],
        unseen=scores,
        pseudo_unseen=held,
    )


def _table(scores: Scores, chosen: dict[str, dict[str, int | None]]) -> Table:
    return {
        label: {rule: None if epoch is None else scores[label][epoch] for rule, epoch in rules.items()}
        for label, rules in chosen.items()
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
                predicted={label: int(found[position]) for label, found in predictions.labels.items()},
                fps=clip.fps or store.fps,
                positions=convert(clip, layout).positions,
                bones=clip.layout.bones,
            )
        )
    return shown
