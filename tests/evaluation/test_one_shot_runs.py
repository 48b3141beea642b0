"""One-shot methods from a first stage to a table: exemplars of the split are their examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from skeltext.datasets import procedural, registry
from skeltext.datasets.dataset import Dataset
from skeltext.errors import SkeltextError
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.methods.registry import METHODS
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
SHOTS = "one-shot"
ONE_SHOT = [name for name, method in METHODS.items() if method.route == "one-shot"]
EPISODES = {"ways": 4, "shots": 1, "queries": 1, "steps_per_epoch": 2}  # there are two clips of every class


@pytest.fixture(scope="module")
def one_shot_builtin() -> Dataset:
    """The built-in set with a split that shows the first clip of every unseen class."""
    split = replace(procedural.BUILTIN.split("0"), name=SHOTS, shots=1)
    return replace(procedural.BUILTIN, splits={**procedural.BUILTIN.splits, SHOTS: split})


@pytest.fixture(autouse=True)
def _known(one_shot_builtin: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DATASETS, "builtin", one_shot_builtin)
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def stage(tiny_config: Configure, one_shot_builtin: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stage") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.DATASETS, "builtin", one_shot_builtin)
        trained(tiny_config(method="classifier", split=SHOTS, epochs=1, warmup=0), path)
    return path


def trained(config: TrainingConfig, path: Path) -> RunFolder:
    folder = RunFolder(path)
    train_run(config, folder, watcher=ProgressBars(quiet=True))
    return folder


@pytest.mark.parametrize("finetune", [True, False])
@pytest.mark.parametrize("name", ONE_SHOT)
def test_a_run_from_a_first_stage_to_its_table(
    name: str, finetune: bool, tiny_config: Configure, stage: Path, tmp_path: Path
) -> None:
    config = tiny_config(
        method=name, split=SHOTS, pretrained=stage, finetune=finetune, encoder_options={}, epochs=2, **EPISODES
    )
    if name in ("proto_net", "dsn") and not finetune:
        with pytest.raises(SkeltextError, match="trains nothing but the encoder, which is frozen here; add --finetune"):
            trained(config, tmp_path / "run")
        return
    result = evaluate_run(Run.open(trained(config, tmp_path / "run").path))
    assert (
        len(result.ids) == len(result.classes) == len(result.predicted["plain"])
    )  # of two clips of a class one is shown
    assert all(name.endswith("s01-r00") for name in result.ids)  # and that is the first
    assert 0 <= (result.table["plain"]["last"] or 0) <= 1
    aligned = result.table["prototype_alignment"]["last"]
    assert (aligned is not None) == (name in ("proto_net", "feat"))  # the others make more of a clip than one point
    assert len(result.curves.pseudo_unseen["plain"]) == 2


def test_a_split_without_exemplars_is_one_sentence(tiny_config: Configure, tmp_path: Path) -> None:
    folder = trained(tiny_config(method="proto_net", epochs=1, warmup=0, **EPISODES), tmp_path / "run")
    with pytest.raises(SkeltextError, match=r"names no exemplars, .* choose a one-shot split"):
        evaluate_run(Run.open(folder.path))


def test_episodes_that_the_data_cannot_fill_are_one_sentence(tiny_config: Configure, tmp_path: Path) -> None:
    config = tiny_config(method="proto_net", split=SHOTS, **EPISODES | {"queries": 2})
    with pytest.raises(SkeltextError, match=r"0 classes have at least 3 training clips, .* fewer --ways"):
        trained(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()  # nothing is left behind
