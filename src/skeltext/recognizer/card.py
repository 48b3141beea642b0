"""What a checkpoint says beside its weights. Nothing here needs torch.

``weights.safetensors`` the parameters and buffers, ``config.json`` how to build the model and which text encoder it
speaks to, ``preprocess.json`` what it was fed, ``labels.json`` the texts of the classes it learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from skeltext.errors import SkeltextError
from skeltext.formats.writing import made_folder, write_text
from skeltext.methods.model_config import ModelConfig
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
