"""Scores of timelines for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Column, Table
from rich.text import Text

from skeltext.evaluation.timeline_metrics import TimelineScores

_HEADS = ("frames", "edit", "F1@10", "F1@25", "F1@50", "flicker/min")


def scores_table(rows: Mapping[str, TimelineScores], *, first: str = "") -> Table:
    """A row for every set of scores: shares in percent, and changes of the label that are too many, per minute."""
    table = Table(first, *(Column(head, justify="right") for head in _HEADS))
    for name, one in rows.items():
        shares = (one.frame_accuracy, one.edit, one.f1_10, one.f1_25, one.f1_50)
        table.add_row(Text(name), *(f"{100 * share:.1f}" for share in shares), f"{one.flicker:.1f}")
    return table
