"""PGFA with the encoder in use, and with the same encoder written down plainly, at the same weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from skeltext.benchmark.bench.inputs import made_up_clips, unit_rows
from skeltext.benchmark.bench.published import operations
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.reference.shift_gcn import ReferenceShiftGCN
from skeltext.benchmark.reference.st_gcn import ReferenceSTGCN
from skeltext.encoders.base import BaseEncoder
from skeltext.encoders.encoder import Encoder
from skeltext.encoders.registry import ENCODERS
from skeltext.methods.method import Method
from skeltext.methods.zero_shot.pgfa import PGFA
from skeltext.recognizer.checkpoint import load_weights, read_tensors, write_tensors
from skeltext.skeletons.layouts import layout_named

REFERENCES: dict[str, type[Encoder]] = {"st_gcn": ReferenceSTGCN, "shift_gcn": ReferenceShiftGCN}
TEXT_WIDTH = 768  # of the published text encoder
_WEIGHTS = "weights.safetensors"


def clips_of(settings: BenchSettings) -> Tensor:
    """(N, C, T, V, M) made-up clips of the layout."""
    layout = layout_named(settings.layout)
    return torch.from_numpy(made_up_clips(settings, coordinates=layout.C, joints=layout.V))


def texts_of(count: int) -> Tensor:
    """(K, D) made-up texts."""
    return torch.from_numpy(unit_rows(count, width=TEXT_WIDTH))


def _encoder(settings: BenchSettings, *, reference: bool) -> Encoder:
    kind: Callable[..., BaseEncoder] = (REFERENCES if reference else ENCODERS)[settings.encoder]
    wishes = {"hidden": settings.hidden, "bodies": settings.bodies}
    takes = inspect.signature(kind).parameters
    options = {name: value for name, value in wishes.items() if value is not None and name in takes}
    return kind(layout=layout_named(settings.layout), **options).as_module()


def save_model(settings: BenchSettings, folder: Path) -> None:
    """Put weights into `folder` that every contender loads; the running statistics are those of made-up clips."""
    if (folder / _WEIGHTS).exists():
        return
    torch.manual_seed(0)
    method = PGFA(encoder=_encoder(settings, reference=True), text_width=TEXT_WIDTH)
    with torch.no_grad():
        method.embed(clips_of(settings)[:16])
    write_tensors(folder / _WEIGHTS, method.state_dict())


def load_model(settings: BenchSettings, folder: Path, *, reference: bool) -> Method:
    """PGFA with the weights in `folder`."""
    path = folder / _WEIGHTS
    method = PGFA(encoder=_encoder(settings, reference=reference), text_width=TEXT_WIDTH)
    load_weights(method, read_tensors(path), origin=path)
    return method


def published_operations(settings: BenchSettings, *, backward: bool) -> int:
    """Operations of the reference encoder on the made-up clips, counted on tensors that have a shape and no values."""
    layout = layout_named(settings.layout)

    def run() -> None:
        with torch.device("meta"):
            clips = torch.empty(settings.batch, layout.C, settings.frames, layout.V, settings.bodies)
            features = _encoder(settings, reference=True)(clips)
            if backward:
                features.sum().backward()

    return operations(run)
