"""What all pictures share: colours and markers that everybody can tell apart, wrapped words, and a file at the end.

Colours are those of Okabe and Ito (2008) without yellow, which is hardly seen on white. There are seven colours and
nine markers, so that 63 classes differ in both from their neighbours and no two share both.
"""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError
from skeltext.formats.writing import written_aside

DPI = 150
Series = Mapping[str, Sequence[float]]
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
_MARKERS = ("o", "s", "^", "D", "v", "p", "<", "h", ">")
_DASHES = ("-", "--", ":", "-.")
_HATCHES = ("", "///", "...", "\\\\\\", "xxx")
GREY = "#666666"
_STYLE = {
    "font.family": "DejaVu Sans",  # which comes with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "hatch.linewidth": 0.6,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
}


def colour(number: int) -> str:
    """The colour of a class or series."""
    return _COLOURS[number % len(_COLOURS)]


def marker(number: int) -> str:
    """The marker of a class or series."""
    return _MARKERS[number % len(_MARKERS)]


def dash(number: int) -> str:
    """The dashes of a series: another pattern each time that the colours begin anew."""
    return _DASHES[number // len(_COLOURS) % len(_DASHES)]


def hatch(number: int) -> str:
    """The hatching of a series of bars."""
    return _HATCHES[number % len(_HATCHES)]


def wrapped(text: str, *, width: int, lines: int = 3) -> str:
    r"""A text in a few lines; what does not fit, and what is no character, is left out; never empty.

    >>> wrapped("put on a hat or a cap", width=10, lines=2)
    'put on a\nhat or a…'
    """
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.fill(shown, width=width, max_lines=lines, placeholder="…", break_on_hyphens=False) or " "


def legend_height(entries: int, *, columns: int = 1) -> float:
    """Inches that a legend takes whose entries have two lines each."""
    return 0.4 + 0.31 * math.ceil(entries / columns)


def require_lengths(expected: int, parts: Mapping[str, Sized], *, of: str) -> None:
    """ValueError unless every part has the `expected` length, which is that `of` something."""
    for name, part in parts.items():
        if len(part) != expected:
            raise ValueError(f"{name} has {len(part)} values, expected {expected}, one for each of {of}")


def require_series(length: int, series: Series, spread: Series, *, of: str) -> None:
    """ValueError unless all `series` have that length, and `spread` the same for some of them."""
    require_lengths(length, series, of=of)
    require_lengths(length, {f"the spread of {name}": sides for name, sides in spread.items()}, of=of)
    if unknown := spread.keys() - series.keys():
        raise ValueError(f"spread of {sorted(unknown)}, expected some of the series {list(series)}")


@contextmanager
def canvas(path: Path, *, width: float, height: float, title: str = "") -> Iterator[Any]:
    """An empty matplotlib figure of so many inches; what was drawn on it when the block ends becomes the png `path`.

    The same drawing gives the same bytes with the same matplotlib, whatever its settings are on the machine. Raises
    :class:`SkeltextError` without matplotlib, or where `path` cannot be written.
    """
    try:
        from matplotlib import style
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SkeltextError("pictures need the package matplotlib: pip install 'skeltext[plot]'") from error
    with warnings.catch_warnings(), style.context(["default", _STYLE]):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # drawn as a box
        figure = Figure(figsize=(width, height), layout="constrained")  # known to nobody else, so it need not be closed
        yield figure
        if title:
            figure.suptitle(wrapped(title, width=int(11 * width)), fontsize=11)
        with written_aside(path) as aside:
            figure.savefig(aside, format="png", dpi=DPI, metadata={"Software": None})
