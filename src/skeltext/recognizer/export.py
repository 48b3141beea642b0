"""A trained model as one ONNX file, and the proof that it answers as the model does."""

from __future__ import annotations

import base64
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from skeltext.errors import require
from skeltext.methods.method import Method
from skeltext.recognizer.card import Card, card_texts
from skeltext.recognizer.loading import checkpoint_of
from skeltext.recognizer.model import Floats, Model, unit
from skeltext.recognizer.onnx_model import AFTER_ENCODER, INPUTS, OUTPUTS, OnnxModel, packed_calibration
from skeltext.recognizer.onnx_recording import recorded_aside
from skeltext.recognizer.tensor_preparation import prepared, tensor_suffix
from skeltext.recognizer.torch_model import TorchModel
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import UNITS_IN_METRES, Layout
from skeltext.skeletons.preprocessing import Preprocessing, Step

TOLERANCE = 1e-4
"""How far scores of both may be apart."""
COMPARED = ((1, 90, 1), (4, 90, 1), (3, 41, 1), (1, 301, 1), (2, 60, 2), (2, 7, 1))
"""Clips, frames and bodies of the batches that both are compared on."""
THREE_SECONDS = (1, 90, 1)
CLASSES, ROUNDS = 12, 30


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How far two models are apart on a batch of so many ``clips`` of so many ``frames`` and ``bodies``.

    ``directions`` is the largest difference in a coordinate of embedded clips of length one, ``scores`` that of a
    cosine with a text, ``ranking`` the share of clips for which both put all texts in the same order.
    """

    clips: int
    frames: int
    bodies: int
    directions: float
    scores: float
    ranking: float


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What an export was found to be.

    ``inside`` are the steps of the preparation in the graph and ``outside`` those before it; ``torch_ms`` and
    ``onnx_ms`` are median milliseconds of processor time, on one thread, from a clip of three seconds to its scores.
    ``bytes`` is the size of the file, ``calibrated`` whether a calibration is in it.
    """

    comparisons: tuple[Comparison, ...]
    inside: tuple[str, ...]
    outside: tuple[str, ...]
    torch_ms: float
    onnx_ms: float
    bytes: int
    calibrated: bool

    @property
    def scores(self) -> float:
        """The largest difference of a score."""
        return max(comparison.scores for comparison in self.comparisons)


class RecordedModel(nn.Module):
    """Clips (N, C, T, V, M) before the last steps of their preparation, and texts (K, D), to what the file returns.

    An embedded clip is NaN where these steps left nothing but zeros of it, because a graph can raise no error.
    """

    def __init__(self, method: Method, steps: Sequence[Step], layout: Layout) -> None:
        super().__init__()
        self.method, self.steps, self.layout = method, tuple(steps), layout
        method.encoder.make_recordable()

    def forward(self, clips: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Embedded clips (N, D) and their cosines (N, K) with the texts."""
        clips = prepared(clips, self.steps, self.layout)
        nothing = (clips == 0).flatten(1).all(dim=1, keepdim=True)
        embedded = torch.where(nothing, torch.nan, self.method.embed(clips))
        return embedded, self.method.scores(embedded, texts)


class RecordedHead(nn.Module):
    """Features (N, D) of a fixed encoder and texts (K, W) to what the file returns; the encoder stays in numpy."""

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method

    def forward(self, features: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
        """Embedded clips (N, W) and their cosines (N, K) with the texts."""
        embedded = self.method.embed_features(features)
        return embedded, self.method.scores(embedded, texts)


def export_onnx(folder: Path, path: Path, *, alone: bool = True) -> Parity:
    """Write the model of a run or checkpoint to `path`, and compare what it computes with what torch computes.

    The graph takes ``clips`` (N, C, T, V, M) and ``texts`` (K, D) to ``embedded`` (N, D) and ``scores`` (N, K). N, T, M
    and K may change. The last steps of the preparation are in the graph, as many as
    :mod:`~skeltext.recognizer.tensor_preparation` has; the card in the metadata keeps the others. A calibration comes
    along. A fixed encoder is a numpy function and not in the graph, which takes its ``features`` (N, D) then; whoever
    loads the file has the function from the encoder's name. A file that is not to be used `alone` leaves what was
    fitted for texts to the checkpoint beside it.

    Raises :class:`SkeltextError`, without a file, for a method whose scores are no cosines and where the file would
    answer otherwise than the model.
    """
    require(path.suffix == ".onnx", f"{path} is to be an exported model, expected a name that ends in .onnx")
    folder = checkpoint_of(folder)
    model = TorchModel(folder)
    card = model.card
    require(
        model.cosines,
        f"a model of the method {card.model.method} cannot be exported, because its scores are no cosines of clip and"
        " text; those of pgfa and devise can",
    )
    steps, fixed = card.preprocessing.steps, model.method.encoder.fixed
    inside = () if fixed else tensor_suffix(steps)
    outside = steps[: len(steps) - len(inside)]
    calibration = packed_calibration(folder)
    fitted = {"text_space": card.text_space_state, "label_map": card.label_map}
    method, (clips, texts) = TorchModel(folder).method, _example(card, outside)
    with recorded_aside(
        RecordedHead(method) if fixed else RecordedModel(method, inside, card.preprocessing.layout),
        path,
        inputs=dict(zip(AFTER_ENCODER, (method.encoder(clips), texts), strict=True))
        if fixed
        else dict(zip(INPUTS, (clips, texts), strict=True)),
        dynamic={"features": (0,), "texts": (0,)} if fixed else {"clips": (0, 2, 4), "texts": (0,)},
        outputs=OUTPUTS,
        metadata={
            "card": card_texts(replace(card, preprocessing=replace(card.preprocessing, steps=outside))),
            "score_scale": model.score_scale,
            "calibration": calibration,
            **({name: base64.b64encode(content).decode() for name, content in fitted.items()} if alone else {}),
        },
    ) as aside:
        exported = OnnxModel(aside)
        parity = Parity(
            comparisons=tuple(_compared(model, exported, *sizes) for sizes in COMPARED),
            inside=tuple(step.name for step in inside),
            outside=tuple(step.name for step in outside),
            **_latencies(model, exported),
            bytes=aside.stat().st_size,
            calibrated=calibration is not None,
        )
        require(
            parity.scores <= TOLERANCE,
            f"{path} would score up to {parity.scores:.1e} away from the model, expected at most {TOLERANCE:.0e}, so it"
            " was not written; tell us of the model and the version of onnxruntime",
        )
    return parity


def _example(card: Card, outside: Sequence[Step]) -> tuple[Tensor, Tensor]:
    """Clips and texts to record a graph with, of different sizes along all axes that may change."""
    prepare = replace(card.preprocessing, steps=tuple(outside), bodies=2)
    clips = np.stack([prepare(clip) for clip in made_up_clips(card.preprocessing.layout, clips=3, frames=70, bodies=2)])
    return torch.from_numpy(clips), torch.from_numpy(made_up_texts(card.model.text_width))


def made_up_clips(layout: Layout, *, clips: int, frames: int, bodies: int) -> list[Clip]:
    """Bodies of the size of people whose joints wander at random, some of which are lost for a while."""
    rng = np.random.default_rng([clips, frames, bodies])
    size = 1 / (UNITS_IN_METRES[layout.unit] or 1)
    found = []
    for _ in range(clips):
        pose = 0.4 * rng.normal(size=(bodies, 1, layout.V, layout.C))
        way = 0.03 * np.cumsum(rng.normal(size=(bodies, frames, layout.V, layout.C)), axis=1)
        positions = ((pose + way) * size).astype(np.float32)
        positions[:, frames // 3 : frames // 2, -2:] = np.nan
        found.append(Clip(positions=positions, layout=layout, fps=30.0, source="made up"))
    return found


def made_up_texts(width: int) -> Floats:
    """Directions at random (K, D) in the place of embedded texts."""
    return unit(np.random.default_rng(0).normal(size=(CLASSES, width)).astype(np.float32))


def _scores(model: Model, preparation: Preprocessing, clips: Sequence[Clip], texts: Floats) -> tuple[Floats, Floats]:
    """Embedded clips (N, D) and scores (N, K), from the clips on."""
    embedded = model.embed(np.stack([preparation(clip) for clip in clips]))
    return embedded, model.scores(embedded, texts)


def _compared(one: Model, other: Model, clips: int, frames: int, bodies: int) -> Comparison:
    given = made_up_clips(one.card.preprocessing.layout, clips=clips, frames=frames, bodies=bodies)
    texts = made_up_texts(one.card.model.text_width)
    (a, p), (b, q) = (
        _scores(model, replace(model.card.preprocessing, bodies=bodies), given, texts) for model in (one, other)
    )
    return Comparison(
        clips=clips,
        frames=frames,
        bodies=bodies,
        directions=float(np.abs(unit(a) - unit(b)).max()),
        scores=float(np.abs(p - q).max()),
        ranking=float((np.argsort(-p, axis=1) == np.argsort(-q, axis=1)).all(axis=1).mean()),
    )


def _latencies(one: Model, other: Model) -> dict[str, float]:
    """Median milliseconds of both for a clip of three seconds, in turns and on one thread."""
    clips, frames, bodies = THREE_SECONDS
    given = made_up_clips(one.card.preprocessing.layout, clips=clips, frames=frames, bodies=bodies)
    texts = made_up_texts(one.card.model.text_width)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        rounds = [[_milliseconds(model, given, texts) for model in (one, other)] for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(threads)
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {"torch_ms": ours, "onnx_ms": theirs}


def _milliseconds(model: Model, clips: Sequence[Clip], texts: Floats) -> float:
    start = time.process_time()
    _scores(model, model.card.preprocessing, clips, texts)
    return 1000 * (time.process_time() - start)
