"""A ranking of labels for the eye."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from skeltext.recognizer.recognizer import Guess


def guess_table(guesses: Sequence[Guess]) -> Table:
    """Labels with their share of the probability as bars, best first."""
    table = Table("label", "probability", "", "score")
    for rank, guess in enumerate(guesses):
        table.add_row(
            Text(guess.label),
            f"{100 * guess.probability:.1f} %",
            ProgressBar(total=1.0, completed=guess.probability, width=30),
            f"{guess.score:+.3f}",
            style="bold" if rank == 0 else "",
        )
    return table
