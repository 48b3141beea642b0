"""A tiny run evaluated: every number can be found again by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import torch

from skeltext.adaptation.prototype_alignment import align_prototypes
from skeltext.adaptation.registry import USUAL, named_steps
from skeltext.benchmark.evaluation import evaluate_runs
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.splitting import hold_out, split_clips
from skeltext.datasets.store import Store, open_store
from skeltext.errors import SkeltextError
from skeltext.evaluation.metrics import accuracy, class_mean_accuracy
from skeltext.evaluation.results import RULES, RunResult
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.progress import ProgressBars
from skeltext.recognizer.card import load_card
from skeltext.recognizer.checkpoint import load_method
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder, find_runs
from skeltext.runs.run import Run, open_runs
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]


def trained(config: TrainingConfig, path: Path) -> RunFolder:
    folder = RunFolder(path)
    train_run(config, folder, watcher=ProgressBars(quiet=True))
    return folder


@pytest.fixture(scope="module")
def runs(tiny_config: Configure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs: ``both`` with held-out classes and ``bare`` without, on another split."""
    folder = tmp_path_factory.mktemp("runs")
    trained(tiny_config(), folder / "both")
    trained(tiny_config(pseudo_unseen=0.0, split="1", epochs=2), folder / "bare")
    return folder


@pytest.fixture(scope="module")
def result(runs: Path) -> RunResult:
    """The run with held-out classes, evaluated."""
    return evaluate_run(Run.open(runs / "both"), samples=6)


def test_what_was_tested_is_every_clip_of_the_unseen_classes(result: RunResult, tiny_store: Path) -> None:
    store, split = open_store(tiny_store), dataset_named("builtin").split("0")
    wanted = split_clips(store, split).test
    assert tuple(result.classes) == split.unseen
    assert result.ids == [store.ids[index] for index in wanted]
    assert [result.classes[label] for label in result.labels] == [store.classes[store.labels[i]] for i in wanted]
    assert result.sources == ["builtin"] * len(wanted)
    assert result.chance == 1 / len(split.unseen)
    assert all(text.count(" ") > 10 for text in result.descriptions)


def test_the_table_is_read_from_the_curves(result: RunResult) -> None:
    curves = {"plain": (result.curves.unseen["plain"], result.curves.pseudo_unseen["plain"])}
    curves["prototype_alignment"] = (
        result.curves.unseen["prototype_alignment"],
        result.curves.pseudo_unseen["prototype_alignment"],
    )
    assert result.curves.epochs == [0, 1, 2]
    for kind in USUAL:
        test, pseudo = curves[kind]
        assert len(test) == len(pseudo) == 3
        assert tuple(result.table[kind]) == RULES
        assert result.chosen[kind] == {
            "last": 2,
            "pseudo-unseen": int(np.argmax(pseudo)),
            "oracle": int(np.argmax(test)),
        }
        assert result.table[kind] == {rule: test[epoch] for rule, epoch in result.chosen[kind].items()}
        assert result.table[kind]["oracle"] == max(test)
        assert result.table[kind]["last"] == accuracy(result.labels, result.predicted[kind])
        assert result.class_table[kind]["last"] == class_mean_accuracy(result.labels, result.predicted[kind])


def test_predictions_are_those_of_the_last_weights(result: RunResult, runs: Path, tiny_store: Path) -> None:
    folder, store = RunFolder(runs / "both"), open_store(tiny_store)
    card = load_card(folder.checkpoint)
    method = load_method(card, folder.checkpoint / "weights.safetensors")
    positions = {name: index for index, name in enumerate(store.ids)}
    clips = torch.stack([torch.from_numpy(card.preprocessing(store.clip(positions[name]))) for name in result.ids])
    with torch.inference_mode():
        features = method.embed(clips)
    np.testing.assert_allclose(result.features, features, atol=1e-5)
    texts = torch.from_numpy(result.texts)
    units = torch.nn.functional.normalize(features, dim=1)
    assert (
        result.predicted["plain"].tolist()
        == (units @ torch.nn.functional.normalize(texts, dim=1).T).argmax(dim=1).tolist()
    )
    aligned = align_prototypes(features, texts, alpha=0.9)
    assert result.predicted["prototype_alignment"].tolist() == aligned.labels.tolist()
    np.testing.assert_allclose(result.anchors["prototype_alignment"], aligned.anchors, atol=1e-5)


def test_clips_to_look_at_show_every_class_first(result: RunResult, runs: Path) -> None:
    folder = RunFolder(runs / "both")
    count = len(result.classes)
    samples = evaluate_run(Run.open(folder.path), samples=count + 1).samples
    assert sorted(sample.label for sample in samples[:count]) == list(range(count))
    assert samples[count].label == samples[0].label
    assert samples[count].id != samples[0].id
    for sample in samples:
        place = result.ids.index(sample.id)
        assert (sample.label, sample.predicted["plain"], sample.predicted["prototype_alignment"]) == (
            result.labels[place],
            result.predicted["plain"][place],
            result.predicted["prototype_alignment"][place],
        )
        assert sample.positions.shape[0::3] == (1, 3)
        height = np.nanmax(sample.positions[..., 1]) - np.nanmin(sample.positions[..., 1])
        assert 0.5 < height < 3.0  # metres, y up
    assert len(result.samples) == 6


def test_the_second_run_is_tested_on_classes_it_was_not_shown(
    runs: Path, tiny_config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    plain = Store.clip
    monkeypatch.setattr(
        Store, "clip", lambda self, index: read.append(self.classes[self.labels[index]]) or plain(self, index)
    )
    evaluate_run(Run.open(runs / "both"))
    split = dataset_named("builtin").split("0")
    held = hold_out(split, fraction=tiny_config().pseudo_unseen)
    assert set(read) == {*split.unseen, *held.unseen}
    read.clear()
    bare = evaluate_run(Run.open(runs / "bare"))
    assert set(read) == set(dataset_named("builtin").split("1").unseen)
    for kind in USUAL:
        assert bare.chosen[kind]["pseudo-unseen"] is bare.table[kind]["pseudo-unseen"] is None
        assert bare.class_table[kind]["pseudo-unseen"] is None
    assert bare.curves.pseudo_unseen["plain"] == bare.curves.pseudo_unseen["prototype_alignment"] == []


def test_a_margin_of_nothing_aligns_nothing(runs: Path, result: RunResult) -> None:
    nothing = "prototype_alignment:alpha=0.0"
    still = evaluate_run(Run.open(runs / "both"), steps=named_steps([nothing]))
    assert still.steps == ["plain", nothing]
    assert still.predicted[nothing].tolist() == still.predicted["plain"].tolist() == result.predicted["plain"].tolist()
    assert still.curves.unseen[nothing] == still.curves.unseen["plain"]
    assert still.table[nothing] == still.table["plain"] == result.table["plain"]
    np.testing.assert_allclose(still.anchors[nothing], still.texts)


def test_progress_counts_every_epoch_of_both_runs(runs: Path) -> None:
    heard: list[tuple[int, int]] = []
    evaluate_run(Run.open(runs / "both"), progress=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 3), (2, 3), (3, 3)] * 2


def test_an_unfinished_run_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    folder = RunFolder(copytree(runs / "bare", tmp_path / "run"))
    lines = (folder.path / "metrics.jsonl").read_text().splitlines()
    (folder.path / "metrics.jsonl").write_text(lines[0] + "\n")
    with pytest.raises(SkeltextError, match=r"has 1 of 2 epochs; give the same `skeltext train` command again"):
        evaluate_run(Run.open(folder.path))


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("config.yaml", "config.yaml is no readable configuration"),
        ("metrics.jsonl", "has 0 of 2 epochs"),
        ("checkpoint/config.json", "checkpoint is no checkpoint of skeltext"),
        ("epochs/0001.safetensors", "0001.safetensors is no readable weights file"),
    ],
)
def test_a_run_that_lacks_a_file_is_one_sentence(runs: Path, tmp_path: Path, missing: str, sentence: str) -> None:
    folder = RunFolder(copytree(runs / "bare", tmp_path / "run"))
    (folder.path / missing).unlink()
    with pytest.raises(SkeltextError, match=sentence) as caught:
        evaluate_run(Run.open(folder.path))
    assert "\n" not in str(caught.value)


def test_runs_are_found_below_a_folder_but_not_their_second_halves(runs: Path) -> None:
    assert [run.path for run in find_runs(runs)] == [runs / "bare", runs / "both"]
    assert find_runs(runs / "both") == [RunFolder(runs / "both")]
    for nothing in (runs / "both" / "epochs", runs / "nowhere", runs / "both" / "config.yaml"):
        with pytest.raises(SkeltextError, match=r"holds no run|is no folder"):
            find_runs(nothing)


def test_several_runs_are_one_evaluation_with_a_page(runs: Path, result: RunResult, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    options: dict[str, Any] = {"device": "auto", "report": page}
    found = evaluate_runs(open_runs([runs / "both", runs / "bare"]), bars=ProgressBars(quiet=True), **options)
    assert [run.name for run in found.runs] == ["both", "bare"]
    assert found.micro.mean["plain"]["last"] == pytest.approx(
        np.mean([run.table["plain"]["last"] for run in found.runs])
    )
    assert found.micro.mean["plain"]["pseudo-unseen"] is None
    assert found.per_source["builtin"]["clips"] == sum(len(run.labels) for run in found.runs)
    assert found.runs[0].table == result.table
    assert "Splits 0, 1; seeds 0" in found.protocol
    assert "transductive" in found.protocol
    assert "</html>" in page.read_text(encoding="utf-8")


def test_evaluating_again_gives_the_same(runs: Path, result: RunResult) -> None:
    again = evaluate_run(Run.open(runs / "both"))
    assert (again.table, again.class_table, again.curves) == (result.table, result.class_table, result.curves)
    np.testing.assert_array_equal(again.features, result.features)
