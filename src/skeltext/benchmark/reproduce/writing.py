"""What a study found as files: a text to read, tables to compute with, pictures, and a page with all of it."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skeltext import __version__
from skeltext.benchmark.report.environment import page_environment
from skeltext.benchmark.reproduce.study import Cell, Found, Grid, Spread, Study
from skeltext.formats.writing import made_folder, write_text

RULES_IN_WORDS = (
    "last: after the last epoch, the result. pseudo-unseen: the epoch is chosen on seen classes that a second run was"
    " not shown. oracle: the best epoch on the test labels, only to compare with papers that choose so, as the"
    " published figures do."
)


@dataclass(frozen=True, kw_only=True)
class Written:
    """The files of a study that was conducted: its text, its page, its tables and its pictures."""

    text: Path
    page: Path
    tables: list[Path]
    pictures: list[Path]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A study with what it found and how: ``protocol`` in sentences, ``command`` as it was typed."""

    study: Study
    found: Found
    protocol: str
    command: str

    def to_dict(self) -> dict[str, Any]:
        """The study as plain values for JSON: name, title, protocol, command, version, tables and notes."""
        return {
            "study": self.study.name,
            "title": self.study.title,
            "protocol": self.protocol,
            "command": self.command,
            "version": __version__,
            **self.found.to_dict(),
        }


def write_study(paper: Paper, folder: Path, *, page: str = "study.html") -> Written:
    """Write all files of a study below `folder`; the page comes last, so that it never shows what is not there.

    `page` is the template of the page.
    """
    made_folder(folder)
    name = paper.study.name
    pictures = []
    for label, draw in paper.found.pictures.items():
        pictures.append(folder / f"{name}-{label}.png")
        draw(pictures[-1])
    tables = []
    for number, grid in enumerate(paper.found.grids, 1):
        tables.append(folder / (f"{name}.csv" if len(paper.found.grids) == 1 else f"{name}-{number}.csv"))
        write_text(tables[-1], as_csv(grid))
    text, written = folder / f"{name}.md", folder / f"{name}.html"
    write_text(text, as_markdown(paper, pictures))
    write_text(folder / f"{name}.json", json.dumps(paper.to_dict(), indent=1, ensure_ascii=False) + "\n")
    write_text(written, as_page(paper, pictures, page=page))
    return Written(text=text, page=written, tables=tables, pictures=pictures)


def shown(cell: Cell, column: str) -> str:
    """A cell as people read it: per cents with one decimal, a dash where there is nothing.

    >>> shown(Spread(53.52, 2.0), "last %"), shown(None, "paper %"), shown(821380, "parameters"), shown(1242.8, "s")
    ('53.5 ± 2.0', '–', '821,380', '1,243')
    """
    if cell is None:
        return "\N{EN DASH}"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    percent = "%" in column or column == "last - paper"
    if isinstance(cell, Spread):
        digits = 1 if percent else 3
        return f"{cell.mean:.{digits}f}" + ("" if cell.std is None else f" ± {cell.std:.{digits}f}")
    if column == "last - paper":
        return f"{cell:+.1f}"
    if percent:
        return f"{cell:.1f}"
    return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"  # no 1.24e+03


def as_csv(grid: Grid) -> str:
    """A table with every digit; a spread becomes two columns."""
    out = io.StringIO()
    rows = grid.flat_rows()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else grid.columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_markdown(paper: Paper, pictures: Sequence[Path]) -> str:
    """The study as text."""
    lines = [f"# {paper.study.title}", "", paper.study.about, "", paper.protocol, ""]
    for grid in paper.found.grids:
        lines += [f"## {grid.title}", "", *markdown_table(grid), ""]
    lines += [f"![{path.stem}]({path.name})\n" for path in pictures]
    lines += [f"- {note}" for note in paper.found.notes]
    lines += ["", "```sh", paper.command, "```", ""]
    return "\n".join(lines)


def markdown_table(grid: Grid) -> list[str]:
    """The lines of a table in markdown; columns of words are on the left."""
    rows = [[shown(cell, column) for cell, column in zip(row, grid.columns, strict=True)] for row in grid.rows]
    ruler = ["---" if isinstance(cell, str) else "---:" for cell in (grid.rows[0] if grid.rows else grid.columns)]
    table = [list(grid.columns), ruler, *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]


def as_page(paper: Paper, pictures: Sequence[Path], *, page: str = "study.html") -> str:
    """One HTML file with tables and pictures that needs nothing but a browser."""
    images = [(path.stem, base64.b64encode(path.read_bytes()).decode("ascii")) for path in pictures]
    grids = [
        (
            grid.title,
            grid.columns,
            [[shown(cell, column) for cell, column in zip(row, grid.columns, strict=True)] for row in grid.rows],
        )
        for grid in paper.found.grids
    ]
    template = page_environment().get_template(page)
    return template.render(paper=paper, grids=grids, images=images, version=__version__, text_columns=_text_columns)


def _text_columns(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns that hold words rather than numbers."""
    return {
        number for number, column in enumerate(zip(*rows, strict=True)) if any(cell[:1].isalpha() for cell in column)
    }
