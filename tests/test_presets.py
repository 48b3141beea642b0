"""Every preset that ships names what exists and trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from skeltext.benchmark import presets as presets_module
from skeltext.benchmark.presets import load_preset, preset_names
from skeltext.benchmark.training import train_all
from skeltext.datasets.dataset import EVERY_CLASS, ClassSplit, Dataset, Sample
from skeltext.datasets.registry import DATASETS, dataset_named
from skeltext.datasets.store_writing import Outcome, write_store
from skeltext.encoders.registry import is_fixed
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout
from skeltext.texts.descriptions import class_texts

NARROW = {"hidden": 4, "features": 16}


def made_up_clip(seed: int, layout: Layout) -> Clip:
    """A clip in which every joint wanders."""
    steps = np.random.default_rng(seed).normal(0, 0.05, (1, 20, layout.V, layout.C))
    places = np.random.default_rng(1).normal(0, 0.5, (layout.V, layout.C))
    return Clip(positions=np.asarray(places + steps.cumsum(axis=1), np.float32), layout=layout, fps=30.0)


def made_up_outcomes(dataset: Dataset, split: ClassSplit) -> Iterator[Outcome]:
    """The exemplars of a split, and for every class a clip of either half of its protocol."""
    classes = dataset.views[split.view].classes
    shown = dict(zip(split.exemplars, split.unseen, strict=False))
    clips = [(name, classes.index(label), 0) for name, label in shown.items()]
    clips += [(f"{label}-{half}", label, half) for label in range(len(dataset.classes)) for half in (0, 1)]
    protocol = dataset.protocols.get(split.protocol)
    for seed, (name, label, half) in enumerate(clips):
        where = {protocol.by: max(protocol.train) + half} if protocol else {}
        read = partial(made_up_clip, seed, dataset.layout)
        yield Sample(id=name, label=label, read=read, **where), read()


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_names_what_exists(name: str) -> None:
    preset = load_preset(name)
    config = TrainingConfig(**preset.settings)
    dataset = dataset_named(config.dataset)
    assert preset.splits
    assert preset.seeds
    assert preset.about.endswith(".")
    for split in preset.splits:
        assert len(dataset.split(split).unseen) > 1 or split == EVERY_CLASS
        class_texts(dataset.name, dataset.split(split).seen, kind=config.texts)
    model = ModelConfig(
        method=config.method,
        encoder=config.encoder,
        layout=config.layout or dataset.layout.name,
        text_width=384,
        classes=len(dataset.split(preset.splits[0]).seen),
        method_options=config.method_options,
        encoder_options=config.encoder_options,
    )
    assert sum(tensor.numel() for tensor in build_method(model).state_dict().values()) > 0


def trained_two_steps(name: str, folder: Path) -> RunFolder:
    """The first run of a preset made quick."""
    preset = load_preset(name)
    plain = TrainingConfig(**preset.settings)
    seen = dataset_named(plain.dataset).split(preset.splits[0]).seen
    quick = {
        "store": folder / "store",
        "encoder_options": plain.encoder_options if is_fixed(plain.encoder) else {**plain.encoder_options, **NARROW},
        "epochs": 1,
        "batch_size": len(seen) // 2,
        "steps_per_epoch": 2 if plain.steps_per_epoch else None,
        "pseudo_unseen": 0.0,
        "device": "cpu",
        "threads": 1,
    }
    (run,) = train_all(
        TrainingConfig(**(preset.settings | quick)),
        splits=list(preset.splits[:1]),
        seeds=list(preset.seeds[:1]),
        out=folder / "runs" / name,
        bars=ProgressBars(quiet=True),
    )
    return run.folder


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_trains_two_steps(
    name: str, tmp_path: Path, embed_training: Callable[..., None], made_up_cache: Path
) -> None:
    preset = load_preset(name)
    plain = TrainingConfig(**preset.settings)
    dataset = DATASETS[plain.dataset]
    view = dataset.views[dataset.split(preset.splits[0]).view]
    embed_training(dataset.name, view.classes, kind=plain.texts)
    write_store(tmp_path / "store", dataset, made_up_outcomes(dataset, dataset.split(preset.splits[0])))
    run = trained_two_steps(name, tmp_path)
    assert run.path.name == f"split-{preset.splits[0]}_seed-{preset.seeds[0]}"
    assert np.isfinite(run.metrics()[0]["loss"])


@pytest.mark.parametrize("name", ["nothing", "", "../presets/demo", "demo.yaml"])
def test_an_unknown_preset_lists_the_known_ones(name: str) -> None:
    with pytest.raises(SkeltextError, match=f"is not known; known are {', '.join(preset_names())}"):
        load_preset(name)


def test_a_preset_with_an_unknown_setting_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "presets").mkdir()
    text = "about: a.\nsplits: ['0']\nseeds: [0]\n"
    (tmp_path / "presets" / "one.yaml").write_text(text + "epoch: 3\n")
    (tmp_path / "presets" / "two.yaml").write_text(text + "epochs: 3\n")
    monkeypatch.setattr(presets_module, "files", lambda _: tmp_path)
    with pytest.raises(SkeltextError, match="preset one sets 'epoch', which is no setting of a run"):
        load_preset("one")
    assert load_preset("two").settings == {"epochs": 3}
    assert {field.name for field in fields(TrainingConfig)} >= {"epochs", "split", "seed"}
