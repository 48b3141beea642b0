"""An answer for the eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from skeltext.recognizer.answer import Answer, Guess

FEW_WORDS = 3  # of a label that says little of how the body moves


def guess_table(guesses: Sequence[Guess], *, title: str | None = None) -> Table:
    """Labels with their share of the probability as bars, best first."""
    table = Table("label", "probability", "", "score", title=None if title is None else Text(title))
    for rank, guess in enumerate(guesses):
        table.add_row(
            Text(guess.label),
            f"{100 * guess.probability:.1f} %",
            ProgressBar(total=1.0, completed=guess.probability, width=30),
            f"{guess.score:+.3f}",
            style="bold" if rank == 0 else "",
        )
    return table


def answer_lines(answer: Answer) -> Iterator[str]:
    """What there is to say beside the ranking: a refusal, missing calibration, faults of the clip."""
    if answer.rejected:
        yield f"None of the labels: {answer.rejected}."
    if not answer.calibrated:
        yield "The probabilities are not calibrated; `skeltext calibrate RUN` fits them on classes that were held out."
    bare = [
        guess.label for guess in answer.guesses if guess.text == guess.label and len(guess.text.split()) <= FEW_WORDS
    ]
    if bare:
        words = " ".join(f'"{label}"' for label in bare[:3])
        yield (
            "A sentence that says which limb goes where works better than a bare name; `skeltext describe --labels"
            f" {words}` has phrases to begin with."
        )
    for problem in answer.quality.problems if answer.quality else ():
        yield f"About the file: {problem}"
