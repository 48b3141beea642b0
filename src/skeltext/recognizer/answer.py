"""What a recognizer says of a clip."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from skeltext.data_frame import data_frame
from skeltext.formats.clip_check import ClipCheck
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.nothing import REASONS
from skeltext.recognizer.wording import AS_TYPED
from skeltext.texts.label_map import Near

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One label with what took its place, its score and its share of the probability.

    ``text`` is empty for a label that has examples alone. ``source`` says where it comes from (:class:`.Wording`);
    ``nearest`` are the described actions that a mapped label is called most alike, and ``hint`` doubts that it was
    understood.
    """

    label: str
    text: str
    score: float
    probability: float
    source: str = AS_TYPED
    nearest: tuple[Near, ...] = ()
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"nearest": [asdict(one) for one in self.nearest]}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The labels for one clip, best first, and how far to trust them.

    ``label`` is None where none of the labels is accepted; ``rejected`` then says why. ``confidence`` is the
    probability of the best guess, ``margin`` how far it is ahead of the second one. ``calibrated`` tells whether
    probabilities were fitted on classes that the model had not learnt. ``person`` is the track that was judged,
    ``quality`` what was measured on the clip before. ``label_set`` are the labels that hold the right one in the share
    of cases that was asked for as ``coverage``, best first. ``adapted`` names the test-time step that looked at all
    clips which were given together, if one did.
    """

    label: str | None
    guesses: tuple[Guess, ...]
    person: str
    calibrated: bool
    rejected: str = ""
    quality: ClipCheck | None = None
    label_set: tuple[str, ...] = ()
    coverage: float | None = None
    adapted: str = ""

    @property
    def confidence(self) -> float:
        """The probability of the best guess."""
        return self.guesses[0].probability

    @property
    def margin(self) -> float:
        """How much more probable the best guess is than the second."""
        return self.guesses[0].probability - self.guesses[1].probability if len(self.guesses) > 1 else 1.0

    def to_dict(self, *, top: int | None = None) -> dict[str, Any]:
        """Plain values for JSON, with confidence and margin; of the guesses the first `top`, by default all."""
        lists = {"guesses": [guess.to_dict() for guess in self.guesses[:top]], "label_set": list(self.label_set)}
        return asdict(self) | lists | {"confidence": self.confidence, "margin": self.margin}

    def to_frame(self) -> pd.DataFrame:
        """The guesses as a table, best first: label, text, score, probability, source, nearest, hint. Needs pandas."""
        columns = ("label", "text", "score", "probability", "source", "nearest", "hint")
        return data_frame(map(Guess.to_dict, self.guesses), columns=columns)


def refusal(row: Floats, labels: LabelSet, *, nothing: str = "", enough: bool = True) -> str:
    """Why no label is accepted for the scores (K,) of a clip, negatives after the labels; empty where one is.

    `nothing` is the kind of empty clip that it looks like, and `enough` whether there is enough evidence for a label.
    """
    k = len(labels.labels)
    if nothing:
        return f"it shows no action: {REASONS.get(nothing, nothing)}"
    if row[k:].size and row[k:].max() > row[:k].max():
        return f"it is nearer to {labels.negatives[int(row[k:].argmax())]!r}"
    return "" if enough else "a clip that shows none of the labels would often be as sure"
