"""Whom a generalised test asks: an expert of the seen and one of the unseen classes, and the clips they are shown.

The run is asked about the test clips of all classes, its second run about training clips that it was not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.datasets.splitting import Indices
from skeltext.errors import require
from skeltext.evaluation.calibrated_gate import FEWEST, Judged
from skeltext.evaluation.predictions import TestSet, embed_test_set, load_test_set
from skeltext.methods.first_stages.classifier import Classifier
from skeltext.recognizer.card import load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.recognizer.embedding import Precision
from skeltext.recognizer.feature_cache import clip_features
from skeltext.runs.folder import RunFolder
from skeltext.runs.pretrained import PretrainedEncoder, pretrained_encoders
from skeltext.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A run with the clips that it is asked about, of ``seen`` classes, which come first, and of others.

    ``classified`` (N, S) is what the classifier says of them whose frozen encoder the run has; None without such.
    """

    run: Run
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


def asked_of(run: Run, *, device: str) -> tuple[Asked, Asked]:
    """The run with the test clips of all classes, and its second run with what that was not shown of the seen ones.

    Raises :class:`SkeltextError` where there are too few clips, and for a first stage whose second run has learned from
    clips that are kept for calibration.
    """
    assert run.held_out is not None
    stages = pretrained_encoders(run)
    experts = _classifiers(stages, run)
    shown = {run: run.test_clips, run.held_out: run.held_out.pseudo_unseen_clips}
    parts = []
    for part, unseen in shown.items():
        seen = part.seen_test_clips
        if part.folder in stages:
            _require_new(stages[part.folder], seen, run)
        require(
            min(len(seen), len(unseen)) >= FEWEST,
            f"{part.folder.path} has {len(seen)} clips of seen and {len(unseen)} of unseen classes to be asked about,"
            f" expected at least {FEWEST} of each; prepare the whole data set or train with a larger --calibration",
        )
        test = load_test_set(
            part,
            prepare=run.preprocessing,
            clips=np.sort(np.concatenate([seen, unseen])),
            classes=part.split.seen + part.split.unseen,
        )
        classified = _classified(experts[part.folder], test, part.split.seen, device=device) if experts else None
        parts.append(Asked(run=part, test=test, seen=len(part.split.seen), classified=classified))
    return parts[0], parts[1]


def _require_new(stage: PretrainedEncoder, clips: Indices, run: Run) -> None:
    """The clips of seen classes that a run is asked about must be new to the encoder that it had from a first stage."""
    first = stage.run(store=run.config.store)
    if first is None or first.config.dataset != run.config.dataset:  # of a checkpoint alone nobody knows more
        return
    learned = np.isin(clips, first.training_clips).sum()  # a view merges classes and keeps the numbers
    require(
        not learned,
        f"the first stage {first.folder.path} has learnt from {learned} of the {len(clips)} clips of seen classes that"
        f" {run.config.method} is to be asked about; train it with the same clips, --protocol and --calibration"
        f" {run.config.calibration}",
    )


def _classifiers(stages: Mapping[RunFolder, PretrainedEncoder], run: Run) -> Mapping[RunFolder, PretrainedEncoder]:
    """The first stages, if both are frozen classifiers of all classes that are seen in their runs; else none."""
    knows = [
        stages[part.folder].card.model.method == "classifier"
        and set(part.split.seen) <= set(stages[part.folder].card.labels)
        for part in run.parts
        if stages
    ]
    return stages if run.frozen and all(knows) else {}


def _classified(stage: PretrainedEncoder, test: TestSet, seen: Sequence[str], *, device: str) -> Tensor:
    """(N, S) what the head of a first stage says of the `seen` classes, before its softmax."""
    method = load_method(stage.card, stage.origin, device=device)
    assert isinstance(method, Classifier)
    features = clip_features(method, stage.card, test.store, test.indices)
    learnt = list(stage.card.labels)
    with torch.inference_mode():
        logits = method.head(features.to(method.head.weight.device)).cpu()
    return torch.stack([logits[:, learnt.index(name)] for name in seen], dim=1)


def judge(asked: Asked, epoch: int, *, device: str, precision: Precision) -> tuple[Judged, Tensor]:
    """What both experts say of the clips, and the scores (N, S + U) among all classes, under the weights of an epoch.

    The method itself is the expert of the unseen classes; it is that of the seen ones as well where no classifier is.
    """
    card = load_card(asked.run.folder.checkpoint)
    method = load_method(card, *asked.run.folder.weights_after(epoch), device=device)
    embedded = embed_test_set(method, card, asked.test, frozen=asked.run.frozen, precision=precision)
    assert embedded.scores is not None
    place = method.device
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
