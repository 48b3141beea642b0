"""Where runs are made for the studies: each is trained once, kept under what decides it, and measured once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from filelock import FileLock

from skeltext.adaptation.registry import NamedStep
from skeltext.benchmark.presets import Preset
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.evaluation.predictions import Anchors
from skeltext.evaluation.results import RunResult, Table
from skeltext.evaluation.zero_shot import evaluate_run, usual_steps
from skeltext.formats.writing import made_folder, write_text
from skeltext.progress import ProgressBars
from skeltext.recognizer.checkpoint import read_tensors, write_tensors
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder
from skeltext.runs.run import OtherData, Run
from skeltext.training.train_run import train_run

ASIDE = ("device", "threads", "cuda_graphs", "store", "alpha")  # settings that do not decide what a training becomes
Figures = dict[str, Any]  # plain values by name, as JSON holds them


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the studies need of a run, as :class:`~skeltext.evaluation.results.RunResult` names it.

    ``table``, ``class_table`` and ``predicted`` are by the label of the test-time step, as are the moved ``anchors``.
    """

    classes: list[str]
    chance: float
    labels: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    texts: npt.NDArray[np.float32]
    table: Table
    class_table: Table
    predicted: dict[str, npt.NDArray[np.int64]]
    anchors: dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """What a reduced version leaves out: it shows in minutes that a study works and is no result.

    Only the first split and seed, ``epochs`` epochs and ``clips_per_class`` training clips of every class.
    """

    epochs: int = 5
    clips_per_class: int = 20
    batch_size: int = 32
    warmup: int = 1
    steps_per_epoch: int = 10

    def of(self, config: TrainingConfig) -> TrainingConfig:
        """The same settings, reduced."""
        return replace(
            config,
            epochs=min(self.epochs, config.epochs),
            clips_per_class=self.clips_per_class,
            batch_size=min(self.batch_size, config.batch_size),
            warmup=min(self.warmup, config.warmup),
            steps_per_epoch=min(self.steps_per_epoch, config.steps_per_epoch) if config.steps_per_epoch else None,
        )


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Runs and measurements below ``folder``, made of the stores below ``prepared``.

    ``settings`` replace those of every preset (text encoder, device and the like), ``seeds`` its seeds; of its splits
    the first ``most_splits`` are used. ``quick`` is the reduced version.
    """

    folder: Path
    prepared: Path
    bars: ProgressBars
    settings: Mapping[str, Any]
    seeds: tuple[int, ...] | None = None
    most_splits: int | None = None
    quick: Reduction | None = None

    def configs(
        self, preset: Preset, changes: Mapping[str, Any], splits: Sequence[str] | None = None
    ) -> list[TrainingConfig]:
        """The settings of every split and seed of a preset, with changes."""
        dataset = preset.settings.get("dataset", TrainingConfig.dataset)
        config = TrainingConfig(**{**preset.settings, **changes, **self.settings, "store": self.store_of(dataset)})
        chosen, seeds = tuple(splits or preset.splits)[: self.most_splits], self.seeds or preset.seeds
        if self.quick:
            config, chosen, seeds = self.quick.of(config), chosen[:1], seeds[:1]
        return [replace(config, split=split, seed=seed) for split in chosen for seed in seeds]

    def on_first_stages(
        self, configs: Sequence[TrainingConfig], stages: Sequence[TrainingConfig], *, finetune: bool
    ) -> list[TrainingConfig]:
        """The settings `configs` with the encoders of the runs of `stages`, which are trained now unless they are."""
        return [
            replace(config, pretrained=self.run(stage).folder.path, finetune=finetune)
            for config, stage in zip(configs, stages, strict=True)
        ]

    def store_of(self, dataset: str) -> Path:
        """The prepared store of a data set; :class:`SkeltextError` says what to get and where to put it."""
        folder = self.prepared / dataset
        if folder.exists():
            return folder
        if dataset_named(dataset).made_here:
            raise SkeltextError(f"{folder} does not exist; `skeltext prepare {dataset} --out {folder}` makes it")
        raise SkeltextError(
            f"{folder} does not exist; get the data set ({dataset_named(dataset).source}), then `skeltext prepare"
            f" {dataset} --raw FOLDER --out {folder}`, or name other data with --dataset"
        )

    def run(self, config: TrainingConfig) -> Run:
        """The finished run of these settings: trained now, gone on with, or as it lies there.

        Two commands that need the same run wait for each other instead of writing into one folder.
        """
        folder = RunFolder(made_folder(self.folder / "runs") / run_name(config))
        with FileLock(folder.path.with_name(f".{folder.path.name}.lock")):
            _claim(folder, config)
            train_run(config, folder, watcher=self.bars)
        return Run.open(folder.path)

    def measure(
        self,
        config: TrainingConfig,
        *,
        steps: Sequence[NamedStep] | None = None,
        by: Anchors = "texts",
        on: OtherData | None = None,
    ) -> Measured:
        """The run of these settings under each of the steps; what was measured before is read."""
        run = self.run(config)
        asked = usual_steps(run) if steps is None else tuple(steps)
        data = {"run": run.name, "by": by, **_where(on)}
        folder = made_folder(self.folder / "measured")
        places = {step.label: folder / _key(data | {"step": step.resolved(alpha=config.alpha).label}) for step in asked}
        missing = [step for step in asked if not places[step.label].with_suffix(".json").exists()]
        if missing:
            result = evaluate_run(
                run,
                steps=missing,
                by=by,
                on=on,
                device=config.device,
                progress=self.bars.counter(f"evaluating {run.name}"),
            )
            _keep(folder / _key(data), {"features": result.features, "texts": result.texts}, _clips(result))
            for step in missing:
                moved = result.anchors.get(step.label)
                _keep(places[step.label], {} if moved is None else {"anchors": moved}, _step(result, step.label))
        return _measured(folder / _key(data), places)

    def figures(self, run: Run, kind: str, find: Callable[[Run], Figures]) -> Figures:
        """What `find` makes of a run, found once and kept under the name `kind`."""
        place = self.folder / "measured" / f"{_key({'run': run.name, 'kind': kind})}.json"
        if not place.exists():
            made_folder(place.parent)
            write_text(place, json.dumps(find(run)))
        return _read(place)


def _claim(folder: RunFolder, config: TrainingConfig) -> None:
    """Tell a run that lies there where its data are now and what it is used for: its name says that all else agrees."""
    path = folder.path / CONFIG
    if path.exists():
        now = {name: getattr(config, name) for name in (*ASIDE, "pretrained", "descriptions")}
        replace(TrainingConfig.from_yaml(path), **now).to_yaml(path)


def run_name(config: TrainingConfig) -> str:
    """A readable name that ends in a hash of all that decides the run, so that different runs never meet."""
    assert config.store is not None
    usual = TrainingConfig().to_plain()  # a setting that is added later leaves the names of runs as they are
    content = {name: value for name, value in config.to_plain().items() if name not in ASIDE and value != usual[name]}
    if config.pretrained:
        content["pretrained"] = config.pretrained.name
    if config.descriptions:
        content["descriptions"] = hashlib.sha256(config.descriptions.read_bytes()).hexdigest()
    key = _key(content | {"store": open_store(config.store).hash})
    return f"{config.dataset}_{config.method}_split-{config.split}_seed-{config.seed}_{key[:12]}"


def _where(on: OtherData | None) -> dict[str, Any]:
    if on is None:
        return {}
    assert on.store is not None
    return {"on": [on.dataset, on.split, open_store(on.store).hash]}


def _key(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _clips(result: RunResult) -> Figures:
    """What a measurement says of the test clips, whatever the step."""
    return {"classes": result.classes, "chance": result.chance, "labels": result.labels.tolist()}


def _step(result: RunResult, label: str) -> Figures:
    """What a measurement says of one step; no predictions where it does not apply."""
    predicted = result.predicted.get(label)
    return {
        "table": result.table[label],
        "class_table": result.class_table[label],
        "predicted": None if predicted is None else predicted.tolist(),
    }


def _keep(place: Path, arrays: Mapping[str, npt.NDArray[np.float32]], figures: Figures) -> None:
    """Write a part of a measurement; the JSON comes last and alone says that it is complete."""
    write_tensors(place.with_suffix(".safetensors"), {name: torch.from_numpy(array) for name, array in arrays.items()})
    write_text(place.with_suffix(".json"), json.dumps(figures))


def _read(place: Path) -> Figures:
    try:
        plain: Figures = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SkeltextError(f"{place} is damaged ({error}); remove it and give the command again") from error
    return plain


def _measured(clips: Path, steps: Mapping[str, Path]) -> Measured:
    figures = {label: _read(place.with_suffix(".json")) for label, place in steps.items()}
    moved = {label: read_tensors(place.with_suffix(".safetensors")) for label, place in steps.items()}
    shared, arrays = _read(clips.with_suffix(".json")), read_tensors(clips.with_suffix(".safetensors"))
    return Measured(
        classes=shared["classes"],
        chance=shared["chance"],
        labels=np.array(shared["labels"], np.int64),
        features=arrays["features"].numpy(),
        texts=arrays["texts"].numpy(),
        table={label: found["table"] for label, found in figures.items()},
        class_table={label: found["class_table"] for label, found in figures.items()},
        predicted={
            label: np.array(found["predicted"], np.int64)
            for label, found in figures.items()
            if found["predicted"] is not None
        },
        anchors={label: tensors["anchors"].numpy() for label, tensors in moved.items() if "anchors" in tensors},
    )
