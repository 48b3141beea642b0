"""Which classes of two data sets mean the same physical action, for studies that train on one and test on the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from skeltext.datasets.registry import dataset_named
from skeltext.datasets.tables import table
from skeltext.errors import SkeltextError

Action = dict[str, list[str]]  # data set -> its names of the action, of a set with views the most merged one first


def same_action(dataset_a: str, class_a: str, dataset_b: str) -> str | None:
    """What `dataset_b` calls the action that `dataset_a` calls `class_a`, None if it has no class for this motion.

    Of a set with views it is the name in the view that merges most. The judgement is ours and strict; the table
    data/same_actions.json says how it was made. Raises :class:`SkeltextError` for a class that is not there and for
    two sets that were not compared.

    >>> same_action("ntu60", "Wiping face", "pku-mmd")
    'Wipe face'
    >>> same_action("utd-mhad", "right hand wave", "kinder-gator")
    'wave a hand'
    >>> same_action("ntu60", "Sneeze/cough", "pku-mmd") is None
    True
    """
    names = _names(dataset_a, class_a, dataset_b)
    return names[0] if names else None


def overlapping(dataset_a: str, classes_a: Sequence[str], dataset_b: str, classes_b: Sequence[str]) -> list[str]:
    """Those of `classes_a`, in their order, whose action is also among `classes_b` of `dataset_b`.

    >>> overlapping("pku-mmd", ["Bow", "Wipe face", "Reading"], "ntu60", ["Writing", "Wiping face"])
    ['Wipe face']
    """
    for name in classes_b:
        _require_class(dataset_b, name)
    return [name for name in classes_a if not set(classes_b).isdisjoint(_names(dataset_a, name, dataset_b))]


def same_elsewhere(dataset: str, classes: Sequence[str]) -> set[tuple[str, str]]:
    """Every name of one of these actions in another data set, with that set.

    >>> same_elsewhere("pku-mmd", ["Wipe face"])
    {('ntu60', 'Wiping face')}
    """
    return {
        (other, name)
        for action in _actions()
        if not set(classes).isdisjoint(action.get(dataset, []))
        for other, names in action.items()
        if other != dataset
        for name in names
    }


def _names(dataset_a: str, class_a: str, dataset_b: str) -> list[str]:
    """Every name of `dataset_b` for an action of `dataset_a`."""
    compared = [action for action in _actions() if {dataset_a, dataset_b} == set(action)]
    if not compared:
        pairs = sorted({" with ".join(sorted(action)) for action in _actions()})
        raise SkeltextError(
            f"the classes of {dataset_a} and {dataset_b} were not compared; those of {' and of '.join(pairs)} were"
        )
    _require_class(dataset_a, class_a)
    return next((action[dataset_b] for action in compared if class_a in action[dataset_a]), [])


@cache
def _actions() -> list[Action]:
    """The table, every name in it looked up in the data set it belongs to."""
    actions: list[Action] = table("same_actions")["actions"]
    for action in actions:
        for dataset, names in action.items():
            for name in names:
                _require_class(dataset, name)
    return actions


def _require_class(dataset: str, name: str) -> None:
    if not any(name in view.classes for view in dataset_named(dataset).views.values()):
        raise SkeltextError(f"data set {dataset} has no class {name!r}; `skeltext describe {dataset}` lists them")
