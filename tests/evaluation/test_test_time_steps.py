"""One embedding, several test-time steps: exemplars in place of texts, weighted prototypes, clips of other data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from skeltext.adaptation.prototype_alignment import PrototypeAlignment, align_prototypes, cosine_scores
from skeltext.adaptation.prototype_bank import PrototypeBank
from skeltext.adaptation.registry import STEPS, USUAL, NamedStep, named_steps
from skeltext.adaptation.step import Unlabeled
from skeltext.datasets import procedural, registry
from skeltext.datasets.dataset import Dataset
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation import predictions as predictions_module
from skeltext.evaluation.predictions import Embedded, predict
from skeltext.evaluation.zero_shot import evaluate_run
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


def test_exemplars_are_no_test_clips_and_take_the_place_of_texts(folder: RunFolder) -> None:
    texts, shown = (evaluate_run(Run.open(folder.path), by=by) for by in ("texts", "exemplars"))
    assert len(shown.ids) == len(shown.classes)  # two clips of every class, one of which is shown
    assert shown.ids == texts.ids
    assert all(name.endswith("s01-r00") for name in shown.ids)  # the first subject's clips are shown
    features = torch.from_numpy(shown.features)
    anchors = torch.from_numpy(shown.texts)
    torch.testing.assert_close(anchors.norm(dim=1), torch.ones(len(anchors)))  # one exemplar each, a direction
    assert cosine_scores(features, anchors).argmax(dim=1).tolist() == shown.predicted["plain"].tolist()
    aligned = align_prototypes(features, anchors, alpha=0.9, fallback=torch.from_numpy(texts.texts))
    assert aligned.labels.tolist() == shown.predicted["prototype_alignment"].tolist()
    assert all(0 <= (shown.table[step][rule] or 0) <= 1 for step in USUAL for rule in ("last", "pseudo-unseen"))
    assert len(shown.curves.pseudo_unseen["plain"]) == 2


def test_steps_share_one_embedding(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    plain = predictions_module.embed_test_set
    monkeypatch.setattr(
        predictions_module, "embed_test_set", lambda *given, **more: calls.append(1) or plain(*given, **more)
    )
    run = Run.open(folder.path)
    steps = named_steps(["prototype_alignment:alpha=0.5", "prototype_alignment:pseudo_labels=weighted,temperature=0.1"])
    together = evaluate_run(run, steps=steps)
    assert len(calls) == 2 * 2  # two epochs of the run and of its second run
    assert together.steps == [step.label for step in steps]
    for step in steps:
        alone = evaluate_run(run, steps=[step])
        assert alone.steps == [step.label]
        assert alone.table[step.label] == together.table[step.label]
        assert alone.predicted[step.label].tolist() == together.predicted[step.label].tolist()


def test_the_margin_is_that_of_the_run_unless_the_step_has_its_own(folder: RunFolder) -> None:
    run = Run.open(folder.path)
    own = named_steps(["prototype_alignment", "prototype_alignment:alpha=0.9"])
    found = evaluate_run(run, steps=own)
    assert run.config.alpha == 0.9
    assert found.table[own[1].label] == found.table[own[2].label]
    (plain, step) = named_steps(["prototype_alignment"])
    assert step.resolved(alpha=0.3).options == {"alpha": 0.3}
    assert own[2].resolved(alpha=0.3).options == {"alpha": 0.9}
    assert plain.resolved(alpha=0.3).options == {}


def test_a_bank_answers_every_clip_before_it_learns_it(folder: RunFolder) -> None:
    found = evaluate_run(Run.open(folder.path), steps=named_steps(["prototype_bank:capacity=8"]))
    label = "prototype_bank:capacity=8"
    order = np.random.default_rng(0).permutation(len(found.labels))
    bank = PrototypeBank(found.texts, capacity=8)
    answers = {int(number): bank.update(found.features[number]) for number in order}
    assert found.predicted[label].tolist() == [answers[number] for number in range(len(order))]
    np.testing.assert_allclose(found.anchors[label], bank.anchors, atol=1e-6)


def test_other_data_are_tested_as_the_run_prepares_its_own(folder: RunFolder, tiny_store: Path) -> None:
    other = OtherData(dataset="builtin", split="1", store=tiny_store)
    found = evaluate_run(Run.open(folder.path), on=other, samples=2)
    own = evaluate_run(Run.open(folder.path))
    assert tuple(found.classes) == dataset_named("builtin").split("1").unseen
    assert found.curves.pseudo_unseen == own.curves.pseudo_unseen  # the epoch is still chosen at home
    assert len(found.samples) == 2
    with pytest.raises(SkeltextError, match="does not exist"):
        evaluate_run(Run.open(folder.path), on=replace(other, store=tiny_store / "nowhere"))


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
    steps = {step.label: step.build() for step in named_steps(["prototype_alignment:alpha=1.0"])}
    _, label = steps
    found = predict(embedded, steps, by="exemplars")
    assert found.labels["plain"].tolist() == [0, 0]
    assert found.moved[label][1].tolist() == [0.0, 7.0]
    maps = predict(replace(embedded, features=features.unsqueeze(1)), steps, by="texts")  # no one vector
    assert list(maps.labels) == ["plain"]
    assert maps.moved == {}
    with pytest.raises(SkeltextError, match="this split names no exemplars"):
        predict(replace(embedded, exemplars=None, exemplar_scores=None), steps, by="exemplars")


def test_several_exemplars_are_their_mean_direction() -> None:
    features = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    found = mean_directions(features, labels, classes=3)
    unit = F.normalize(features, dim=1)
    torch.testing.assert_close(found, torch.stack([unit[[k, k + 3]].mean(dim=0) for k in range(3)]))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prototype_alignment:alpha=1.5", r"alpha is 1\.5, expected a share between 0 and 1"),
        ("prototype_alignment:alpha=-0.1", r"alpha is -0\.1, expected a share between 0 and 1"),
        ("prototype_alignment:temperature=0", "temperature 0 and rounds 1, expected positive numbers"),
        ("prototype_alignment:rounds=0", "rounds 0, expected positive numbers"),
        ("prototype_alignment:pseudo_labels=best", "pseudo_labels is 'best', expected 'argmax' or 'weighted'"),
        ("prototype_alignment:beta=1", "has no option 'beta'; it has alpha, pseudo_labels, temperature, rounds"),
        ("prototype_alignment:alpha", "'alpha' in 'prototype_alignment:alpha' is not an option with a value"),
        ("prototype_alignment:alpha=[", r"'\[' in .* cannot be read"),
        ("alignment", "test-time step 'alignment' is not known; known are"),
        ("nowhere.py:alpha=1", "there is no Python file nowhere.py; give the file that defines your test-time step"),
    ],
)
def test_what_is_no_step_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence) as caught:
        NamedStep.parse(text)
    assert "\n" not in str(caught.value)


def test_a_step_is_named_as_it_was_typed() -> None:
    typed = "prototype_alignment:alpha=0.5,pseudo_labels=weighted"
    assert [step.label for step in named_steps([typed, "plain", typed])] == ["plain", typed]
    assert NamedStep.parse(typed).build() == PrototypeAlignment(alpha=0.5, pseudo_labels="weighted")


@pytest.mark.parametrize("name", list(STEPS))
def test_every_step_keeps_the_contract(name: str) -> None:
    """Labels of K classes, finite anchors, the same again, and no change of what it was given."""
    rng = np.random.default_rng(0)
    anchors = rng.normal(size=(5, 8)).astype(np.float32)
    features = (anchors[rng.integers(0, 5, 40)] + 0.5 * rng.normal(size=(40, 8))).astype(np.float32)
    scores = (features @ anchors.T).astype(np.float32)
    clips = Unlabeled(features=features.copy(), scores=scores.copy(), anchors=anchors.copy(), fallback=anchors.copy())
    step = NamedStep(name=name).build()
    assert step.about.startswith(f"{name}: ")
    assert step.title
    assert step.applies(clips)
    found, again = step.fit(clips), step.fit(clips)
    assert found.labels.shape == (40,)
    assert found.labels.dtype == np.int64
    assert set(found.labels.tolist()) <= set(range(5))
    assert found.labels.tolist() == again.labels.tolist()
    if found.anchors is not None:
        assert found.anchors.shape == (5, 8)
        assert np.isfinite(found.anchors).all()
    np.testing.assert_array_equal(clips.features, features)
    np.testing.assert_array_equal(clips.scores, scores)
    np.testing.assert_array_equal(clips.anchors, anchors)
    assert step.applies(replace(clips, features=features[:, None])) == (name == "plain")
