"""An answer for the eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from skeltext.recognizer.answer import Answer, Guess
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.wording import AS_TYPED, DESCRIBED, MAPPED
from skeltext.texts.label_map import short

SHOWN = 3  # labels of which it is told what they were taken for


def guess_table(guesses: Sequence[Guess], *, title: str | None = None) -> Table:
    """Labels with their share of the probability as bars, best first."""
    table = Table("label", "probability", "", "score", "text", title=None if title is None else Text(title))
    for rank, guess in enumerate(guesses):
        table.add_row(
            Text(guess.label),
            f"{100 * guess.probability:.1f} %",
            ProgressBar(total=1.0, completed=guess.probability, width=30),
            f"{guess.score:+.3f}",
            guess.source,
            style="bold" if rank == 0 else "",
        )
    return table


def label_table(labels: LabelSet) -> Table:
    """What a label set holds of every label."""
    table = Table("label", "texts", "examples")
    for one in labels.labels:
        table.add_row(Text(one.name), str(len(one.texts)), str(len(one.examples)))
    return table


def answer_lines(answer: Answer) -> Iterator[str]:
    """What there is to say beside the ranking: a refusal, missing calibration, faults of the clip."""
    if answer.rejected:
        yield f"None of the labels: {answer.rejected}."
    if answer.coverage is not None:
        yield f"In {100 * answer.coverage:g} % of cases it is one of: {', '.join(answer.label_set)}."
    if answer.adapted:
        yield f"All clips were looked at together ({answer.adapted}); --adapt none judges each alone."
    if not answer.calibrated:
        yield "The probabilities are not calibrated; `skeltext calibrate RUN` fits them on classes that were held out."
    mapped = [guess for guess in answer.guesses if guess.source == MAPPED]
    for guess in mapped[:SHOWN]:
        near = ", ".join(f"{one.action} ({one.similarity:.2f})" for one in guess.nearest)
        yield f"{guess.label} was taken for: {guess.text} Near: {near}."
    for guess in mapped:
        if guess.hint:
            yield f"{guess.label}: {guess.hint}"
    if mapped and any(guess.source == DESCRIBED for guess in answer.guesses):
        yield (
            "Some of the labels are described and the others are names alone, which favors the described ones a little;"
            " describe all of them or none."
        )
    bare = [guess for guess in answer.guesses if guess.source == AS_TYPED and short(guess.label)]
    if mapped or bare:
        yield (
            f"{'Words were taken as they are' if bare else 'Names were mapped to likely descriptions'}; a description"
            " beside each name that says which limb goes where, as LABEL=SENTENCE, works better."
        )
    for problem in answer.quality.problems if answer.quality else ():
        yield f"About the file: {problem}"
