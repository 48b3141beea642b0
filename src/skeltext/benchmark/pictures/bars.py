"""Bars in groups: one bar for every series in every group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skeltext.benchmark.pictures.canvas import (
    GREY,
    Series,
    canvas,
    colour,
    hatch,
    legend_height,
    require_series,
    wrapped,
)

_FILLED = 0.82  # of the way from one group to the next
_NUMBERED = 30  # bars; beyond, there is no room for their values
_UPRIGHT = 8  # groups; beyond, their names are turned


def draw_bars(
    groups: Sequence[str],
    series: Series,
    path: Path,
    *,
    y_label: str,
    title: str = "",
    spread: Series | None = None,
    chance: float | None = None,
) -> None:
    """Draw for every group a bar of each named series to a png file.

    A value that is not finite has no bar. `spread` holds for some of the series what lies to either side, such as
    standard deviations; `chance` is a horizontal line. Raises ValueError for lengths or names that do not agree.
    """
    spread = spread or {}
    require_series(len(groups), series, spread, of="the groups")
    bars = len(groups) * len(series)
    place = np.arange(len(groups), dtype=float)
    each = _FILLED / max(len(series), 1)
    turned = len(groups) > _UPRIGHT
    entries = len(series) + (chance is not None)
    width = max((0.4 if bars <= _NUMBERED else 0.12) * bars, (0.3 if turned else 1.0) * len(groups), 2.6)
    height = max(3.6 + turned, legend_height(entries))
    handles = []
    with canvas(path, width=min(width, 13) + 1.0 + 1.8 * (entries > 1), height=height, title=title) as figure:
        axes = figure.add_subplot(ylabel=wrapped(y_label, width=40))
        for number, (name, given) in enumerate(series.items()):
            values = np.where(np.isfinite(given), np.asarray(given, float), np.nan)
            drawn = axes.bar(
                place + each * (number - (len(series) - 1) / 2),
                values,
                width=each * 0.94,
                label=wrapped(name, width=24),
                color=colour(number),
                hatch=hatch(number),
                edgecolor="white",
                yerr=spread.get(name),
                error_kw={"elinewidth": 1, "capsize": 2, "ecolor": "black"},
            )
            if bars <= _NUMBERED:
                axes.bar_label(drawn, fmt=_short, fontsize=7, padding=2)
            handles.append(drawn)
        looks = {"width": 30, "lines": 1} if turned else {"width": 14, "lines": 3}
        axes.set_xticks(place, [wrapped(group, **looks) for group in groups])
        axes.tick_params(axis="x", length=0, rotation=60 if turned else 0)
        if turned:
            for text in axes.get_xticklabels():
                text.set(ha="right", rotation_mode="anchor")
        axes.grid(visible=False, axis="x")
        axes.spines["bottom"].set_visible(False)
        axes.axhline(0, color="black", linewidth=0.8)
        if chance is not None:
            handles.append(axes.axhline(chance, color=GREY, linewidth=1.2, linestyle=(0, (1, 2)), label="chance"))
        if entries > 1:
            figure.legend(handles=handles, loc="outside right center")


def _short(value: float) -> str:
    """Three digits, two behind the point at most."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.3g}"
