"""One embedding, several scorings: exemplars in place of texts, weighted prototypes, clips of other data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from skeltext.adaptation.prototype_alignment import align_prototypes, cosine_scores
from skeltext.datasets import procedural, registry
from skeltext.datasets.dataset import Dataset
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation import predictions as predictions_module
from skeltext.evaluation.predictions import Embedded, Scoring, predict
from skeltext.evaluation.results import KINDS
from skeltext.evaluation.zero_shot import evaluate_run, evaluate_scorings
from skeltext.methods.method import mean_directions
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import OtherData, Run
from skeltext.training.train_run import train_run

Configure = Callable[..., TrainingConfig]
SHOTS = "one-shot"


@pytest.fixture(scope="module")
def one_shot_builtin() -> Dataset:
    """The built-in set with a split that shows the first clip of every unseen class."""
    split = replace(procedural.BUILTIN.split("0"), name=SHOTS, shots=1)
    return replace(procedural.BUILTIN, splits={**procedural.BUILTIN.splits, SHOTS: split})


@pytest.fixture(autouse=True)
def _known(one_shot_builtin: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DATASETS, "builtin", one_shot_builtin)


@pytest.fixture(scope="module")
def folder(tiny_config: Configure, one_shot_builtin: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.DATASETS, "builtin", one_shot_builtin)
        train_run(tiny_config(split=SHOTS, epochs=2), run, watcher=ProgressBars(quiet=True))
    return run


def test_exemplars_are_no_test_clips_and_stand_for_their_class(folder: RunFolder) -> None:
    texts, shown = evaluate_scorings(Run.open(folder.path), [Scoring(), Scoring(anchors="exemplars")])
    assert len(shown.ids) == len(shown.classes)  # two clips of every class, one of which is shown
    assert shown.ids == texts.ids
    assert all(name.endswith("s01-r00") for name in shown.ids)  # the first subject's clips are shown
    features = torch.from_numpy(shown.features)
    anchors = torch.from_numpy(shown.texts)
    torch.testing.assert_close(anchors.norm(dim=1), torch.ones(len(anchors)))  # one exemplar each, a direction
    assert cosine_scores(features, anchors).argmax(dim=1).tolist() == shown.plain.tolist()
    aligned = align_prototypes(features, anchors, alpha=0.9, fallback=torch.from_numpy(texts.texts))
    assert aligned.labels.tolist() == shown.aligned.tolist()
    assert all(0 <= (shown.table[kind][rule] or 0) <= 1 for kind in KINDS for rule in ("last", "pseudo-unseen"))
    assert len(shown.curves.pseudo_plain) == 2


def test_scorings_share_one_embedding(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    plain = predictions_module.embed_test_set
    monkeypatch.setattr(
        predictions_module, "embed_test_set", lambda *given, **more: calls.append(1) or plain(*given, **more)
    )
    scorings = [Scoring(alpha=0.0), Scoring(alpha=0.5), Scoring(pseudo_labels="weighted", temperature=0.1)]
    results = evaluate_scorings(Run.open(folder.path), scorings)
    assert len(calls) == 2 * 2  # two epochs of the run and of its second run
    alone = [evaluate_scorings(Run.open(folder.path), [scoring])[0] for scoring in scorings]
    for one, other in zip(results, alone, strict=True):
        assert one.table == other.table
        assert one.aligned.tolist() == other.aligned.tolist()
    assert results[0].plain.tolist() == results[0].aligned.tolist()
    assert evaluate_run(Run.open(folder.path), alpha=0.5).table == results[1].table


def test_other_data_are_tested_as_the_run_prepares_its_own(folder: RunFolder, tiny_store: Path) -> None:
    other = OtherData(dataset="builtin", split="1", store=tiny_store)
    (found,) = evaluate_scorings(Run.open(folder.path), [Scoring()], on=other, samples=2)
    (own,) = evaluate_scorings(Run.open(folder.path), [Scoring()])
    assert tuple(found.classes) == dataset_named("builtin").split("1").unseen
    assert found.curves.pseudo_plain == own.curves.pseudo_plain  # the epoch is still chosen at home
    assert len(found.samples) == 2
    with pytest.raises(SkeltextError, match="does not exist"):
        evaluate_scorings(Run.open(folder.path), [Scoring()], on=replace(other, store=tiny_store / "nowhere"))


def test_a_class_without_support_takes_its_text() -> None:
    features = torch.tensor([[1.0, 0.1], [1.0, 0.2]])
    exemplars, texts = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[5.0, 5.0], [0.0, 7.0]])
    embedded = Embedded(
        features=features,
        scores=cosine_scores(features, texts),
        anchors=texts,
        exemplars=exemplars,
        exemplar_scores=cosine_scores(features, exemplars),
    )
    found = predict(embedded, Scoring(anchors="exemplars", alpha=1.0))
    assert found.plain.tolist() == [0, 0]
    assert found.alignment is not None
    assert found.alignment.anchors[1].tolist() == [0.0, 7.0]
    maps = predict(replace(embedded, features=features.unsqueeze(1)), Scoring())  # no one vector: nothing to align
    assert maps.alignment is None
    assert maps.aligned.tolist() == maps.plain.tolist()
    with pytest.raises(SkeltextError, match="this split names no exemplars"):
        predict(replace(embedded, exemplars=None, exemplar_scores=None), Scoring(anchors="exemplars"))


def test_several_exemplars_are_their_mean_direction() -> None:
    features = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    found = mean_directions(features, labels, classes=3)
    unit = F.normalize(features, dim=1)
    torch.testing.assert_close(found, torch.stack([unit[[k, k + 3]].mean(dim=0) for k in range(3)]))


@pytest.mark.parametrize("wrong", [{"alpha": 1.5}, {"alpha": -0.1}, {"temperature": 0.0}])
def test_numbers_that_make_no_scoring(wrong: dict[str, float]) -> None:
    with pytest.raises(SkeltextError, match="expected a"):
        Scoring(**wrong)
