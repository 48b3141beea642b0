"""The command `skeltext leaderboard`: every method on one data set under one protocol."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from skeltext.adaptation.registry import named_steps
from skeltext.benchmark.leaderboard.board import board, protocol_of
from skeltext.benchmark.leaderboard.contest import Contest, chosen_recipes, one_shot_contest, zero_shot_contest
from skeltext.benchmark.leaderboard.grids import published_grids
from skeltext.benchmark.leaderboard.listing import listed_methods, listing_table, markdown_listing
from skeltext.benchmark.presets import Preset, load_preset, preset_names
from skeltext.benchmark.recipes import Recipe, own_recipe
from skeltext.benchmark.reproduce.command import places, show
from skeltext.benchmark.reproduce.study import Scope, Study, preset_of
from skeltext.benchmark.reproduce.workshop import Reduction, Workshop
from skeltext.benchmark.reproduce.writing import Paper, write_study
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.progress import ProgressBars

Many = Parameter(consume_multiple=True, negative="")


def leaderboard(
    dataset: str | None = None,
    /,
    *,
    preset: str | None = None,
    splits: Annotated[tuple[str, ...], Many] = (),
    seeds: Annotated[tuple[int, ...], Many] = (),
    named: Annotated[tuple[str, ...], Parameter(name="--methods", consume_multiple=True, negative="")] = (),
    method: Annotated[tuple[Path, ...], Many] = (),
    route: Literal["zero-shot", "one-shot", "all"] = "all",
    protocol: str | None = None,
    steps: Annotated[tuple[str, ...], Many] = (),
    out: Path = Path("runs/leaderboard"),
    prepared: Path = Path("prepared"),
    text_encoder: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    quick: Annotated[bool, Parameter(negative="")] = False,
    listed: Annotated[bool, Parameter(name="--list", negative="")] = False,
    markdown: Annotated[bool, Parameter(negative="")] = False,
    as_json_text: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Train and compare methods on a data set.

    Parameters
    ----------
    dataset
        Registered data set, which must be prepared.
    preset
        Settings of the data under a name; those of the data set by default. One-shot methods take PRESET-oneshot where
        there is one.
    splits
        Class splits; those of the preset by default. One-shot methods have splits of their own.
    seeds
        Seeds, one run each; those of the presets by default.
    named
        Recipes, or methods with all recipes that they have; all by default.
    method
        Python files that define methods of your own, which take part, too; a YAML file of that name beside one is its
        recipe.
    route
        Which methods take part. One-shot methods need a one-shot split of the data set.
    protocol
        Which clips train and which test: all, or a protocol of the data set such as cross-subject. By default what the
        splits say, else the first protocol of the data set, so that there are test clips of seen classes.
    steps
        Test-time steps that get a column each beside plain, as `skeltext evaluate` takes them; prototype_alignment by
        default.
    out
        Folder of the runs, which are kept, and of what is written.
    prepared
        Folder with a prepared store for every data set, as `skeltext prepare` makes it by default.
    text_encoder
        Text encoder in place of that of the presets.
    device
        cpu, cuda, mps or auto.
    threads
        Processor threads; all cores by default.
    quick
        A reduced version that shows that all works and is no result: the first split and seed, 5 epochs of at most 10
        steps where an epoch is counted in steps, the first 20 training clips of every class.
    listed
        Only list the methods that there are, what they need and their recipes.
    markdown
        List them as a table in markdown.
    as_json_text
        Print one JSON object on stdout and nothing else there.
    """
    recipes = chosen_recipes(named, [own_recipe(path) for path in method])
    if listed or dataset is None:
        _list(markdown=markdown, as_json_text=as_json_text)
        return
    chosen = load_preset(preset) if preset else preset_of(dataset)
    if chosen.settings.get("dataset") != dataset:
        raise SkeltextError(f"preset {chosen.name} is about {chosen.settings.get('dataset')}, not {dataset}")
    settings: dict[str, Any] = {"device": device, "threads": threads}
    settings |= {"text_encoder": text_encoder} if text_encoder else {}
    contests, left_out = _contests(dataset, chosen, recipes, splits=splits, protocol=protocol, route=route)
    contests = [replace(contest, steps=named_steps(steps)) for contest in contests]
    given: dict[str, Sequence[object]] = {
        "--preset": [preset] if preset else [],
        "--splits": splits,
        "--seeds": seeds,
        "--methods": named,
        "--method": method,
        "--route": [route] if route != "all" else [],
        "--protocol": [protocol] if protocol else [],
        "--steps": steps,
        "--text-encoder": [text_encoder] if text_encoder else [],
    }
    with ProgressBars(quiet=as_json_text) as bars:
        workshop = Workshop(
            folder=out,
            prepared=prepared,
            bars=bars,
            settings=settings,
            seeds=tuple(seeds) or None,
            quick=Reduction() if quick else None,
        )
        workshop.store_of(dataset)
        study = Study(
            name=f"leaderboard-{chosen.name}",
            title=f"Leaderboard: {dataset_named(dataset).title}",
            about="How well methods recognise actions that they were never trained on, under one protocol.",
            conduct=lambda scope: board(contests, scope.workshop),
        )
        measured = study.conduct(Scope(workshop=workshop, datasets=(dataset,)))
        measured.notes.extend(left_out)
        paper = Paper(
            study=study,
            found=replace(measured, grids=measured.grids + published_grids()),
            protocol=protocol_of(contests, workshop),
            command=_command(dataset, given, quick=quick),
        )
        written = write_study(paper, out, page="leaderboard.html")
    if as_json_text:
        print(json.dumps(paper.to_dict() | places(written), indent=1))
        return
    show(replace(paper, found=measured), written)


def _contests(
    dataset: str,
    preset: Preset,
    recipes: Sequence[Recipe],
    *,
    splits: Sequence[str],
    protocol: str | None,
    route: str,
) -> tuple[list[Contest], list[str]]:
    """The tables that were asked for, and a sentence for one that this data set cannot have."""
    contests, left_out = [], []
    if route in ("zero-shot", "all"):
        contests.append(zero_shot_contest(preset, recipes, splits=splits, protocol=protocol))
    if route in ("one-shot", "all"):
        try:
            own = f"{preset.name}-oneshot"
            shown = load_preset(own) if own in preset_names() else preset_of(dataset, "oneshot")
            contests.append(one_shot_contest(shown, recipes))
        except SkeltextError as error:
            if route == "one-shot":
                raise
            left_out.append(f"One-shot methods are left out: {error}.")
    contests = [contest for contest in contests if contest.recipes]
    if not contests:
        raise SkeltextError(f"none of the methods named is {route}; `skeltext leaderboard --list` tells what each is")
    return contests, left_out


def _command(dataset: str, options: Mapping[str, Sequence[object]], *, quick: bool) -> str:
    """The command that does it again; an option without values was not given."""
    words = ["skeltext", "leaderboard", dataset]
    for option, values in options.items():
        words += [option, *map(str, values)] if values else []
    return shlex.join([*words, *(["--quick"] if quick else [])])


def _list(*, markdown: bool, as_json_text: bool) -> None:
    if as_json_text:
        print(json.dumps({"methods": listed_methods()}, indent=1, ensure_ascii=False))
    elif markdown:
        print(markdown_listing(), end="")
    else:
        Console().print(listing_table())
