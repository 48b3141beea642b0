"""The measured process: ``python -m skeltext.benchmark.bench.child STAGE VARIANT FOLDER SETTINGS``.

It makes its task, warms up with one call and says ``ready``. Then every line on its input is an order: ``round``
measures calls, ``end`` tells what was used in all. Answers are JSON, one a line; between orders it waits on the pipe.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from skeltext.benchmark.bench.registry import stage_named
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Task
from skeltext.errors import SkeltextError
from skeltext.machine import configure_threads

PREPARE = "prepare"  # the variant of no stage: make what the others read
ROUND = 0.2  # seconds that a round is filled with calls, so that a short one is not lost in the grain of the clock


def timed(task: Task) -> dict[str, float]:
    """Seconds of a call, on the clock and of the processor, over as many calls as fill a round."""
    calls, cpu, began = 0, task.cpu_clock(), time.perf_counter()
    while calls == 0 or time.perf_counter() - began < ROUND:
        task.run()
        calls += 1
    return {"wall": (time.perf_counter() - began) / calls, "cpu": (task.cpu_clock() - cpu) / calls}


def ended(task: Task, result: Path) -> dict[str, Any]:
    """What the process used in all; what `task` computes goes to the file `result`."""
    peak = task.peak()  # first, because counting and computing once more take memory of their own
    if task.result:
        np.save(result, task.result())
    return {
        "items": task.items,
        "peak": peak,
        "moved": task.moved,
        "published": task.published() if task.published else None,
    }


def serve(
    stage: str, variant: str, folder: Path, settings: BenchSettings, *, orders: Iterable[str], to: TextIO
) -> None:
    """Answer `orders` about a variant of a stage until there are none."""

    def answer(values: dict[str, Any]) -> None:
        print(json.dumps(values), file=to, flush=True)

    try:
        chosen = stage_named(stage)
        if variant == PREPARE:
            chosen.prepare(settings, folder)
            answer({"ready": True})
            return
        task = chosen.task(variant, settings, folder)
        task.run()
    except SkeltextError as error:  # a piece is missing here, which leaves a cell empty and stops nothing else
        answer({"missing": str(error)})
        return
    answer({"ready": True})
    for order in orders:
        answer(timed(task) if order.strip() == "round" else ended(task, result_path(folder, stage, variant)))


def result_path(folder: Path, stage: str, variant: str) -> Path:
    """Where a process leaves what its variant computes."""
    return folder / f"{stage}-{variant}.npy"


if __name__ == "__main__":
    configure_threads()  # before a stage loads torch
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    name, which, place, options = sys.argv[1:]
    serve(name, which, Path(place), BenchSettings(**json.loads(options)), orders=sys.stdin, to=answers)
