"""The command `skeltext train`: presets, several splits and seeds, one run each."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.benchmark.presets import load_preset
from skeltext.datasets.registry import dataset_named
from skeltext.encoders.registry import add_encoder
from skeltext.methods.registry import add_method
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.texts.registry import add_text_space


def train_all(
    config: TrainingConfig, *, splits: list[str], seeds: list[int], out: Path, bars: ProgressBars
) -> list[Run]:
    """One finished run in `out` for every split and seed; runs that are complete are left as they are."""
    from skeltext.training.train_run import train_run

    dataset = dataset_named(config.dataset)
    for split in splits:
        dataset.split(split)  # an unknown one is told before the others are trained
    runs = []
    for split in splits:
        for seed in seeds:
            folder = RunFolder(out / f"split-{split}_seed-{seed}")
            train_run(replace(config, split=split, seed=seed), folder, watcher=bars)
            runs.append(Run.open(folder.path))
    return runs


def with_own_files(config: TrainingConfig) -> TrainingConfig:
    """The settings with names of method, encoder and text space where they give Python files, which are added."""
    if config.method.endswith(".py"):
        config = replace(config, method=add_method(Path(config.method)))
    if config.encoder.endswith(".py"):
        config = replace(config, encoder=add_encoder(Path(config.encoder)))
    if config.text_space.endswith(".py"):
        config = replace(config, text_space=add_text_space(Path(config.text_space)))
    return config


def train(
    *,
    preset: str | None = None,
    recipe: str | None = None,
    out: Path | None = None,
    splits: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    seeds: Annotated[list[int] | None, Parameter(consume_multiple=True, negative="")] = None,
    config: Annotated[TrainingConfig | None, Parameter(name="*")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Train on the seen classes of a data set. The unseen ones are not read.

    Parameters
    ----------
    preset
        Settings under a name: demo, utd-mhad, kinect20 and others; an unknown name lists them.
    recipe
        How a method was published to be trained, put over the preset: pgfa, classifier, devise and others; an unknown
        name lists them. Or the Python file of a method of your own, with its recipe beside it. The first stage of a
        recipe is looked for where its own recipe trains it by default.
    out
        Folder of the runs; runs/PRESET or runs/DATASET by default, with -RECIPE if there is one.
    splits
        Class splits, one run each; those of the preset by default, else --split.
    seeds
        Seeds, one run each; those of the preset by default, else --seed.
    as_json
        Print one JSON object on stdout and nothing else there.
    """
    config = with_own_files(config or TrainingConfig())
    chosen = load_preset(preset) if preset else None
    folder = out or Path("runs") / "-".join(filter(None, (preset or config.dataset, recipe and Path(recipe).stem)))
    with ProgressBars(quiet=as_json) as bars:
        runs = train_all(
            config,
            splits=splits or (list(chosen.splits) if chosen else [config.split]),
            seeds=seeds or (list(chosen.seeds) if chosen else [config.seed]),
            out=folder,
            bars=bars,
        )
    if not as_json:
        text = f"{len(runs)} runs are complete; `skeltext evaluate {folder}` tells how well they recognise"
        Console().print(text, markup=False, highlight=False, soft_wrap=True)
        return
    done = []
    for run in runs:
        metrics = run.folder.metrics()
        done.append(
            {
                "path": str(run.folder.path),
                "split": run.config.split,
                "seed": run.config.seed,
                "epochs": len(metrics),
                "loss": metrics[-1]["loss"],
            }
        )
    print(json.dumps({"runs": done}, indent=1))
