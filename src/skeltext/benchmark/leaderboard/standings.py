"""Where every recipe of a contest stands: its runs, trained and measured, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skeltext.adaptation.registry import PLAIN
from skeltext.benchmark.leaderboard.contest import Contest
from skeltext.benchmark.recipes import Recipe
from skeltext.benchmark.reproduce.workshop import Figures, Measured, Workshop
from skeltext.errors import SkeltextError
from skeltext.evaluation.complexity import complexity
from skeltext.evaluation.generalised import generalised_result
from skeltext.evaluation.generalised_results import Way
from skeltext.methods.building import build_method
from skeltext.methods.registry import method_named
from skeltext.recognizer.card import Card, load_card
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run as OpenRun

WAYS: dict[str, Way] = {"gate": "sound gate", "stacking": "stacking"}  # how seen and unseen classes are told apart


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a recipe: its ``split`` and ``seed``, what was ``measured``, and seconds of training.

    ``generalised`` holds S, U and H for each of :data:`WAYS`, and is empty where the protocol has no test clips of seen
    classes. ``seconds`` are those of the run, ``second_run`` those of the one beside it that chooses the epoch,
    ``first_stage`` those of the run that it builds on, both of its runs; other recipes share it.
    """

    split: str
    seed: int
    measured: Measured
    generalised: Figures
    seconds: float
    second_run: float
    first_stage: float | None


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a model is: parameters of encoder and head, multiply-adds for one clip if they can be counted."""

    encoder: int
    head: int
    multiply_adds: int | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A row of the leaderboard: a recipe with its runs, or the ``trouble`` that there was instead."""

    recipe: Recipe
    runs: tuple[Run, ...] = ()
    size: Size | None = None
    trouble: str = ""

    @property
    def label(self) -> str:
        """The title of the method, with the name of the recipe where that is another than the method's."""
        title = method_named(self.recipe.method).about.title
        return title if self.recipe.name == self.recipe.method else f"{title} ({self.recipe.name})"

    @property
    def last(self) -> float:
        """Mean accuracy after the last epoch without a test-time step; -1 where there are no runs."""
        return sum(run.measured.table[PLAIN]["last"] or 0 for run in self.runs) / len(self.runs) if self.runs else -1


def standings(contest: Contest, workshop: Workshop) -> list[Standing]:
    """Every recipe of a contest, the best first.

    Runs that lie there are read, others are trained. A recipe that cannot be trained or measured stands last, with the
    reason, and stops no other.
    """
    found = []
    for recipe in contest.recipes:
        try:
            found.append(_standing(contest, recipe, workshop))
        except SkeltextError as error:
            found.append(Standing(recipe=recipe, trouble=str(error)))
    return sorted(found, key=lambda standing: -standing.last)


def _standing(contest: Contest, recipe: Recipe, workshop: Workshop) -> Standing:
    configs = contest.configs(workshop, recipe)
    runs = tuple(_run(contest, config, workshop) for config in configs)
    return Standing(recipe=recipe, runs=runs, size=size_of(load_card(workshop.run(configs[0]).folder.checkpoint)))


def _run(contest: Contest, config: TrainingConfig, workshop: Workshop) -> Run:
    measured = workshop.measure(config, steps=contest.steps, by=contest.by)
    run = workshop.run(config)
    first = RunFolder(config.pretrained) if config.pretrained else None
    return Run(
        split=config.split,
        seed=config.seed,
        measured=measured,
        generalised=workshop.figures(run, "generalised", generalised_figures) if contest.generalised else {},
        seconds=trained_seconds([run.folder]),
        second_run=trained_seconds([run.folder.held_out]),
        first_stage=trained_seconds([first, first.held_out]) if first else None,
    )


def generalised_figures(run: OpenRun) -> Figures:
    """S, U and H of a run after its last epoch, as shares, for each of :data:`WAYS`."""
    table = generalised_result(run, device=run.config.device).table
    found = {name: table[way]["last"] for name, way in WAYS.items()}
    return {name: {"S": one.seen, "U": one.unseen, "H": one.harmonic} for name, one in found.items() if one}


def trained_seconds(folders: Sequence[RunFolder]) -> float:
    """Seconds of all epochs of some trainings, without preparing clips and computing features."""
    return float(sum(line["seconds"] for folder in folders for line in folder.metrics()))


def size_of(card: Card) -> Size:
    """The size of the model that a card describes.

    A head that asks for values cannot be counted on tensors that have none, so its work is not told.
    """
    method = build_method(card.model)
    encoder, whole = (sum(p.numel() for p in part.parameters()) for part in (method.encoder, method))
    frames = [step.options["frames"] for step in card.preprocessing.steps if "frames" in step.options]
    work = None
    if frames:
        try:
            work = complexity(card.model, frames=frames[-1], bodies=card.preprocessing.bodies).total_multiply_adds
        except RuntimeError:
            work = None
    return Size(encoder=encoder, head=whole - encoder, multiply_adds=work)
