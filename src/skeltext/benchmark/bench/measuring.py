"""Stages to results: every contender in a process of its own, all of them in turn, round by round."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from skeltext.benchmark.bench import machine
from skeltext.benchmark.bench.child import result_path
from skeltext.benchmark.bench.process import MeasuredProcess, prepared
from skeltext.benchmark.bench.registry import stage_named
from skeltext.benchmark.bench.results import BenchResult, Measured, Peaks, RowResult
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Contender, Row, Stage
from skeltext.progress import ProgressBars
from skeltext.skeletons.layouts import layout_named

PEAK = "peak"  # the stage that measures the machine


class Asked(Protocol):
    """What a round is asked of."""

    def ask(self, order: str) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        ...


def interleaved(
    processes: Mapping[Contender, Asked], *, rounds: int, report: Callable[[], None]
) -> dict[Contender, Measured]:
    """Let every process measure one round, then every one the next, so that a slow minute meets them all."""
    times: dict[Contender, list[dict[str, float]]] = {contender: [] for contender in processes}
    for _ in range(rounds):
        for contender, process in processes.items():
            times[contender].append(process.ask("round"))
            report()
    return {
        contender: Measured(
            wall=tuple(time["wall"] for time in times[contender]),
            cpu=tuple(time["cpu"] for time in times[contender]),
            **process.ask("end"),
        )
        for contender, process in processes.items()
    }


def measure_stage(
    stage: Stage, settings: BenchSettings, folder: Path, *, report: Callable[[], None]
) -> tuple[dict[Contender, Measured], dict[Contender, str]]:
    """All contenders of a stage: what was measured, and the sentences why some could not be.

    `report` is called once for each when it is warm, and once for each of its rounds.
    """
    reason = prepared(stage.name, settings, folder)
    if reason:
        return {}, dict.fromkeys(stage.contenders, reason)
    missing, processes = {}, {}
    with ExitStack() as stack:
        for contender in stage.contenders:
            process = stack.enter_context(MeasuredProcess(stage.name, contender, settings, folder)).started()
            report()
            if process.missing:
                missing[contender] = process.missing
            else:
                processes[contender] = process
        return interleaved(processes, rounds=settings.rounds, report=report), missing


def row_result(
    stage: Stage, row: Row, measured: Mapping[Contender, Measured], missing: Mapping[Contender, str], folder: Path
) -> RowResult:
    """The line of a row; what its subject and reference computed is compared where both left it."""
    subject, *references = row.contenders
    results = [result_path(folder, stage.name, variant) for variant in (row.subject, row.reference)]
    both = subject in measured and all(path.exists() for path in results)
    reasons = [missing[contender] for contender in row.contenders if contender in missing]
    if subject in measured and measured[subject].peak is None:
        reasons.append(f"the peak memory of {row.name} is not told by this system")
    return RowResult(
        stage=stage.name,
        name=row.name,
        unit=stage.unit,
        roof=stage.roof,
        measured=measured.get(subject),
        references={reference.allocator: measured[reference] for reference in references if reference in measured},
        agreement=stage.agreement(*(np.load(path) for path in results)) if both else {},
        missing=tuple(dict.fromkeys(reasons)),
    )


def measure(names: Sequence[str], settings: BenchSettings, *, bars: ProgressBars) -> BenchResult:
    """The stages of these names, after the peak of the machine where one of them is compared with it."""
    layout_named(settings.layout)  # an unknown one is told before anything is measured
    stages = [stage_named(name) for name in names]
    before = machine.load_average()
    with tempfile.TemporaryDirectory(prefix="skeltext-bench-") as scratch:
        folder = Path(scratch)
        peaks = _peaks(settings, folder, bars) if any(stage.roof for stage in stages) else None
        rows = []
        for stage in stages:
            measured, missing = measure_stage(stage, settings, folder, report=_bar(bars, stage, settings))
            rows += [row_result(stage, row, measured, missing, folder) for row in stage.rows]
    return BenchResult(
        settings=asdict(settings),
        basis=settings.basis,
        machine=machine.description(),
        load=(before, machine.load_average()),
        peaks=peaks,
        rows=tuple(rows),
    )


def _peaks(settings: BenchSettings, folder: Path, bars: ProgressBars) -> Peaks:
    stage = stage_named(PEAK)
    measured, _ = measure_stage(stage, settings, folder, report=_bar(bars, stage, settings))
    best = {contender.variant: found.best_rate(settings.basis) for contender, found in measured.items()}
    return Peaks(**best)


def _bar(bars: ProgressBars, stage: Stage, settings: BenchSettings) -> Callable[[], None]:
    """A progress bar for all rounds of a stage."""
    report = bars.stage(f"measuring {stage.name}", len(stage.contenders) * (settings.rounds + 1))
    done = iter(range(1, len(stage.contenders) * (settings.rounds + 1) + 1))
    return lambda: report(next(done), {})
