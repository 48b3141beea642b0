"""The long lists that lie beside the code as JSON: class names and class splits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from skeltext.datasets.dataset import EVERY_CLIP, ClassSplit, View


@cache
def table(name: str) -> Any:
    """The content of data/`name`.json.

    >>> len(table("classes")["ntu120"])
    120
    """
    return json.loads((resources.files("skeltext.datasets") / "data" / f"{name}.json").read_text("utf-8"))


def class_names(dataset: str) -> tuple[str, ...]:
    """The class names of a data set in official order."""
    return tuple(table("classes")[dataset])


def class_splits(dataset: str, views: Mapping[str, View]) -> dict[str, ClassSplit]:
    """The class splits of a data set by name; a split that names no view belongs to the first of `views`.

    In the table a split lists class numbers of its view: those that are ``unseen``, and those that are ``excluded``
    because they are neither seen nor unseen.
    """
    return {name: _split(name, entry, views) for name, entry in table("class_splits")[dataset].items()}


def _split(name: str, entry: Mapping[str, Any], views: Mapping[str, View]) -> ClassSplit:
    view = entry.get("view", next(iter(views)))
    classes = views[view].classes
    absent = {*entry["unseen"], *entry.get("excluded", ())}
    return ClassSplit(
        name=name,
        seen=tuple(classes[c] for c in range(len(classes)) if c not in absent),
        unseen=tuple(classes[c] for c in entry["unseen"]),
        source=entry["source"],
        view=view,
        protocol=entry.get("protocol", EVERY_CLIP),
        exemplars=tuple(entry.get("exemplars", ())),
        shots=entry.get("shots", 0),
    )
