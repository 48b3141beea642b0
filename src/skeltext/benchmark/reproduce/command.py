"""The command `skeltext reproduce`: tables and figures of the PGFA paper beside what is measured here."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from skeltext.benchmark.reproduce.registry import STUDIES, study_named
from skeltext.benchmark.reproduce.study import Grid, Scope, Study
from skeltext.benchmark.reproduce.workshop import Reduction, Workshop
from skeltext.benchmark.reproduce.writing import RULES_IN_WORDS, Paper, Written, shown, write_study
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig

ROOMY = 130  # columns of a terminal in which every table fits
Many = Parameter(consume_multiple=True, negative="")


def reproduce(
    *studies: str,
    dataset: Annotated[tuple[str, ...], Many] = (),
    quick: Annotated[bool, Parameter(negative="")] = False,
    seeds: Annotated[tuple[int, ...], Many] = (),
    splits: int | None = None,
    text_encoder: str | None = None,
    descriptions: Annotated[tuple[Path, ...], Many] = (),
    out: Path = Path("runs/reproduce"),
    prepared: Path = Path("prepared"),
    device: str = "auto",
    threads: int | None = None,
    listed: Annotated[bool, Parameter(name="--list", negative="")] = False,
    as_json_text: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Do a table or figure of the paper again.

    Parameters
    ----------
    studies
        table1 ... table10, fig6 ... fig10, confusion, theorem1, bank, text-spaces; --list tells what each compares.
    dataset
        Registered data sets to do it on; those of the paper by default.
    quick
        A reduced version in minutes that shows that all works and is no result: the first split and seed, 5 epochs, the
        first 20 training clips of every class.
    seeds
        Seeds, one run each; those of the presets by default.
    splits
        Use only the first so many class splits of every preset; all by default.
    text_encoder
        Text encoder in place of that of the presets; the paper used sentence-transformers/all-mpnet-base-v2.
    descriptions
        Files of `skeltext describe --save` that table4 compares with our own descriptions.
    out
        Folder of the runs, which are kept and shared by all studies, and of what is written.
    prepared
        Folder with a prepared store for every data set, as `skeltext prepare` makes it by default.
    device
        cpu, cuda, mps or auto.
    threads
        Processor threads; all cores by default.
    listed
        Only list the studies.
    as_json_text
        Print one JSON object on stdout and nothing else there.
    """
    if listed or not studies:
        _list(as_json_text)
        return
    settings: dict[str, Any] = {"device": device, "threads": threads}
    if text_encoder:
        settings["text_encoder"] = text_encoder
    papers = []
    with ProgressBars(quiet=as_json_text) as bars:
        workshop = Workshop(
            folder=out,
            prepared=prepared,
            bars=bars,
            settings=settings,
            seeds=tuple(seeds) or None,
            most_splits=splits,
            quick=Reduction() if quick else None,
        )
        for study in [study_named(name) for name in studies]:
            paper = _conduct(study, workshop, dataset, descriptions)
            papers.append((paper, write_study(paper, out)))
    if as_json_text:
        print(json.dumps({"studies": [paper.to_dict() | places(written) for paper, written in papers]}, indent=1))
        return
    for paper, written in papers:
        show(paper, written)


def _conduct(study: Study, workshop: Workshop, named: Sequence[str], descriptions: tuple[Path, ...]) -> Paper:
    there, missing = _data(study, workshop, named)
    found = study.conduct(Scope(workshop=workshop, datasets=tuple(there), descriptions=descriptions))
    found.notes.extend(missing)
    return Paper(
        study=study,
        found=found,
        protocol=_protocol(study, workshop, there),
        command=_command(study, workshop, named, descriptions),
    )


def _data(study: Study, workshop: Workshop, named: Sequence[str]) -> tuple[list[str], list[str]]:
    """The data sets to do a study on, and a sentence for each of the paper's that is not there.

    Raises :class:`SkeltextError` if none is there, or one that the user named is not.
    """
    for name in named:
        dataset_named(name)
        if study.trains:
            workshop.store_of(name)
    if named or not study.trains:
        return list(named or study.paper_sets), []
    there, missing = [], []
    for name in study.paper_sets:
        try:
            workshop.store_of(name)
            there.append(name)
        except SkeltextError as error:
            missing.append(f"Left out: {error}.")
    if study.paper_sets and not there:
        raise SkeltextError(" ".join(missing))
    return there, missing


def _protocol(study: Study, workshop: Workshop, datasets: Sequence[str]) -> str:
    """How the figures came about, in plain sentences."""
    if not study.trains:
        return "Nothing is trained for this."
    texts = workshop.settings.get("text_encoder", TrainingConfig.text_encoder)
    titles = " and ".join(dataset_named(name).title for name in datasets)
    reduced = workshop.quick
    quick = (
        ""
        if reduced is None
        else f" This is the reduced version and no result: one split and seed, at most {reduced.epochs} epochs,"
        f" {reduced.clips_per_class} training clips of every class."
    )
    return (
        f"On {titles}: clips of unseen classes are classified among the unseen classes; accuracy is over clips, in"
        f" per cent, mean and standard deviation over splits and seeds. Texts are embedded by {texts}. {RULES_IN_WORDS}"
        f" What is aligned is transductive: it looks at all unlabelled test clips at once.{quick}"
    )


def _command(study: Study, workshop: Workshop, named: Sequence[str], descriptions: Sequence[Path]) -> str:
    """The command that does it again."""
    words = ["skeltext", "reproduce", study.name]
    for name in named:
        words += ["--dataset", name]
    words += ["--quick"] if workshop.quick else []
    words += ["--seeds", *map(str, workshop.seeds)] if workshop.seeds else []
    words += ["--splits", str(workshop.most_splits)] if workshop.most_splits else []
    words += ["--text-encoder", workshop.settings["text_encoder"]] if "text_encoder" in workshop.settings else []
    words += ["--descriptions", *map(str, descriptions)] if descriptions else []
    return shlex.join(words)


def places(written: Written) -> dict[str, Any]:
    """Where the files of a study are, as plain values."""
    return {
        "text": str(written.text),
        "page": str(written.page),
        "csv": [str(path) for path in written.tables],
        "pictures": [str(path) for path in written.pictures],
    }


def _list(as_json_text: bool) -> None:
    if as_json_text:
        print(
            json.dumps(
                {name: {"title": study.title, "about": study.about} for name, study in STUDIES.items()}, indent=1
            )
        )
        return
    table = Table("study", "what it is", "what it compares", title="skeltext reproduce STUDY", title_justify="left")
    for study in STUDIES.values():
        table.add_row(study.name, study.title, study.about)
    Console().print(table)


def _terminal_table(grid: Grid, *, width: int) -> Table:
    """A table for a terminal: without what is empty or spare there, and with the one data set in its title."""
    columns = {name: [row[number] for row in grid.rows] for number, name in enumerate(grid.columns)}
    spare = grid.spare if width < ROOMY else ()
    told = {
        name: cells for name, cells in columns.items() if name not in spare and any(cell is not None for cell in cells)
    }
    data = set(map(str, told.get("data", [])))
    title = grid.title
    if len(data) == 1:
        del told["data"]
        title += f" ({data.pop()})"
    table = Table(title=title, title_justify="left")
    for name, cells in told.items():
        words = all(isinstance(cell, str) for cell in cells)
        style = "bold" if name == "last %" else ""
        table.add_column(name, justify="left" if words else "right", style=style, overflow="fold")
    for row in zip(*told.values(), strict=True):
        table.add_row(*(shown(cell, name) for cell, name in zip(row, told, strict=True)))
    return table


def show(paper: Paper, written: Written) -> None:
    """Print a study for people, and where its page is."""
    console = Console()
    console.print(paper.study.title, style="bold", highlight=False)
    console.print(paper.protocol, style="dim", highlight=False, markup=False)
    for grid in paper.found.grids:
        console.print(_terminal_table(grid, width=console.width))
    for note in paper.found.notes:
        console.print(note, style="dim", highlight=False, markup=False)
    console.print(f"Page: {written.page.resolve().as_uri()}", highlight=False, soft_wrap=True)
