"""Confusion matrices: which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.benchmark.pictures.canvas import canvas, require_lengths, wrapped

_SIDE = 0.42  # inches of a cell, enough for four digits
_LEVEL = 6  # classes; beyond, the names below are turned
_DARK = 0.55  # share from which numbers are white


def draw_confusion(counts: npt.NDArray[np.int64], classes: Sequence[str], path: Path, *, title: str = "") -> None:
    """Draw counts (K, K), rows being the truth, to a png file: colour is the share of the row, zeros are not written.

    A class without clips has an empty row. Raises ValueError unless rows and columns are the classes.
    """
    require_lengths(len(classes), {"counts": counts, "a row of counts": counts.T}, of="the classes")
    k = len(classes)
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.where(sums > 0, counts / np.maximum(sums, 1), np.nan)
    side = max(2.4, (0.75 if k <= _LEVEL else _SIDE) * k)
    turned = k > _LEVEL
    with canvas(path, width=side + 2.9, height=side + (2.0 if turned else 1.1), title=title) as figure:
        axes = figure.add_subplot(xlabel="predicted", ylabel="truth")
        image = axes.imshow(np.ma.masked_invalid(shares), cmap="Blues", vmin=0, vmax=1)
        axes.set_facecolor("#F0F0F0")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=8)
        axes.set_yticks(range(k), [wrapped(name, width=24, lines=2) for name in classes])
        axes.set_xticks(
            range(k), [wrapped(name, width=24 if turned else 11, lines=2 if turned else 4) for name in classes]
        )
        axes.tick_params(axis="x", rotation=90 if turned else 0)
        for row, column in np.argwhere(counts):
            shade = "white" if shares[row, column] > _DARK else "black"
            axes.text(column, row, f"{counts[row, column]:g}", ha="center", va="center", color=shade, fontsize=8)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=25, label="share of the true class")
        bar.outline.set_visible(False)
