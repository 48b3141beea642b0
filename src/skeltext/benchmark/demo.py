"""The main job on the built-in motion set: prepare, train, evaluate, report, by PGFA and by our own recipe."""

from __future__ import annotations

from pathlib import Path

from skeltext.benchmark.evaluation import evaluate_runs
from skeltext.benchmark.presets import load_preset
from skeltext.benchmark.recipes import load_recipe
from skeltext.benchmark.training import train_all
from skeltext.datasets.prepare import prepare
from skeltext.evaluation.results import Evaluation
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig

OURS = "ensemble"  # the recipe that is shown beside the settings of the preset
OUR_TEXT_SPACE = "lexical"


def run_demo(out: Path, *, seed: int, device: str, quiet: bool) -> tuple[dict[str, Path], dict[str, Evaluation]]:
    """Everything that `skeltext demo` does; returns pages and evaluations by recipe.

    The first has the settings of the preset, which are those of PGFA; the second has a folder of its own.
    """
    preset = load_preset("demo")
    ours = {**preset.settings, **load_recipe(OURS).settings, "text_space": OUR_TEXT_SPACE}
    store = out / "store"
    found, pages = {}, {}
    with ProgressBars(quiet=quiet) as bars:
        if not store.exists():
            prepare("builtin", out=store, progress=bars.counter("making motions", unit="clips"))
        for name, settings, folder in (("pgfa", preset.settings, out), (OURS, ours, out / OURS)):
            config = TrainingConfig(**settings, store=store, device=device)
            runs = train_all(config, splits=list(preset.splits), seeds=[seed], out=folder, bars=bars)
            pages[name] = folder / "report.html"
            found[name] = evaluate_runs(runs, device=device, report=pages[name], bars=bars)
    return pages, found
