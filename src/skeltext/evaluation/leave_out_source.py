"""Leave one source out: each data set of a union is recognized by a model that was trained on the others.

A class split asks for new actions of sensors that were trained on. Here the sensor, the people and the place are new,
and some of the actions. A clip is judged among all classes of its source. The classes that other sources show, whose
meaning is known, and those that none does are also counted apart, and the latter among themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from skeltext.adaptation.registry import NamedStep
from skeltext.adaptation.step import TestTimeStep
from skeltext.errors import require
from skeltext.evaluation.metrics import accuracy
from skeltext.evaluation.predictions import TestSet, embed_test_set, load_test_set, unlabeled
from skeltext.evaluation.within_source import among
from skeltext.recognizer.card import load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.loading import sentence_encoder
from skeltext.runs.folder import LEFT_OUT, RunFolder
from skeltext.runs.run import Run
from skeltext.training.train_run import Watcher, train_run

Ints = npt.NDArray[np.int64]
GROUPS = ("all", "known", "new", "new_among_new")
"""Which clips: all, those of classes that other sources show, the others, and the others among their classes alone."""
Accuracies = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""By wording (``descriptions``, ``names``), test-time step and group (:data:`GROUPS`); None where no clip is asked."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """How a source is recognized that was not trained on; ``known`` of its classes are shown by another source."""

    source: str
    classes: int
    known: int
    clips: int
    chance: float
    accuracies: Accuracies


def trained_without(run: Run, *, watcher: Watcher) -> Iterator[Run]:
    """The trainings with the settings of a run, each without one of its sources, finished where they are not yet.

    They lie in the folder of the run and have no second training, since nothing is chosen by it. Raises
    :class:`SkeltextError` for data of one source, and for a split that has unseen classes.
    """
    names = run.store.source_names
    require(
        len(names) > 1 and not run.split.unseen,
        f"{run.folder.path} learns {len(names)} sources with {len(run.split.unseen)} unseen classes; leaving one out"
        " needs a run that learns every class of several sources, with `--split all`",
    )
    for name in names:
        config = replace(run.config, without_sources=(name,), pseudo_unseen=0.0)
        folder = RunFolder(run.folder.path / LEFT_OUT / name)
        train_run(config, folder, watcher=watcher)
        yield Run.open(folder.path)


def left_out(run: Run, steps: Sequence[NamedStep], *, device: str = "cpu") -> LeftOut:
    """The source that a run leaves out, by descriptions and by bare names as somebody would type them."""
    (source,), store = run.config.without_sources, run.store
    clips = np.flatnonzero(store.sources == store.source_names.index(source))
    classes = [store.classes[label] for label in np.unique(store.labels[clips])]
    test = load_test_set(run, prepare=run.preprocessing, clips=clips, classes=classes)
    known = np.isin(classes, run.split.seen)
    card = load_card(run.folder.checkpoint)
    names = sentence_encoder(card)
    typed = (names.label_map or names).encode(classes)
    built = {step.label: step.resolved(alpha=run.config.alpha).build() for step in steps}
    wordings = {"descriptions": test, "names": replace(test, texts=torch.from_numpy(typed))}
    return LeftOut(
        source=source,
        classes=len(classes),
        known=int(known.sum()),
        clips=len(clips),
        chance=1 / len(classes),
        accuracies={
            wording: _by_step(run, worded, built, known=known, device=device) for wording, worded in wordings.items()
        },
    )


def mean_of(found: Sequence[LeftOut]) -> Accuracies:
    """The mean over sources of every figure, of the sources that have it."""

    def mean(wording: str, step: str, group: str) -> float | None:
        figures = [one.accuracies[wording][step][group] for one in found if step in one.accuracies[wording]]
        there = [figure for figure in figures if figure is not None]
        return fmean(there) if there else None

    first = found[0].accuracies
    return {
        wording: {step: {group: mean(wording, step, group) for group in GROUPS} for step in first[wording]}
        for wording in first
    }


def as_json(found: Sequence[LeftOut]) -> dict[str, Any]:
    """Plain values: ``mean``, and ``sources`` with the figures of each."""
    return {"mean": mean_of(found), "sources": [asdict(one) for one in found]}


def _by_step(
    run: Run, test: TestSet, steps: Mapping[str, TestTimeStep], *, known: npt.NDArray[np.bool_], device: str
) -> dict[str, dict[str, float | None]]:
    """By step the accuracy of every group of clips, after the last epoch."""
    card, labels = load_card(run.folder.checkpoint), test.labels
    method = load_method(card, *run.folder.weights_after(run.config.epochs - 1), device=device)
    clips = unlabeled(embed_test_set(method, card, test, frozen=run.frozen), by="texts")
    new, others = ~known[labels], np.flatnonzero(~known)
    apart = among(clips, new, others) if len(others) > 1 else None
    found = {}
    for label, step in steps.items():
        if step.applies(clips):
            predicted = step.fit(clips).labels
            found[label] = {
                "all": accuracy(labels, predicted),
                "known": accuracy(labels[~new], predicted[~new]) if not new.all() else None,
                "new": accuracy(labels[new], predicted[new]) if new.any() else None,
                "new_among_new": None if apart is None else accuracy(labels[new], others[step.fit(apart).labels]),
            }
    return found
