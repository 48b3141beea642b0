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
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What goes wrong when a file is no card, or one that somebody changed."""


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


def card_texts(card: Card) -> dict[str, str]:
    """The three texts that a card is written as, by the names of their files."""
    config = {
        "model": asdict(card.model),
        "text_encoder": card.text_encoder,
        "texts": card.texts,
        "dataset": card.dataset,
    }
    return {
        CONFIG: json.dumps(config, indent=1),
        PREPROCESS: card.preprocessing.to_json(),
        LABELS: json.dumps(dict(card.labels), indent=1, ensure_ascii=False),
    }


def card_from_texts(texts: Mapping[str, str]) -> Card:
    """The card that :func:`card_texts` wrote; whatever is wrong with the texts is raised as it is."""
    config = json.loads(texts[CONFIG])
    return Card(
        model=ModelConfig(**config["model"]),
        preprocessing=Preprocessing.from_json(texts[PREPROCESS]),
        text_encoder=config["text_encoder"],
        texts=config["texts"],
        dataset=config["dataset"],
        labels=dict(json.loads(texts[LABELS]).items()),
    )


def save_card(folder: Path, card: Card) -> None:
    """Write everything but the weights."""
    made_folder(folder)
    for name, text in card_texts(card).items():
        write_text(folder / name, text)


def load_card(folder: Path) -> Card:
    """Read what :func:`save_card` wrote; :class:`SkeltextError` if the folder is no checkpoint."""
    try:
        return card_from_texts(
            {name: (folder / name).read_text(encoding="utf-8") for name in (CONFIG, PREPROCESS, LABELS)}
        )
    except UNREADABLE as error:
        raise SkeltextError(
            f"{folder} is no checkpoint of skeltext ({error}); expected {CONFIG}, {PREPROCESS}, {LABELS} and {WEIGHTS}"
        ) from error
