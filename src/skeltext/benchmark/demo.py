"""The main job on the built-in motion set: prepare, train, evaluate, report."""

from __future__ import annotations

from pathlib import Path

from skeltext.benchmark.evaluation import evaluate_runs
from skeltext.benchmark.presets import load_preset
from skeltext.benchmark.training import train_all
from skeltext.datasets.prepare import prepare
from skeltext.evaluation.results import Evaluation
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig


def run_demo(out: Path, *, seed: int, device: str, quiet: bool) -> tuple[Evaluation, Path]:
    """Everything that `skeltext demo` does; returns the evaluation and the page it wrote."""
    preset = load_preset("demo")
    store = out / "store"
    with ProgressBars(quiet=quiet) as bars:
        if not store.exists():
            prepare("builtin", out=store, progress=bars.counter("making motions", unit="clips"))
        config = TrainingConfig(**preset.settings, store=store, device=device)
        runs = train_all(config, splits=list(preset.splits), seeds=[seed], out=out, bars=bars)
        report = out / "report.html"
        return evaluate_runs(runs, device=device, report=report, bars=bars), report
