"""The methods there are, with the recipes that train them: what `skeltext leaderboard --list` prints."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from skeltext.benchmark.recipes import load_recipe, recipe_names
from skeltext.benchmark.reproduce.study import Grid
from skeltext.benchmark.reproduce.writing import markdown_table
from skeltext.methods.registry import list_methods

_COLUMNS = ("name", "title", "route", "year", "needs", "recipes", "paper")


def listed_methods() -> list[dict[str, Any]]:
    """Every method that is known here by the keys name, title, route, year, needs, recipes and paper.

    >>> next(entry["recipes"] for entry in listed_methods() if entry["name"] == "devise")
    ['devise']
    """
    recipes: dict[str, list[str]] = {}
    for name in recipe_names():
        recipes.setdefault(load_recipe(name).method, []).append(name)
    entries = [entry._asdict() | {"recipes": recipes.get(entry.name, [])} for entry in list_methods()]
    return [{key: entry[key] for key in _COLUMNS} for entry in entries]


def listing_table() -> Table:
    """The methods for people at a terminal."""
    table = Table(title="Methods that can take part", title_justify="left", show_lines=True)
    for column in _COLUMNS:
        table.add_column(column, no_wrap=column in ("name", "year"))
    for row in _rows():
        table.add_row(*row)
    return table


def markdown_listing() -> str:
    """The methods as a table for a page."""
    grid = Grid(title="", columns=_COLUMNS, rows=list(_rows()))
    return "\n".join(markdown_table(grid)) + "\n"


def _rows() -> list[tuple[str, ...]]:
    shown = []
    for entry in listed_methods():
        shown.append(tuple(", ".join(entry[key]) if key == "recipes" else str(entry[key]) for key in _COLUMNS))
    return shown
