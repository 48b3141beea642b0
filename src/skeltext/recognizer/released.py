"""Weights that PGFA and SMIE released, made a checkpoint: tensors only, checked by name and shape, nothing executed.

PGFA saved a dictionary of two state dicts, ``encoder`` (ST-GCN in Setting I, Shift-GCN in Setting II) and ``adapter``;
SMIE saved the state dict of the encoder alone, the first stage of two.
"""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from skeltext.datasets.dataset import ClassSplit, Dataset
from skeltext.encoders import shift_gcn, st_gcn
from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import made_folder
from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.card import CONFIG, WEIGHTS, Card, save_card
from skeltext.recognizer.checkpoint import write_tensors
from skeltext.skeletons.layouts import NTU25
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.texts.descriptions import class_texts
from skeltext.texts.encoder import EMBEDDED

State = dict[str, Tensor]

MPNET = "sentence-transformers/all-mpnet-base-v2"  # what PGFA and SMIE embedded their texts with
_TEXT_WIDTHS = {MPNET: 768, EMBEDDED: 384}
_KIND = "complete"  # the kind of description of the released models
_LONGEST_NAME = 100
_WIDEST = 512  # channels, twice the published ones: a network is built before it is known to be in the file
_NUMBERS = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32)
_DAMAGED = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, MemoryError),
    *(EOFError, BufferError, struct.error),
)


class _Published(NamedTuple):
    """A published encoder: how its weights are called here, and the normalisation whose size tells an option."""

    rename: Callable[[State], State]
    widths: Mapping[str, str]


_PUBLISHED = {
    "st_gcn": _Published(
        st_gcn.from_published_names,
        {"hidden": "blocks.0.temporal.0.weight", "features": "blocks.9.temporal.0.weight"},
    ),
    "shift_gcn": _Published(
        shift_gcn.from_published_names,
        {
            "hidden": "blocks.0.temporal.norm_in.weight",
            "middle": "blocks.4.temporal.norm_in.weight",
            "features": "blocks.7.temporal.norm_in.weight",
        },
    ),
}


def import_checkpoint(
    path: Path,
    *,
    dataset: Dataset,
    split: ClassSplit,
    out: Path,
    text_encoder: str = MPNET,
    preprocessing: str = "published50",
) -> Card:
    """Write the released weights in the file `path` as the checkpoint `out` and return its card.

    An encoder with an adapter becomes a PGFA model of the fixed temperature; an encoder alone becomes a first stage
    without a head, for ``skeltext train --pretrained``. `split` says which classes they were trained on and
    `text_encoder` whose sentences they were aligned with; the file says neither. `preprocessing` is what the model
    will be fed: ``released`` where the clips come from released arrays.

    Raises :class:`SkeltextError`, before anything is written, for a file that is damaged or holds anything but
    tensors, whose names, shapes or numbers are not those of such a model, or that does not fit the text encoder.
    """
    require(
        (dataset.layout, dataset.bodies) == (NTU25, 2),
        f"weights were released for two bodies of layout {NTU25.name}, {dataset.name} has {dataset.bodies} of"
        f" {dataset.layout.name}; name ntu60, ntu120 or pku-mmd",
    )
    found = out.is_dir() and any(out.iterdir()) and not (out / CONFIG).exists()
    require(not found, f"{out} is there already and is no checkpoint; choose another folder with --out")
    model, weights = read_released(path, text_encoder=text_encoder, classes=len(split.seen))
    card = Card(
        model=model,
        preprocessing=preprocessing_named(preprocessing, layout=dataset.layout.name, bodies=dataset.bodies),
        text_encoder=text_encoder,
        texts=_KIND,
        dataset=dataset.name,
        labels=dict(zip(split.seen, class_texts(dataset.name, split.seen, kind=_KIND), strict=True)),
    )
    write_tensors(made_folder(out) / WEIGHTS, weights)
    save_card(out, card)
    return card


def read_released(path: Path, *, text_encoder: str, classes: int) -> tuple[ModelConfig, State]:
    """The model in a released file and its weights under the names of skeltext."""
    content = _tensors_in(path)
    whole = set(content) == {"encoder", "adapter"}
    adapter = _state(content["adapter"], path) if whole else {}
    name, options, encoder = _encoder(_state(content["encoder"] if whole else content, path), path)
    weights = {f"encoder.{key}": tensor for key, tensor in encoder.items()}
    weights |= {f"projection.{key.removeprefix('adapter.')}": tensor for key, tensor in adapter.items()}
    model = ModelConfig(
        method="pgfa" if whole else "classifier",
        encoder=name,
        layout=NTU25.name,
        text_width=_text_width(adapter, options["features"], text_encoder, path) if whole else 0,
        classes=classes,
        encoder_options=options,
    )
    method = build_method(model)
    _require_same(weights, _released_part(method), path)
    method.load_state_dict(weights, strict=False)  # what is not released, the temperature, is as in the method
    state = method.state_dict()
    return model, state if whole else {key: state[key] for key in weights}


def _tensors_in(path: Path) -> Mapping[Any, Any]:
    """What `torch.save` put into a file, read from a map of it by the unpickler that knows tensors alone.

    The map makes every size that the file claims one of its own bytes; members of the archive must not be compressed,
    as `torch.save` never does, since these few bytes could claim any size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            plain = all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
        require(plain, f"{path} is a compressed archive, torch.save makes none; get the released file again")
        with warnings.catch_warnings(action="ignore"):  # of another pickle version, for instance
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise SkeltextError(
            f"{path} holds Python objects that could run code, such as a whole pickled module, and was not opened;"
            " expected a state dict of tensors: save one with torch.save(model.state_dict(), FILE) where the code is"
        ) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise SkeltextError(f"{path} is no readable file of torch.save ({error}); get it again") from error
    except _DAMAGED as error:  # whatever the unpickler stumbles over
        reason = str(error).partition("\n")[0][:120]
        raise SkeltextError(f"{path} is damaged ({reason}); get the released file again") from error
    require(isinstance(content, Mapping) and content, f"{path} holds no state dict; expected tensors by name")
    return content  # type: ignore[no-any-return]


def _state(content: object, path: Path) -> State:
    """A state dict that is one: names with finite numbers."""
    plain = isinstance(content, Mapping) and all(_is_plain(name, tensor) for name, tensor in content.items())
    if not isinstance(content, Mapping) or not plain:
        raise SkeltextError(f"{path} holds something else than tensors by name; expected a state dict, get it again")
    for name, tensor in content.items():
        finite = bool(torch.isfinite(tensor).all())
        require(finite, f"{path} has numbers in {name} that are not finite; get the released file again")
    return dict(content)


def _is_plain(name: object, tensor: object) -> bool:
    """Whether this is a sensible name with a tensor whose numbers all lie in the file."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or type(tensor) not in (Tensor, nn.Parameter):
        return False
    assert isinstance(tensor, Tensor)
    there = tensor.device.type == "cpu" and tensor.layout == torch.strided and not tensor.is_nested
    return there and tensor.dtype in _NUMBERS and tensor.is_contiguous()


def _encoder(published: State, path: Path) -> tuple[str, dict[str, int], State]:
    """Name, options and renamed weights of a published encoder."""
    for name, (rename, widths) in _PUBLISHED.items():
        renamed = rename(published)
        if all(key in renamed and renamed[key].ndim == 1 for key in widths.values()):
            options = {option: len(renamed[key]) for option, key in widths.items()}
            widest = max(options.values())
            require(widest <= _WIDEST, f"{path} has {widest} channels, expected at most {_WIDEST}; get it again")
            return name, options, renamed
    first = ", ".join(list(published)[:3])
    raise SkeltextError(
        f"{path} holds {len(published)} tensors ({first}, ...), expected those of the published ST-GCN or Shift-GCN;"
        " give a checkpoint of PGFA or an encoder of SMIE"
    )


def _text_width(adapter: State, features: int, text_encoder: str, path: Path) -> int:
    """The width that the adapter makes of `features`; it must be that of the text encoder where this is known."""
    shape = tuple(adapter["adapter.weight"].shape) if "adapter.weight" in adapter else None
    if shape is None or shape[1:] != (features,):
        raise SkeltextError(
            f"{path} has an adapter.weight of shape {shape}, expected (width of the texts, {features}) as its encoder"
            f" makes {features} features; get the released file again"
        )
    width = shape[0]
    known = _TEXT_WIDTHS.get(text_encoder, width)
    require(
        width == known,
        f"the adapter in {path} makes vectors of {width} numbers where the text encoder {text_encoder} makes {known};"
        " name the text encoder it was trained with by --text-encoder",
    )
    return width


def _released_part(method: Method) -> State:
    """The tensors of a method that its authors released: not the temperature, and not the head of a classifier."""
    return {
        name: tensor for name, tensor in method.state_dict().items() if name.startswith(("encoder.", "projection."))
    }


def _require_same(found: State, wanted: State, path: Path) -> None:
    """Raise :class:`SkeltextError` for the first name, shape or kind of number that is not the wanted one."""
    for name in sorted(found.keys() ^ wanted.keys()):
        told = "has a tensor that the model has not" if name in found else "lacks a tensor that the model has"
        raise SkeltextError(f"{path} {told}, {name} as skeltext calls it; get the released file again")
    for name, tensor in found.items():
        require(
            tensor.shape == wanted[name].shape and tensor.is_floating_point() == wanted[name].is_floating_point(),
            f"{path} has {name} (as skeltext calls it) as {tensor.dtype} of shape {tuple(tensor.shape)}, expected"
            f" {wanted[name].dtype} of shape {tuple(wanted[name].shape)}; get the released file again",
        )
