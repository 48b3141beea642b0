"""What takes part in a leaderboard, and on which data: recipes by preset, protocol, splits and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skeltext.adaptation.registry import NamedStep, named_steps
from skeltext.benchmark.presets import Preset
from skeltext.benchmark.recipes import Recipe, load_recipe, recipe_names, recipes_of
from skeltext.benchmark.reproduce.studies.first_stages import first_stage
from skeltext.benchmark.reproduce.workshop import Workshop
from skeltext.datasets.dataset import EVERY_CLIP, Protocol
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation.predictions import Anchors
from skeltext.methods.method import Route
from skeltext.methods.registry import list_methods, method_named
from skeltext.runs.config import TrainingConfig

CALIBRATION = 0.2  # of the training clips, by which seen and unseen classes are weighed against each other
BY_EXEMPLARS = ("pgfa",)  # zero-shot recipes that the one-shot table shows, too


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A table of the leaderboard: its ``recipes`` are trained on every split and seed of a ``preset``.

    ``protocol`` tells which clips train and which test, None for what the splits say. Clips are recognized ``by`` texts
    or exemplars, and by every one of the test-time ``steps``.
    """

    route: Route
    preset: Preset
    recipes: tuple[Recipe, ...]
    splits: tuple[str, ...]
    protocol: str | None = None
    by: Anchors = "texts"
    steps: tuple[NamedStep, ...] = field(default_factory=named_steps)

    @property
    def dataset(self) -> str:
        """The data set by name."""
        return str(self.preset.settings.get("dataset", TrainingConfig.dataset))

    @property
    def divided(self) -> Protocol | None:
        """How clips are divided into training and test; None if all clips of a class are in one half."""
        dataset = dataset_named(self.dataset)
        return dataset.protocols.get(self.protocol or dataset.split(self.splits[0]).protocol)

    @property
    def generalised(self) -> bool:
        """Whether there are test clips of seen classes, among which unseen ones must be found."""
        return self.route == "zero-shot" and self.divided is not None

    def configs(self, workshop: Workshop, recipe: Recipe) -> list[TrainingConfig]:
        """The settings of every run of a recipe; first stages are trained now, once for all recipes."""

        def of(settings: Mapping[str, Any]) -> list[TrainingConfig]:
            changes = {**settings, "protocol": self.protocol}
            changes |= {"calibration": CALIBRATION} if self.generalised else {}
            return workshop.configs(self.preset, changes, self.splits)

        configs = of(recipe.settings)
        if recipe.first_stage is None:
            return configs
        stages = of(first_stage(recipe.first_stage)(self.preset))
        return workshop.on_first_stages(configs, stages, finetune=recipe.finetune)


def protocol_for(preset: Preset, splits: Sequence[str], asked: str | None) -> str | None:
    """The protocol of a contest: the one `asked` for, else what the splits say, else the first of the data set.

    With a protocol there are test clips of seen classes, which a split that divides classes alone does not have.

    >>> from skeltext.benchmark.presets import load_preset
    >>> protocol_for(load_preset("utd-mhad"), ["0"], None)
    'cross-subject'
    """
    dataset = dataset_named(preset.settings.get("dataset", TrainingConfig.dataset))
    known = (EVERY_CLIP, *dataset.protocols)
    if asked is not None and asked not in known:
        raise SkeltextError(f"{dataset.name} has no protocol {asked!r}; it has {', '.join(known)}")
    if asked is not None or any(dataset.split(split).protocol != EVERY_CLIP for split in splits):
        return asked
    return next(iter(dataset.protocols), None)


def chosen_recipes(names: Sequence[str], own: Sequence[Recipe]) -> list[Recipe]:
    """The recipes by their `names` or those of their methods, all that ship for none, then a user's `own`.

    Methods come in the order of their years; first stages are no recognisers, so they are not among them.
    """
    years = {entry.name: entry.year for entry in list_methods()}
    found = [recipe for name in names or recipe_names() for recipe in _named(name)]
    if names:
        first = [recipe.name for recipe in found if method_named(recipe.method).route == "first stage"]
        if first:
            raise SkeltextError(f"{first[0]} is a first stage and recognises nothing by itself; leave it out")
    unique = {recipe.name: recipe for recipe in found if method_named(recipe.method).route != "first stage"}
    return [*sorted(unique.values(), key=lambda recipe: (years[recipe.method], recipe.name)), *own]


def _named(name: str) -> list[Recipe]:
    if name not in recipe_names() and recipes_of(name):
        return [load_recipe(recipe) for recipe in recipes_of(name)]
    return [load_recipe(name)]


def zero_shot_contest(
    preset: Preset, recipes: Sequence[Recipe], *, splits: Sequence[str], protocol: str | None
) -> Contest:
    """The contest of the zero-shot methods among `recipes`, on the `splits` named or those of the `preset`."""
    chosen = tuple(splits) or preset.splits
    return Contest(
        route="zero-shot",
        preset=preset,
        recipes=tuple(recipe for recipe in recipes if method_named(recipe.method).route == "zero-shot"),
        splits=chosen,
        protocol=protocol_for(preset, chosen, protocol),
    )


def one_shot_contest(preset: Preset, recipes: Sequence[Recipe]) -> Contest:
    """The contest of one-shot methods on a one-shot `preset`, where exemplars stand for the unseen classes."""
    shown = [recipe for recipe in recipes if method_named(recipe.method).route == "one-shot"]
    return Contest(
        route="one-shot",
        preset=preset,
        recipes=(*(recipe for recipe in recipes if recipe.name in BY_EXEMPLARS), *shown),
        splits=preset.splits,
        by="exemplars",
    )
