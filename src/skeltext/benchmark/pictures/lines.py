"""Curves: one or more series over common values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skeltext.benchmark.pictures.canvas import (
    GREY,
    Series,
    canvas,
    colour,
    dash,
    legend_height,
    marker,
    require_series,
    wrapped,
)

_MARKED = 25  # values; beyond, not every one gets a marker
_ONE_COLUMN = 14  # series in a column of the legend


def draw_lines(
    x: Sequence[float],
    series: Series,
    path: Path,
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    spread: Series | None = None,
    chance: float | None = None,
    log_x: bool = False,
) -> None:
    """Draw named series over `x` to a png file.

    A value that is not finite is a gap. `spread` holds for some of the series what lies to either side, such as
    standard deviations, and is drawn as a band; `chance` is a horizontal line. Raises ValueError for lengths or names
    that do not agree.
    """
    spread = spread or {}
    require_series(len(x), series, spread, of="x")
    entries = len(series) + (chance is not None)
    columns = 1 + (entries - 1) // _ONE_COLUMN
    width = 5.2 + 1.8 * columns * (entries > 1)
    height = max(3.6, legend_height(entries, columns=columns))
    with canvas(path, width=width, height=height, title=title) as figure:
        axes = figure.add_subplot(xlabel=wrapped(x_label, width=60), ylabel=wrapped(y_label, width=40))
        handles = [
            _line(axes, number, x, values, label=wrapped(name, width=24), spread=spread.get(name))
            for number, (name, values) in enumerate(series.items())
        ]
        if chance is not None:
            handles.append(axes.axhline(chance, color=GREY, linewidth=1, linestyle=(0, (1, 2)), label="chance"))
        if log_x:
            axes.set_xscale("log")
            axes.set_xticks(list(x), minor=False)
            axes.xaxis.set_major_formatter("{x:g}")
            axes.minorticks_off()
        if entries > 1:
            figure.legend(handles=handles, loc="outside right center", ncols=columns)


def _line(
    axes: Any, number: int, x: Sequence[float], values: Sequence[float], *, label: str, spread: Sequence[float] | None
) -> Any:
    """A curve with its band, as it stands in the legend."""
    y = np.where(np.isfinite(values), values, np.nan)
    looks = {"color": colour(number), "linestyle": dash(number), "linewidth": 1.4}
    marks = {"marker": marker(number), "markersize": 4.5, "markevery": 1 + (len(x) - 1) // _MARKED}
    (line,) = axes.plot(x, y, label=label, **looks, **marks)
    if spread is not None:
        sides = np.where(np.isfinite(spread), spread, np.nan)
        axes.fill_between(x, y - sides, y + sides, color=colour(number), alpha=0.18, linewidth=0)
    return line
