"""What the figures of the report are drawn from: plain data, made to be small."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.benchmark.report.projection import feature_map
from skeltext.evaluation.results import Curves, RunResult, Sample

MAX_FRAMES = 120  # of one moving figure; longer clips are thinned and the page interpolates
FPS = 15.0  # enough for the page to interpolate from
MISSING = -32768  # a coordinate that was not tracked
UNIT = 8000  # int16 steps per size of the figure, which leaves room for four sizes in every direction


def run_data(run: RunResult, *, motion_bytes: int) -> dict[str, Any]:
    """Everything the page draws for one run, ready for JSON; moving figures stop where `motion_bytes` are used up.

    ``steps`` are those that apply to the method.
    """
    steps = [step for step in run.steps if step in run.predicted]
    others = [step for step in run.steps if step not in run.predicted]
    summary = f"{run.dataset}, {run.method}, split {run.split}, seed {run.seed}: {len(run.labels)} test clips"
    return {
        "steps": steps,
        "classes": run.classes,
        "descriptions": run.descriptions,
        "summary": f"{summary}. Not here, since it does not apply: {', '.join(others)}." if others else summary,
        "chance": run.chance,
        "curves": curve_data(run.curves),
        "chosen": run.chosen,
        "confusion": {step: run.confusion(step).tolist() for step in steps},
        "worst": {step: worst_confusions(run, step) for step in steps},
        "map": feature_map(run),
        "sampleCount": len(run.samples),
        "samples": moving_figures(run.samples, limit=motion_bytes),
    }


def curve_data(curves: Curves) -> dict[str, Any]:
    """The curves with None for what was not measured or is not finite, each as long as the epochs."""
    length = len(curves.epochs)
    return {
        "epochs": curves.epochs,
        "loss": _finite(curves.loss, length),
        "unseen": {step: _finite(values, length) for step, values in curves.unseen.items()},
        "pseudoUnseen": {step: _finite(values, length) for step, values in curves.pseudo_unseen.items()},
    }


def _finite(values: Sequence[float | None], length: int) -> list[float | None]:
    """`values` with five decimals, padded with None to `length`: JSON knows no NaN."""
    told = [None if value is None or not math.isfinite(value) else round(float(value), 5) for value in values]
    return (told + [None] * length)[:length]


def worst_confusions(run: RunResult, step: str, *, top: int = 5) -> list[dict[str, int]]:
    """The pairs (truth, predicted) that `step` confuses most often, and how often the first step did, ``before``."""
    before, after = run.confusion(run.steps[0]), run.confusion(step)
    wrong = after * (1 - np.eye(len(after), dtype=np.int64))
    pairs = [divmod(int(flat), len(after)) for flat in np.argsort(-wrong, axis=None, kind="stable")[:top]]
    return [
        {
            "truth": truth,
            "predicted": predicted,
            "count": int(after[truth, predicted]),
            "before": int(before[truth, predicted]),
            "clips": int(after[truth].sum()),
        }
        for truth, predicted in pairs
        if wrong[truth, predicted] > 0
    ]


def moving_figures(samples: Sequence[Sample], *, limit: int) -> list[dict[str, Any]]:
    """As many samples, in their order, as fit into `limit` bytes; samples without any tracked joint are left out."""
    figures: list[dict[str, Any]] = []
    for sample in samples:
        if np.isfinite(sample.positions).all(axis=3).any():
            figure = moving_figure(sample)
            limit -= len(figure["data"])
            if limit < 0:
                break
            figures.append(figure)
    return figures


def moving_figure(sample: Sample) -> dict[str, Any]:
    """One sample as base64 of little-endian int16 (M, T, V, 3): the floor is at height 0, the figure has size 1.

    Key points in a picture, whose y is down, stand upright in a plane.
    """
    bodies, length, joints, _ = sample.positions.shape
    stride = max(1, math.ceil(length / MAX_FRAMES), int(sample.fps / FPS))
    x = sample.positions[:, ::stride].astype(np.float64)
    if x.shape[3] == 2:
        x = np.stack([x[..., 0], -x[..., 1], np.zeros(x.shape[:3])], axis=3)
    low, high = np.nanpercentile(
        x.reshape(-1, 3), [1, 99], axis=0
    )  # a joint that jumps away must not shrink the figure
    origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    size = max(high[1] - low[1], math.hypot(high[0] - low[0], high[2] - low[2]), 1e-6)
    tracked = np.isfinite(x).all(axis=3, keepdims=True)
    steps = np.clip(np.nan_to_num((x - origin) / size * UNIT), MISSING + 1, -MISSING - 1).round()
    packed: npt.NDArray[np.int16] = np.where(tracked, steps, MISSING).astype("<i2")
    return {
        "id": sample.id,
        "label": sample.label,
        "predicted": sample.predicted,
        "fps": sample.fps / stride,
        "shape": [bodies, packed.shape[1], joints],
        "bones": sample.bones,
        "data": base64.b64encode(packed.tobytes()).decode("ascii"),
    }
