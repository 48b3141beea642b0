"""Whether the examples of a label set are told apart: each is left out once and recognized by the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.scorer import Scorer


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """How many of the ``asked`` examples were ``right`` when they were left out; ``mistakes`` are (label, taken for).

    An example that is all there is of its label cannot be left out, and counts among the ``alone``.
    """

    asked: int
    right: int
    alone: int
    mistakes: tuple[tuple[str, str], ...]


def leave_one_out(model: Scorer, labels: LabelSet) -> LeftOut:
    """Recognize every example by the label set without it."""
    alone, results = 0, []
    for place, label in enumerate(labels.labels):
        for number, example in enumerate(label.examples):
            rest = label.examples[:number] + label.examples[number + 1 :]
            if not rest and not label.texts:
                alone += 1
                continue
            others = (*labels.labels[:place], replace(label, examples=rest), *labels.labels[place + 1 :])
            asked = LabelSet(others, verbatim=labels.verbatim)
            (scores,) = model.scores(model.embed([example.clip]), asked)
            results.append((label.name, labels.names[int(scores.argmax())]))
    mistakes = tuple((name, taken) for name, taken in results if name != taken)
    return LeftOut(asked=len(results), right=len(results) - len(mistakes), alone=alone, mistakes=mistakes)
