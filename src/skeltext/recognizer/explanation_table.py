"""An explanation for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from skeltext.recognizer.explain import Explanation


def explanation_tables(found: Explanation, *, joints: int) -> Iterator[Table]:
    """What joints carry, and what is lost without a limb and without a part of the time; of joints the first few."""
    title = f"{found.label}: {found.score:+.3f}"
    yield _drops("joint", found.ranked_joints[:joints], title=title)
    yield _drops("without all from here outwards", found.ranked_limbs[:joints])
    yield _drops(
        "without this part of the time", [(found.when(part), float(drop)) for part, drop in enumerate(found.frames)]
    )


def _drops(what: str, drops: Sequence[tuple[str, float]], *, title: str | None = None) -> Table:
    """Rows with a bar as long as the share of the greatest drop."""
    table = Table(what, "score", "", title=None if title is None else Text(title))
    most = max(*(drop for _, drop in drops), 1e-12)
    for name, drop in drops:
        table.add_row(Text(name), f"{drop:+.3f}", ProgressBar(total=most, completed=max(drop, 0), width=30))
    return table
