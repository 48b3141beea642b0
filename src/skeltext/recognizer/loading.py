"""From a name or a path to a model, with all that lies beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skeltext.errors import require
from skeltext.recognizer.calibration import Calibration, load_calibration
from skeltext.recognizer.card import WEIGHTS, Card
from skeltext.recognizer.model import Model
from skeltext.recognizer.packaged import DEFAULT, packaged
from skeltext.recognizer.text_space import TypedTexts
from skeltext.texts.encoder import SentenceTransformer, TextEncoder
from skeltext.texts.onnx_sentences import SENTENCES, OnnxSentences

ONNX = "model.onnx"
"""Where an exported model lies in the folder of a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A model with its calibration and the file of its weights, which is ``exported``, too, if it was exported."""

    model: Model
    calibration: Calibration | None
    weights: Path
    exported: Path | None = None


def load(path: str | Path | None, *, onnx: bool | None, device: str) -> Loaded:
    """The model of a run, of a checkpoint, of an exported file, or of the package by its name; by default our own.

    `onnx` says whether ONNX Runtime computes it; by default where torch is not installed, and for an exported file.
    """
    folder = checkpoint_of(packaged(DEFAULT).folder if path is None else path)
    exported = folder if folder.suffix == ".onnx" else folder / ONNX
    there = find_spec("torch") is not None
    if onnx or (onnx is None and (folder == exported or not there)):
        from skeltext.recognizer.onnx_model import OnnxModel

        model = OnnxModel(exported)
        return Loaded(model=model, calibration=model.calibration, weights=exported, exported=exported)
    require(there, "torch is not installed; export the model with `skeltext export`, and predict with --onnx")
    from skeltext.recognizer.torch_model import TorchModel

    model_of_folder = TorchModel(folder, device=device)
    return Loaded(model=model_of_folder, calibration=load_calibration(folder), weights=folder / WEIGHTS)


def checkpoint_of(path: str | Path) -> Path:
    """The folder of the checkpoint of a run; a model of the package by its name; any other path as it is."""
    folder = Path(path)
    if len(folder.parts) == 1 and not folder.exists() and not folder.suffix:
        return packaged(str(path)).folder
    return folder / "checkpoint" if (folder / "checkpoint").is_dir() else folder


def sentence_encoder(card: Card, *, beside: Path | None = None) -> TypedTexts:
    """What embeds typed labels for a model: the text encoder and the text space that it was trained with.

    The encoder is an exported one where the file :data:`SENTENCES` lies `beside` an exported model, and where nothing
    else is installed.
    """
    name = card.text_encoder
    require(
        not name.endswith(".npy"),
        f"this model was trained on the table {name}, which has no row for a typed label; train with a text encoder"
        " that reads sentences",
    )
    encoder: TextEncoder = SentenceTransformer(name)
    if beside is not None:
        exported = beside.with_name(SENTENCES)
        if exported.exists() or find_spec("sentence_transformers") is None:
            encoder = OnnxSentences(exported, name=name)
    return TypedTexts(encoder, card)
