"""Generalised zero-shot evaluation of a run: clips of seen and unseen classes, recognised among the classes of both.

Seen and unseen classes are weighed against each other by a calibrated gate or by calibrated stacking. Whatever that
takes is fitted on the second run, whose pseudo-unseen classes it was not shown, against clips of its own seen classes
that it was not shown either (the setting ``calibration``). No test clip has a say in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np
import torch

from skeltext.datasets.dataset import EVERY_CLIP
from skeltext.errors import require
from skeltext.evaluation.calibrated_gate import Gate, GateRule, Judged, fit_gate
from skeltext.evaluation.calibrated_stacking import best_gamma, stacked_predictions
from skeltext.evaluation.experts import Asked, asked_of, judge
from skeltext.evaluation.generalised_accuracy import GeneralisedAccuracy, generalised_accuracy
from skeltext.evaluation.generalised_results import WAYS, Calibration, FittedGate, Generalised, Way
from skeltext.evaluation.predictions import Ints
from skeltext.machine import keep_freed_memory
from skeltext.methods.registry import method_named
from skeltext.recognizer.embedding import Precision
from skeltext.runs.run import Run

SHARE = 0.2  # of the clips that a run without any for calibration is advised to keep


def require_generalised(run: Run) -> None:
    """Raise :class:`SkeltextError` if a run cannot be tested on seen and unseen classes at once."""
    config = run.config
    require(
        method_named(config.method).route == "zero-shot",
        f"{config.method} is no zero-shot method, so it weighs no seen against unseen classes; leave out --generalised",
    )
    require(
        min(config.calibration, config.pseudo_unseen) > 0,
        f"the run has calibration {config.calibration} and pseudo_unseen {config.pseudo_unseen}, expected shares above"
        f" 0 to weigh seen against unseen classes by; train it and its first stage with --calibration {SHARE}",
    )
    require(
        run.split.protocol != EVERY_CLIP,
        f"split {config.split} of {config.dataset} trains on every clip of the seen classes, so none is left to test"
        " on; train with --protocol, for instance by subjects",
    )


def generalised_result(
    run: Run,
    *,
    epochs: Mapping[str, int | None] | None = None,
    device: str = "cpu",
    precision: Precision = "32-true",
) -> Generalised:
    """S, U and H of a finished run in all ways.

    `epochs` says which epoch each rule took, as ``RunResult.chosen["plain"]`` has it; the last one alone by default.
    The second run's weights of the same epoch calibrate. Raises :class:`SkeltextError` where
    :func:`require_generalised` or :func:`~skeltext.evaluation.experts.asked_of` does.
    """
    keep_freed_memory()
    require_generalised(run)
    config = run.config
    test, second = asked_of(run, device=device)
    wanted = {"last": config.epochs - 1} if epochs is None else epochs
    found = {
        epoch: _at_epoch(test, second, epoch, device=device, precision=precision)
        for epoch in sorted({epoch for epoch in wanted.values() if epoch is not None})
    }
    return Generalised(
        name=run.name,
        dataset=config.dataset,
        method=config.method,
        split=config.split,
        seed=config.seed,
        seen_expert="method" if test.classified is None else "classifier",
        classes=test.classes,
        clips=test.clips,
        calibration_classes=second.classes,
        calibration_clips=second.clips,
        table={
            way: {rule: None if epoch is None else found[epoch][1][way] for rule, epoch in wanted.items()}
            for way in WAYS
        },
        fitted={rule: None if epoch is None else found[epoch][0] for rule, epoch in wanted.items()},
    )


def _at_epoch(
    test: Asked, second: Asked, epoch: int, *, device: str, precision: Precision
) -> tuple[Calibration, dict[Way, GeneralisedAccuracy]]:
    """What the second run's weights of an epoch calibrate, and how well those of the run then recognise."""
    judged, scores = judge(second, epoch, device=device, precision=precision)
    is_seen = torch.from_numpy(second.test.labels < second.seen)
    unseen, seen = (Judged(unseen=judged.unseen[side], seen=judged.seen[side]) for side in (~is_seen, is_seen))
    width = min(*test.classes, *second.classes)
    gates = {rule: fit_gate(unseen, seen, width=width, rule=rule) for rule in get_args(GateRule)}
    gamma = best_gamma(scores, second.test.labels, seen=second.seen)
    judged, scores = judge(test, epoch, device=device, precision=precision)
    predicted: dict[Way, Ints] = {
        "published gate": _gated(gates["published"], judged),
        "sound gate": _gated(gates["sound"], judged),
        "stacking": stacked_predictions(scores, seen=test.seen, gamma=gamma),
    }
    calibration = Calibration(epoch=epoch, gates={rule: _figures(gate) for rule, gate in gates.items()}, gamma=gamma)
    labels = test.test.labels
    return calibration, {way: generalised_accuracy(labels, predicted[way], seen=test.seen) for way in WAYS}


def _gated(gate: Gate, judged: Judged) -> Ints:
    """(N,) the best seen class where the gate says seen, else the best unseen one."""
    seen, unseen = judged.seen.argmax(dim=1).numpy(), judged.unseen.argmax(dim=1).numpy()
    return np.where(gate.says_seen(judged), seen, judged.seen.shape[1] + unseen)


def _figures(gate: Gate) -> FittedGate:
    return FittedGate(
        temperature=gate.temperature,
        threshold=gate.threshold,
        accuracy=gate.accuracy,
        weights=gate.regression.weights.tolist(),
        bias=gate.regression.bias.item(),
    )
