"""Whom a generalised test asks: an expert of the seen and one of the unseen classes, and the clips they are shown.

The run is asked about the test clips of all classes, its second run about training clips that it was not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.datasets.splitting import Indices, hold_out, split_clips
from skeltext.errors import require
from skeltext.evaluation.calibrated_gate import FEWEST, Judged
from skeltext.evaluation.predictions import TestSet, embed_test_set, load_test_set
from skeltext.methods.first_stages.classifier import Classifier
from skeltext.recognizer.card import load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import Precision
from skeltext.recognizer.feature_cache import clip_features
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, HELD_OUT, RunFolder
from skeltext.runs.pretrained import PretrainedEncoder, pretrained_encoders
from skeltext.training.seen_data import calibration_clips, open_dataset, training_clips


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A run with the clips that it is asked about, of ``seen`` classes, which come first, and of others.

    ``classified`` (N, S) is what the classifier says of them whose frozen encoder the run has; None without such.
    """

    run: RunFolder
    test: TestSet
    seen: int
    classified: Tensor | None

    @property
    def classes(self) -> tuple[int, int]:
        """How many are seen and unseen."""
        return self.seen, len(self.test.classes) - self.seen

    @property
    def clips(self) -> tuple[int, int]:
        """How many show seen and unseen classes."""
        seen = int((self.test.labels < self.seen).sum())
        return seen, len(self.test.labels) - seen


def asked_of(folder: RunFolder, config: TrainingConfig, *, device: str) -> tuple[Asked, Asked]:
    """The run with the test clips of all classes, and its second run with what that was not shown of the seen ones.

    Raises :class:`SkeltextError` where there are too few clips, and for a first stage whose second run has learnt from
    clips that are kept for calibration.
    """
    _, split, store, preprocessing = open_dataset(config)
    held = hold_out(split, fraction=config.pseudo_unseen)
    clips, trains = split_clips(store, split), training_clips(store, split, config)
    names = np.array(store.classes)[store.labels]
    kept = calibration_clips(store, trains, share=config.calibration)
    kept = kept[np.isin(names[kept], held.seen)]
    stages = pretrained_encoders(config, {folder: split, folder.held_out: held})
    experts = _classifiers(stages, config, {folder: split.seen, folder.held_out: held.seen})
    pseudo_unseen = trains[np.isin(names[trains], held.unseen)]
    shown = {folder: (clips.seen_test, clips.test), folder.held_out: (kept, pseudo_unseen)}
    parts = []
    for (run, sides), classes in zip(shown.items(), (split, held), strict=True):
        if run in stages:
            _require_new(stages[run], sides[0], config)
        require(
            min(map(len, sides)) >= FEWEST,
            f"{run.path} has {len(sides[0])} clips of seen and {len(sides[1])} of unseen classes to be asked about,"
            f" expected at least {FEWEST} of each; prepare the whole data set or train with a larger --calibration",
        )
        indices = np.sort(np.concatenate(sides))
        test = load_test_set(
            store, indices, classes.seen + classes.unseen, config, preprocessing, exemplars=indices[:0]
        )
        classified = _classified(experts[run], test, classes.seen, device=device) if experts else None
        parts.append(Asked(run=run, test=test, seen=len(classes.seen), classified=classified))
    return parts[0], parts[1]


def _require_new(stage: PretrainedEncoder, clips: Indices, config: TrainingConfig) -> None:
    """The clips of seen classes that a run is asked about must be new to the encoder that it had from a first stage."""
    run = stage.origin.parents[1]
    second = run.name == HELD_OUT
    settings = (run.parent if second else run) / CONFIG
    if not settings.exists():  # a checkpoint alone, of which nobody knows more than the classes it learnt
        return
    first = replace(TrainingConfig.from_yaml(settings), store=config.store)
    if first.dataset != config.dataset:
        return
    _, split, its_store, _ = open_dataset(first)
    trains = training_clips(its_store, split, first)
    left_out = calibration_clips(its_store, trains, share=first.calibration if second else 0.0)
    learnt = np.isin(clips, np.setdiff1d(trains, left_out)).sum()  # a view merges classes and keeps the numbers
    require(
        not learnt,
        f"the first stage {run} has learnt from {learnt} of the {len(clips)} clips of seen classes that"
        f" {config.method} is to be asked about; train it with the same clips, --protocol and --calibration"
        f" {config.calibration}",
    )


def _classifiers(
    stages: Mapping[RunFolder, PretrainedEncoder], config: TrainingConfig, seen: Mapping[RunFolder, tuple[str, ...]]
) -> Mapping[RunFolder, PretrainedEncoder]:
    """The first stages, if both are frozen classifiers of all classes that are seen in their runs; else none."""
    knows = [
        stage.card.model.method == "classifier" and set(seen[run]) <= set(stage.card.labels)
        for run, stage in stages.items()
    ]
    return stages if config.frozen and all(knows) else {}


def _classified(stage: PretrainedEncoder, test: TestSet, seen: Sequence[str], *, device: str) -> Tensor:
    """(N, S) what the head of a first stage says of the `seen` classes, before its softmax."""
    method = load_method(stage.card, stage.origin, device=device)
    assert isinstance(method, Classifier)
    features = clip_features(method, stage.card, test.store, test.indices)
    learnt = list(stage.card.labels)
    with torch.inference_mode():
        logits = method.head(features.to(method.head.weight.device)).cpu()
    return torch.stack([logits[:, learnt.index(name)] for name in seen], dim=1)


def judge(
    asked: Asked, config: TrainingConfig, epoch: int, *, device: str, precision: Precision
) -> tuple[Judged, Tensor]:
    """What both experts say of the clips, and the scores (N, S + U) among all classes, under the weights of an epoch.

    The method itself is the expert of the unseen classes; it is that of the seen ones as well where no classifier is.
    """
    card = load_card(asked.run.checkpoint)
    method = load_method(card, *asked.run.weights_after(epoch), device=device)
    embedded = embed_test_set(method, card, asked.test, frozen=config.frozen, precision=precision)
    assert embedded.scores is not None
    place = next(method.parameters()).device
    here = embedded.features.to(place)

    def among(texts: Tensor) -> Tensor:
        """(N, K) scores among these classes alone, scaled for a softmax."""
        method.prepare(texts.to(place))
        with torch.inference_mode():
            return method.score_scale * method.scores(here, texts.to(place)).float().cpu()

    seen, unseen = asked.test.texts[: asked.seen], asked.test.texts[asked.seen :]
    judged = Judged(
        unseen=F.softmax(among(unseen), dim=1), seen=among(seen) if asked.classified is None else asked.classified
    )
    return judged, embedded.scores
