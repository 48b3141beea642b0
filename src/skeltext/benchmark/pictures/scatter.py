"""Maps of clips, texts and prototypes: points by class in one or more panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.benchmark.pictures.canvas import canvas, colour, legend_height, marker, require_lengths, wrapped

Floats = npt.NDArray[np.floating]
_ACROSS = 3  # panels in a row
_ROWS = 16  # classes in a column of the legend
_ROOMY = 10  # classes; beyond, anchors are drawn smaller


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One map: ``points`` (N, 2) with their classes ``labels`` (N,), and anchors (K, 2), a row for each class.

    ``texts`` are drawn as stars and ``prototypes`` as crosses; with both, an arrow leads from one to the other.
    """

    title: str
    points: Floats
    labels: npt.NDArray[np.int64]
    texts: Floats | None = None
    prototypes: Floats | None = None


def draw_scatter(panels: Sequence[Panel], path: Path, *, classes: Sequence[str], title: str = "") -> None:
    """Draw maps side by side to a png file, with one legend for all.

    A class is told by its colour, its marker and the number that stands at its text, or else in the middle of its
    points. What is not finite is not drawn. Raises ValueError for lengths that do not agree or a label out of range.
    """
    if not panels:
        raise ValueError("no panels, expected at least one")
    for panel in panels:
        _require_classes(panel, len(classes))
    across = min(len(panels), _ACROSS)
    down = -(-len(panels) // _ACROSS)
    columns = 1 + (len(classes) - 1) // _ROWS
    height = max(0.5 + 3.5 * down, legend_height(len(classes) + 2, columns=columns))
    with canvas(path, width=3.5 * across + 2.1 * columns, height=height, title=title) as figure:
        grid = figure.subplots(down, across, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _draw(axes, panel, len(classes))
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        _legend(figure, panels, classes, columns=columns)


def _require_classes(panel: Panel, k: int) -> None:
    require_lengths(len(panel.points), {"labels": panel.labels}, of=f"the points of {panel.title!r}")
    for name, anchors in (("texts", panel.texts), ("prototypes", panel.prototypes)):
        if anchors is not None:
            require_lengths(k, {name: anchors}, of="the classes")
    if len(panel.labels) and not 0 <= panel.labels.min() <= panel.labels.max() < k:
        raise ValueError(f"labels from {panel.labels.min()} to {panel.labels.max()}, expected 0 to {k - 1}")


def _draw(axes: Any, panel: Panel, k: int) -> None:
    axes.set_title(wrapped(panel.title, width=40), fontsize=10)
    axes.set(xticks=[], yticks=[])
    axes.margins(0.06)
    axes.spines[:].set(visible=True, color="#BBBBBB")
    size = float(np.clip(6000 / max(len(panel.points), 1), 5, 26))
    for number in range(k):
        x, y = panel.points[panel.labels == number].T
        axes.scatter(x, y, s=size, c=colour(number), marker=marker(number), alpha=0.55, linewidths=0, zorder=2)
        texts = None if panel.texts is None else panel.texts[number]
        prototype = None if panel.prototypes is None else panel.prototypes[number]
        for place, symbol, extent in ((texts, "*", 170.0), (prototype, "X", 90.0)):
            if place is not None:
                edge = {"edgecolors": "black", "linewidths": 0.8}
                extent *= 1 if k <= _ROOMY else 0.6
                axes.scatter(*place, s=extent, c=colour(number), marker=symbol, zorder=4, **edge)
        if texts is not None and prototype is not None and np.isfinite([texts, prototype]).all():
            arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 0.8, "shrinkA": 4, "shrinkB": 4}
            axes.annotate("", xy=prototype, xytext=texts, arrowprops=arrow, zorder=3)
        _number(axes, number, texts if texts is not None else prototype, np.stack([x, y]))


def _number(axes: Any, number: int, anchor: Floats | None, points: Floats) -> None:
    """Write the number of a class beside its anchor, or else in the middle of its points."""
    from matplotlib.patheffects import withStroke

    there = points[:, np.isfinite(points).all(axis=0)]
    if anchor is None and not there.size:
        return
    place = np.median(there, axis=1) if anchor is None else anchor
    if np.isfinite(place).all():
        outline = [withStroke(linewidth=2.5, foreground="white")]
        offset = (0, 0) if anchor is None else (6, 5)
        where = {"textcoords": "offset points", "ha": "center", "va": "center", "zorder": 5}
        axes.annotate(str(number + 1), place, offset, fontsize=8, fontweight="bold", path_effects=outline, **where)


def _legend(figure: Any, panels: Sequence[Panel], classes: Sequence[str], *, columns: int) -> None:
    from matplotlib.lines import Line2D

    def entry(symbol: str, fill: str, words: str, size: float) -> Any:
        edge = "black" if fill == "white" else "none"
        looks: dict[str, Any] = {"markerfacecolor": fill, "markeredgecolor": edge, "markersize": size}
        return Line2D([], [], linestyle="none", marker=symbol, label=words, **looks)

    entries = [
        entry(marker(number), colour(number), wrapped(f"{number + 1}  {name}", width=26, lines=2), 6)
        for number, name in enumerate(classes)
    ]
    if any(panel.texts is not None for panel in panels):
        entries.append(entry("*", "white", "text", 11))
    if any(panel.prototypes is not None for panel in panels):
        entries.append(entry("X", "white", "prototype", 8))
    figure.legend(handles=entries, loc="outside right center", ncols=columns, handletextpad=0.2, columnspacing=1.0)
