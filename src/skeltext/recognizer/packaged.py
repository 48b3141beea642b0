"""The models inside the package: their names, and what is known of each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from skeltext.datasets.registry import DATASETS, dataset_named
from skeltext.errors import SkeltextError
from skeltext.recognizer.card import Card, load_card

DEFAULT = "open"
"""The model that is loaded where none is named: anybody may use it for anything. Others may be better and may not."""
FORMER_NAMES = {"kinect20": "research", "kinect20-flat": "flat"}
"""What models were called until 0.1, which works for one more release."""
ACCURACY = "accuracy.json"
"""The file of a released model with the accuracy of runs of its settings, which left classes out."""


@dataclass(frozen=True)
class PackagedModel:
    """A model inside the package, or any other folder that `skeltext release` wrote."""

    folder: Path

    @cached_property
    def card(self) -> Card:
        """What the checkpoint says beside its weights."""
        return load_card(self.folder)

    @property
    def bytes(self) -> int:
        """The size of all its files."""
        return sum(file.stat().st_size for file in self.folder.iterdir())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: name, actions, layout, data, terms, bytes and accuracy.

        The last has the accuracy after the last epoch by test-time step, on actions that were not trained on, with the
        number of them and the chance.
        """
        dataset = dataset_named(self.card.dataset)
        accuracy = self.folder / ACCURACY
        return {
            "name": self.folder.name,
            "default": self.folder.name == DEFAULT,
            "actions": len(self.card.labels),
            "layout": self.card.preprocessing.layout.name,
            "data": dataset.title,
            "terms": dataset.licence,
            "bytes": self.bytes,
            "accuracy": json.loads(accuracy.read_text(encoding="utf-8")) if accuracy.exists() else None,
        }


def list_models() -> list[str]:
    """The names of the models inside the package, each of which :meth:`.Recognizer.load` takes.

    >>> list_models()
    ['flat', 'open', 'research']
    """
    folder = _models()
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def packaged(name: str) -> PackagedModel:
    """A model inside the package by its name; :class:`SkeltextError` lists the models there are."""
    names, name = list_models(), FORMER_NAMES.get(name, name)
    if name not in names:
        raise SkeltextError(
            f"there is no model {name!r} in the package, which has {', '.join(names) or 'none'}; name the folder of a"
            " run"
        )
    return PackagedModel(_models() / name)


def terms_of(card: Card) -> str:
    """What the weights of a model may be used for: what its data may be used for, empty where that is not known."""
    return DATASETS[card.dataset].licence if card.dataset in DATASETS else ""


def _models() -> Path:
    """The folder of the models inside the package."""
    return Path(str(files("skeltext.recognizer") / "models"))
