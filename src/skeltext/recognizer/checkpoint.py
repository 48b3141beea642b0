"""The weights of a checkpoint, which is a folder with weights and everything needed to use them. No pickle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from skeltext.errors import SkeltextError
from skeltext.formats.writing import written_aside
from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.recognizer.card import Card
from skeltext.recognizer.device import device_named


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


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], *, origin: Path) -> None:
    """Put the tensors of the file `origin` into a module; :class:`SkeltextError` if they are those of another one."""
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise SkeltextError(
            f"{origin} holds the weights of another model than the settings beside it describe; give the folder that"
            " they were trained in"
        ) from error


def load_method(card: Card, *files: Path, device: str = "cpu") -> Method:
    """The model of a card with the weights of all `files`, the later over the earlier, ready to predict on a device."""
    place = device_named(device)
    method = build_method(card.model)
    weights = {name: tensor for file in files for name, tensor in read_tensors(file).items()}
    load_weights(method, weights, origin=files[-1])
    return method.eval().to(place)
