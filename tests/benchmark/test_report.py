"""The report: every number is there, nothing in it runs or loads, and the page works in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.benchmark.report.figures import curve_data, moving_figure, moving_figures, worst_confusions
from skeltext.benchmark.report.projection import MAX_POINTS, feature_map
from skeltext.benchmark.report.report import write_report
from skeltext.benchmark.report.words import headline, percent
from skeltext.errors import SkeltextError
from skeltext.evaluation.results import KINDS, RULES, Curves, Evaluation, RunResult, Sample, Summary
from skeltext.skeletons.layouts import KINECT20

CLASSES = {
    "wave with the right hand": "Standing still, the person raises the right hand to head height with a bent elbow and "
    "swings it quickly left and right several times before lowering it.",
    "throw": "The person steps forward, brings the right hand back behind the head, then swings the arm forward overhead "
    "once and quickly until it points down in front.",
    "clap": "With the elbows bent at the sides, both hands meet in front of the chest and part again repeatedly and quickly.",
    "sit to stand": "From a seat the person leans the chest forward, pushes up by straightening hips and knees, and ends upright.",
    "forward lunge": "The left foot steps far forward and both knees bend until the back knee is near the floor, then the "
    "person pushes back to standing.",
    "boxing": "Both fists are held before the chin and shoot forward one after the other in quick straight punches.",
    "draw a circle, clockwise": "The extended right hand draws one large slow circle in front of the body, from overhead "
    "down past the right hip and up again on the left.",
}
HOSTILE = ['</script><img src=x onerror="window.hacked=1">', "\"'><svg onload=window.hacked=1>", "größer & 挥手 \u202e {{ 7*7 }}"]
STANDING = np.array(
    [[0, 1, 0], [0, 1.1, 0], [0, 1.45, 0], [0, 1.65, 0]]
    + [[s * x, y, 0] for s in (-1, 1) for x, y in ((0.18, 1.42), (0.25, 1.15), (0.28, 0.92), (0.28, 0.84))]
    + [[s * x, y, z] for s in (-1, 1) for x, y, z in ((0.1, 0.95, 0), (0.12, 0.5, 0), (0.12, 0.08, 0), (0.13, 0.03, -0.12))]
)


def moving_body(rng: np.random.Generator, *, frames: int = 60) -> np.ndarray[Any, Any]:
    """(1, T, V, 3): the right arm swings up and down, every joint wanders a little, some are missing now and then."""
    body = np.repeat(STANDING[None], frames, axis=0) + rng.normal(0, 0.004, (frames, 20, 3)).cumsum(axis=0)
    angle = rng.uniform(1, 2.6) * np.sin(np.linspace(0, rng.uniform(2, 9), frames)) ** 2
    for joint, reach in ((9, 0.28), (10, 0.5), (11, 0.58)):
        body[:, joint] += np.stack([0.4 * reach * np.sin(angle), reach * (1 - np.cos(angle)), -reach * np.sin(angle)], axis=1)
    body[rng.random((frames, 20)) < 0.01] = np.nan
    return body[None].astype(np.float32)


def rising(rng: np.random.Generator, *, end: float, epochs: int = 40) -> list[float]:
    """Accuracies that grow to about `end` with noise."""
    return (1 / 7 + (end - 1 / 7) * (1 - np.exp(-np.arange(epochs) / 9)) + rng.normal(0, 0.015, epochs)).clip(0, 1).tolist()


def fake_run(seed: int = 0, *, classes: list[str] | None = None, each: int = 30, samples: int = 8) -> RunResult:
    """A run with K classes, `each` clips per class and features that cluster around shifted anchors."""
    rng = np.random.default_rng(seed)
    names = classes or list(CLASSES)
    k, d = len(names), 48
    texts = rng.normal(0, 1, (k, d)) + 1.5
    centres = texts * 0.6 + rng.normal(0, 0.8, (k, d))
    labels = np.repeat(np.arange(k), each)
    features = centres[labels] + rng.normal(0, 0.75, (k * each, d))
    wrong = rng.integers(0, k, k * each)
    plain = np.where(rng.random(k * each) < 0.27, labels, np.minimum(wrong, np.roll(wrong, 1)))
    aligned = np.where(rng.random(k * each) < 0.4, labels, np.minimum(wrong, np.roll(wrong, 1)))
    last = {"plain": float((plain == labels).mean()), "aligned": float((aligned == labels).mean())}
    curves = {kind: [*rising(rng, end=last[kind], epochs=39), last[kind]] for kind in KINDS}
    pseudo = {kind: rising(rng, end=last[kind] + 0.08) for kind in KINDS}
    chosen = {
        kind: {"last": 40, "pseudo-unseen": int(np.argmax(pseudo[kind])) + 1, "oracle": int(np.argmax(curves[kind])) + 1}
        for kind in KINDS
    }
    table = {kind: {rule: curves[kind][epoch - 1] for rule, epoch in chosen[kind].items()} for kind in KINDS}
    shown = rng.permutation(k * each)[:samples]
    return RunResult(
        name=f"split {seed // 3 + 1}, seed {seed % 3}",
        dataset="utd-mhad",
        method="pgfa",
        split=str(seed // 3 + 1),
        seed=seed % 3,
        classes=names,
        descriptions=[CLASSES.get(name, f"How {name} looks.") for name in names],
        chance=1 / k,
        table=table,
        class_table={kind: {rule: value - 0.01 for rule, value in row.items()} for kind, row in table.items()},
        chosen=chosen,
        curves=Curves(
            epochs=list(range(1, 41)),
            loss=(0.4 + 3 * np.exp(-np.arange(40) / 10) + rng.normal(0, 0.03, 40)).tolist(),
            pseudo_plain=pseudo["plain"],
            pseudo_aligned=pseudo["aligned"],
            **curves,
        ),
        labels=labels,
        plain=plain,
        aligned=aligned,
        sources=["utd-mhad" if clip % 3 else "msr-action3d" for clip in range(k * each)],
        features=features.astype(np.float32),
        texts=texts.astype(np.float32),
        prototypes=(0.85 * centres + 0.15 * texts).astype(np.float32),
        samples=[
            Sample(
                id=f"a{clip:03d}_s{seed}",
                label=int(labels[clip]),
                plain=int(plain[clip]),
                aligned=int(aligned[clip]),
                fps=30.0,
                positions=moving_body(rng),
                bones=KINECT20.bones,
            )
            for clip in shown
        ],
    )


def summary_of(tables: list[dict[str, dict[str, float | None]]]) -> Summary:
    """Mean and spread of every cell."""
    cells = {kind: {rule: [table[kind][rule] for table in tables] for rule in RULES} for kind in KINDS}
    told = {kind: {rule: None not in values for rule, values in row.items()} for kind, row in cells.items()}

    def over(function: Any) -> dict[str, dict[str, float | None]]:
        return {
            kind: {rule: float(function(values)) if told[kind][rule] else None for rule, values in row.items()}
            for kind, row in cells.items()
        }

    return Summary(mean=over(np.mean), std=over(np.std))


def fake_evaluation(runs: list[RunResult]) -> Evaluation:
    return Evaluation(
        title="Actions never seen: UTD-MHAD, 7 unseen of 27",
        protocol="Three splits of the 27 actions into 20 seen and 7 unseen, three seeds each. Training uses the clips of the "
        "seen actions of the training subjects alone; the numbers are of all clips of the unseen actions.",
        command="skeltext evaluate --dataset utd-mhad --method pgfa --splits 1,2,3 --seeds 0,1,2",
        runs=runs,
        micro=summary_of([run.table for run in runs]),
        per_class=summary_of([run.class_table for run in runs]),
        chance=runs[0].chance,
        per_source={
            "utd-mhad": {"clips": 140, "plain": 0.2714, "aligned": 0.3512},
            "msr-action3d": {"clips": 70, "plain": 0.3007, "aligned": 0.4019},
        },
    )
