"""A checkpoint that somebody else trained, as a run of one epoch: whatever is done with runs can be done with it."""

from __future__ import annotations

import math
from pathlib import Path

from skeltext.recognizer.card import WEIGHTS, load_card
from skeltext.recognizer.checkpoint import read_tensors
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder


def write_imported_run(folder: RunFolder, *, split: str, store: Path | None) -> None:
    """Write what makes a run of the checkpoint in `folder`; its loss is not known and nothing was held out."""
    card = load_card(folder.checkpoint)
    config = TrainingConfig(
        dataset=card.dataset,
        store=store,
        split=split,
        pseudo_unseen=0.0,
        preprocessing=card.preprocessing.name,
        texts=card.texts,  # type: ignore[arg-type]
        text_encoder=card.text_encoder,
        method=card.model.method,
        encoder=card.model.encoder,
        encoder_options=dict(card.model.encoder_options),
        epochs=1,
    )
    config.to_yaml(folder.path / CONFIG)
    weights = read_tensors(folder.checkpoint / WEIGHTS)
    folder.save_epoch(0, weights=weights, learnt=weights, buffers={}, metrics=[{"epoch": 0, "loss": math.nan}])
