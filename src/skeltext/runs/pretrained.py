"""The first stage of a two-stage training: the encoder of a finished run, and what it must not have learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from skeltext.datasets.dataset import ClassSplit, Dataset
from skeltext.errors import SkeltextError
from skeltext.methods.method import ENCODER, Method
from skeltext.recognizer.card import CONFIG as CARD
from skeltext.recognizer.card import WEIGHTS, Card, load_card
from skeltext.recognizer.checkpoint import load_weights, read_tensors
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, HELD_OUT, RunFolder
from skeltext.runs.run import Run, open_runs
from skeltext.skeletons.preprocessing import preprocessing_named


@dataclass(frozen=True, kw_only=True)
class PretrainedEncoder:
    """The encoder of a checkpoint: its ``card``, its ``weights`` by name and the file ``origin`` that they lie in."""

    card: Card
    weights: Mapping[str, Tensor]
    origin: Path

    def run(self, *, store: Path | None) -> Run | None:
        """The run, or its second training, that this is the checkpoint of; None for a checkpoint that stands alone.

        Its data set is read from `store`, wherever that lay when it was trained.
        """
        path = self.origin.parents[1]
        second = path.name == HELD_OUT
        whole = path.parent if second else path
        if not (whole / CONFIG).exists():
            return None
        run = Run.of(replace(TrainingConfig.from_yaml(whole / CONFIG), store=store), RunFolder(whole))
        return run.held_out if second else run

    def put_into(self, method: Method, *, frozen: bool) -> None:
        """Give `method` this encoder, `frozen` or to go on from; :class:`SkeltextError` if it is built otherwise."""
        load_weights(method.encoder, self.weights, origin=self.origin)
        if frozen:
            method.freeze_encoder()


def pretrained_encoders(run: Run) -> dict[RunFolder, PretrainedEncoder]:
    """The encoder for each part of a run, by the folder of the part.

    The setting ``pretrained`` names the first stage; without one there are no encoders. The second training takes the
    encoder of the first stage's own second training, which was not shown the classes held out. Raises
    :class:`SkeltextError` for a first stage that is not finished, has learned a class that is unseen in its part, reads
    other skeletons than the data set has, or is not the one that the training was begun with.
    """
    if run.config.pretrained is None:
        return {}
    encoders = {}
    for part, checkpoint in zip(run.parts, _checkpoints(run.config.pretrained, run.config), strict=False):
        encoders[part.folder] = encoder = _encoder(checkpoint)
        _require_unseen(part.split, encoder)
        _require_same_skeletons(run.dataset, encoder)
        if run.frozen:
            _require_unchanged(part.folder, encoder)
    return encoders


def with_encoder_of(config: TrainingConfig, card: Card) -> TrainingConfig:
    """The settings with encoder and preprocessing as a card has them."""
    return replace(
        config,
        encoder=card.model.encoder,
        encoder_options=dict(card.model.encoder_options),
        preprocessing=card.preprocessing.name,
    )


def _checkpoints(path: Path, config: TrainingConfig) -> tuple[Path, Path]:
    """The checkpoint at `path`, and that of its second run (the same one where there is no second run).

    `path` is a checkpoint, a run, or a folder of runs of which that of the same data set, split and seed is meant.
    """
    if (path / CARD).is_file():
        return path, path
    if not path.is_dir():
        raise SkeltextError(
            f"there is no first stage at {path}; train one with `skeltext train --dataset {config.dataset} --method"
            f" classifier --out {path}`, or name another with --pretrained"
        )
    found = open_runs([path])
    wanted = (config.dataset, config.split, config.seed)
    runs = [
        run for run in found if len(found) == 1 or (run.config.dataset, run.config.split, run.config.seed) == wanted
    ]
    if len(runs) != 1:
        raise SkeltextError(
            f"{path} holds {len(runs)} first stages of {config.dataset} with split {config.split} and seed"
            f" {config.seed}, expected one; name the folder of a single run with --pretrained"
        )
    (run,) = runs
    for part in run.parts:
        done = part.folder.epochs_done()
        if done < run.config.epochs:
            raise SkeltextError(
                f"the first stage {part.folder.path} has {done} of {run.config.epochs} epochs; give its `skeltext"
                " train` command again"
            )
    return run.folder.checkpoint, run.parts[-1].folder.checkpoint


def _encoder(checkpoint: Path) -> PretrainedEncoder:
    origin = checkpoint / WEIGHTS
    weights = {
        name.removeprefix(ENCODER): tensor for name, tensor in read_tensors(origin).items() if name.startswith(ENCODER)
    }
    return PretrainedEncoder(card=load_card(checkpoint), weights=weights, origin=origin)


def _require_unseen(split: ClassSplit, encoder: PretrainedEncoder) -> None:
    """Classes are told apart by name: an action that another data set calls otherwise is not noticed."""
    unseen = {name.casefold() for name in split.unseen}
    learnt = [name for name in encoder.card.labels if name.casefold() in unseen]
    if learnt:
        raise SkeltextError(
            f"the encoder in {encoder.origin.parent} has learnt {learnt[0]!r}, which must be unseen in split"
            f" {split.name}; give a first stage of the same split and --pseudo-unseen (0 needs no second encoder)"
        )


def _require_same_skeletons(own: Dataset, encoder: PretrainedEncoder) -> None:
    learnt = encoder.card.preprocessing
    if learnt != preprocessing_named(learnt.name, layout=own.layout.name, bodies=own.bodies):
        raise SkeltextError(
            f"the encoder in {encoder.origin.parent} reads {learnt.bodies} bodies of layout {learnt.layout.name} by"
            f" its own {learnt.name}, but {own.name} has {own.bodies} of {own.layout.name}; give a first stage that was"
            " trained on such skeletons"
        )


def _require_unchanged(run: RunFolder, encoder: PretrainedEncoder) -> None:
    """A training that goes on must go on with the encoder that it was begun with."""
    state = run.load_state()
    if state is None:
        return
    _, weights, _ = state
    begun = {name.removeprefix(ENCODER): tensor for name, tensor in weights.items() if name.startswith(ENCODER)}
    if begun.keys() != encoder.weights.keys() or not all(
        torch.equal(begun[name], tensor) for name, tensor in encoder.weights.items()
    ):
        raise SkeltextError(
            f"{run.path} was begun with another encoder than {encoder.origin} holds now; choose another --out or"
            " remove it"
        )
