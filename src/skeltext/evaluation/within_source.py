"""Accuracy within one source: clips recognized among the classes that their own data set shows, and no others.

In a union of data sets a clip may be recognized because it looks like its sensor. Among the classes of one source that
does not help, so a gain that is also seen here is a gain in telling motions apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skeltext.adaptation.step import TestTimeStep, Unlabeled

Ints = npt.NDArray[np.int64]
ALONE = -1  # the label of a clip whose source shows no other class, which is not a question


def within_sources(
    clips: Unlabeled, *, labels: Ints, sources: Ints, steps: Mapping[str, TestTimeStep]
) -> dict[str, Ints]:
    """By step (N,) what every clip is taken for if its source, a number in `sources` (N,), is the whole test.

    The candidates are the classes that the true `labels` (N,) of the source name. :data:`ALONE` where that is one.

    >>> from skeltext.adaptation.registry import named_steps
    >>> plain = {step.label: step.build() for step in named_steps(["plain"])}
    >>> scores = np.float32([[1, 2, 9], [2, 1, 9], [9, 1, 2]])
    >>> clips = Unlabeled(features=scores, scores=scores)
    >>> within_sources(clips, labels=np.array([1, 0, 2]), sources=np.array([0, 0, 1]), steps=plain)["plain"].tolist()
    [1, 0, -1]
    """
    applied = {label: step for label, step in steps.items() if step.applies(clips)}
    found = {label: np.full(len(labels), ALONE) for label in applied}
    for source in np.unique(sources):
        here = sources == source
        classes = np.unique(labels[here])
        if len(classes) < 2:
            continue
        part = among(clips, here, classes)
        for label, step in applied.items():
            found[label][here] = classes[step.fit(part).labels]
    return found


def chance_within(labels: Ints, sources: Ints) -> npt.NDArray[np.float64]:
    """(N,) the share of right answers by chance: one over the classes of the source of each clip."""
    found = np.zeros(len(labels))
    for source in np.unique(sources):
        found[sources == source] = 1 / len(np.unique(labels[sources == source]))
    return found


def among(clips: Unlabeled, here: npt.NDArray[np.bool_], classes: Ints) -> Unlabeled:
    """The clips where `here` (N,) is true, with the candidates `classes` alone."""
    return replace(
        clips,
        features=clips.features[here],
        scores=clips.scores[here][:, classes],
        anchors=None if clips.anchors is None else clips.anchors[classes],
        fallback=None if clips.fallback is None else clips.fallback[classes],
    )
