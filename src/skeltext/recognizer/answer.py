"""What a recogniser says of a clip."""

from __future__ import annotations

from dataclasses import dataclass

from skeltext.formats.clip_check import ClipCheck


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One label with the sentences that stood for it, its score and its share of the probability.

    ``text`` is empty for a label that examples stand for.
    """

    label: str
    text: str
    score: float
    probability: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The labels for one clip, best first, and how far to trust them.

    ``label`` is None where none of the labels is accepted; ``rejected`` then says why. ``confidence`` is the
    probability of the best guess, ``margin`` how far it is ahead of the second one. ``calibrated`` tells whether
    probabilities were fitted on classes that the model had not learnt. ``person`` is the track that was judged,
    ``quality`` what was measured on the clip before.
    """

    label: str | None
    guesses: tuple[Guess, ...]
    person: str
    calibrated: bool
    rejected: str = ""
    quality: ClipCheck | None = None

    @property
    def confidence(self) -> float:
        """The probability of the best guess."""
        return self.guesses[0].probability

    @property
    def margin(self) -> float:
        """How much more probable the best guess is than the second."""
        return self.guesses[0].probability - self.guesses[1].probability if len(self.guesses) > 1 else 1.0
