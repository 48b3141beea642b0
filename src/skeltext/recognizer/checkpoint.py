"""A checkpoint: a folder with weights and everything needed to use them. No pickle.

``weights.safetensors`` the parameters and buffers, ``config.json`` how to build the model and which text encoder it
speaks to, ``preprocess.json`` what it was fed, ``labels.json`` the texts of the classes it learnt from.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from skeltext.errors import SkeltextError
from skeltext.formats.writing import made_folder, written_aside
from skeltext.methods.building import ModelConfig, build_method
from skeltext.methods.method import Method
from skeltext.recognizer.device import device_named
from skeltext.skeletons.preprocessing import Preprocessing

WEIGHTS, CONFIG, PREPROCESS, LABELS = "weights.safetensors", "config.json", "preprocess.json", "labels.json"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a checkpoint says beside its weights.

    ``labels`` maps the classes it learnt from to the texts that were embedded, ``texts`` is the kind of description.
    """

    model: ModelConfig
    preprocessing: Preprocessing
    text_encoder: str
    texts: str
    dataset: str
    labels: Mapping[str, str]


def write_text(path: Path, text: str) -> None:
    """Write a file aside, then rename it into place."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a safetensors file aside, make sure they are on disk, then rename it into place."""
    with written_aside(path) as aside:
        try:
            save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, aside)
        except SafetensorError as error:  # a full disk, for instance
            raise OSError(str(error)) from error
        with aside.open("rb") as file:
            os.fsync(file.fileno())


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; a missing or damaged one is one sentence."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise SkeltextError(
            f"{path} is no readable weights file ({error}); train again or copy the folder again"
        ) from error


def save_card(folder: Path, card: Card) -> None:
    """Write everything but the weights."""
    made_folder(folder)
    config = {
        "model": asdict(card.model),
        "text_encoder": card.text_encoder,
        "texts": card.texts,
        "dataset": card.dataset,
    }
    write_text(folder / CONFIG, json.dumps(config, indent=1))
    write_text(folder / PREPROCESS, card.preprocessing.to_json())
    write_text(folder / LABELS, json.dumps(dict(card.labels), indent=1, ensure_ascii=False))


def load_card(folder: Path) -> Card:
    """Read what :func:`save_card` wrote; :class:`SkeltextError` if the folder is no checkpoint."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return Card(
            model=ModelConfig(**config["model"]),
            preprocessing=Preprocessing.from_json((folder / PREPROCESS).read_text(encoding="utf-8")),
            text_encoder=config["text_encoder"],
            texts=config["texts"],
            dataset=config["dataset"],
            labels=dict(json.loads((folder / LABELS).read_text(encoding="utf-8")).items()),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SkeltextError(
            f"{folder} is no checkpoint of skeltext ({error}); expected {CONFIG}, {PREPROCESS}, {LABELS} and {WEIGHTS}"
        ) from error


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], *, origin: Path) -> None:
    """Put the tensors of the file `origin` into a module; :class:`SkeltextError` if they are those of another one."""
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise SkeltextError(
            f"{origin} holds the weights of another model than the settings beside it describe; give the folder that"
            " they were trained in"
        ) from error


def load_method(card: Card, weights: Path, *, device: str = "cpu") -> Method:
    """The model of a card with the weights of a file, ready to predict on a device."""
    place = device_named(device)
    method = build_method(card.model)
    load_weights(method, read_tensors(weights), origin=weights)
    return method.eval().to(place)
