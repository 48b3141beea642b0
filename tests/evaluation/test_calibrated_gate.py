"""The calibrated gate against numbers of the published code, and every formula of it by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from skeltext.evaluation.calibrated_gate import (
    Gate,
    Judged,
    Logistic,
    fit_gate,
    fit_logistic,
    gate_features,
    held_out_rows,
)
from skeltext.evaluation.generalised_accuracy import generalised_accuracy

Arrays = Mapping[str, np.ndarray]
pytestmark = pytest.mark.usefixtures("one_thread")
U = 5  # unseen classes of the golden numbers
TESTED = ("T3_thr0.54", "T2_thr0.50", "T2_thr0.43", "T3_thr0.35")
OTHERS = {"test_jpose_T3_thr0.54": "jpose", "test_revise_T3_thr0.54": "revise"}


@pytest.fixture(scope="module")
def published(golden: Path) -> Arrays:
    with np.load(golden / "gzsl_gate" / "gate.npz") as arrays:
        return dict(arrays)


def judged(arrays: Arrays, unseen: str, seen: str) -> Judged:
    return Judged(unseen=torch.from_numpy(arrays[unseen]), seen=torch.from_numpy(arrays[seen]))


def calibrating(arrays: Arrays) -> tuple[Judged, Judged]:
    unseen, seen = (
        judged(arrays, f"fit/pseudo_{side}_zsl_prob", f"fit/pseudo_{side}_logits") for side in ("unseen", "seen")
    )
    return unseen, seen


def published_gate(arrays: Arrays, *, temperature: int, threshold: float) -> Gate:
    """The gate with the published coefficients; a softmax over two classes has half the weights of a sigmoid."""
    weights, bias = (2 * torch.from_numpy(arrays[f"fit/best_{part}"])[0] for part in ("coef", "intercept"))
    regression = Logistic(weights=weights, bias=bias)
    return Gate(
        rule="published", width=U, temperature=temperature, threshold=threshold, regression=regression, accuracy=0.0
    )


def named(name: str) -> dict[str, float]:
    """Temperature and threshold in the name of a case."""
    temperature, threshold = name.removeprefix("T").split("_thr")
    return {"temperature": int(temperature), "threshold": float(threshold)}


def test_the_fit_is_the_published_one(published: Arrays) -> None:
    unseen, seen = calibrating(published)
    rows = [published[f"fit/val_{side}_rows_per_temperature"] for side in ("unseen", "seen")]
    held_out = {temperature: (rows[0][temperature - 1], rows[1][temperature - 1]) for temperature in range(1, 10)}
    gate = fit_gate(unseen, seen, width=U, rule="published", held_out=held_out)
    assert gate.temperature == published["fit/best_temperature"]
    assert gate.threshold == published["fit/best_threshold"]
    assert gate.accuracy == pytest.approx(float(published["fit/best_val_accuracy"]), abs=1e-12)


def test_the_regression_is_the_one_optimum(published: Arrays) -> None:
    features = torch.from_numpy(published["fit/best_T_train_features"])
    is_seen = torch.from_numpy(published["fit/best_T_train_labels"]) == 1
    for penalty, name in ((2.0, "multinomial_C1"), (2.0, "binary_C2"), (1.0, "binary_or_ovr_C1")):
        found = 1 - fit_logistic(features, is_seen, inverse_penalty=penalty).probabilities(features)
        np.testing.assert_allclose(found, published[f"equiv/prob_unseen_{name}"], atol=1e-6)


@pytest.mark.parametrize("name", TESTED)
def test_decisions_and_accuracies_are_the_published_ones(published: Arrays, name: str) -> None:
    test = judged(published, "test/zsl_prob", "test/seen_logits")
    own = {key.removeprefix(f"test/{name}/"): value for key, value in published.items() if f"/{name}/" in key}
    gate = published_gate(published, **named(name))
    np.testing.assert_allclose(
        gate_features(test, temperature=gate.temperature, width=U), own["gate_features"], atol=1e-6
    )
    np.testing.assert_allclose(gate.unseen_probabilities(test), own["prob_unseen"], atol=1e-5)
    says_seen = gate.says_seen(test)
    np.testing.assert_array_equal(says_seen, own["gate_says_seen"] == 1)
    sound = replace(gate, rule="sound").says_seen(test)
    np.testing.assert_array_equal(sound, own["gate_says_seen_if_fit_time_rule"] == 1)
    assert (sound == says_seen).all() == (gate.threshold == 0.5)

    seen, unseen = published["class_ids_seen"], published["class_ids_unseen_sorted"]
    best_seen, best_unseen = test.seen.numpy()[:, seen].argmax(axis=1), test.unseen.numpy().argmax(axis=1)
    np.testing.assert_array_equal(np.where(says_seen, seen[best_seen], unseen[best_unseen]), own["final_prediction"])
    place = {number: position for position, number in enumerate([*seen, *unseen])}
    labels = np.array([place[label] for label in published["test/labels"]])
    found = generalised_accuracy(labels, np.where(says_seen, best_seen, len(seen) + best_unseen), seen=len(seen))
    assert found.seen == pytest.approx(float(own["seen_acc"]), abs=1e-12)
    assert found.unseen == pytest.approx(float(own["unseen_acc"]), abs=1e-12)
    assert found.harmonic == pytest.approx(float(own["harmonic_mean"]), abs=1e-12)


@pytest.mark.parametrize("name", OTHERS, ids=OTHERS.values())
def test_scores_of_other_methods_become_probabilities_first(published: Arrays, name: str) -> None:
    scores = torch.from_numpy(published[f"{name}/zsl_scores"])
    test = Judged(unseen=F.softmax(scores, dim=1), seen=torch.from_numpy(published["test/seen_logits"]))
    gate = published_gate(published, temperature=3, threshold=0.54)
    np.testing.assert_allclose(gate.unseen_probabilities(test), published[f"{name}/prob_unseen"], atol=1e-5)
    np.testing.assert_array_equal(gate.says_seen(test), published[f"{name}/gate_says_seen"] == 1)


def made_up(count: int, *, sure: float, seed: int) -> Judged:
    """Clips of which the expert of the seen classes is the surer, the larger `sure` is."""
    generator = torch.Generator().manual_seed(seed)
    seen = torch.randn(count, 6, generator=generator)
    seen[:, 0] += sure
    return Judged(unseen=F.softmax(torch.randn(count, 3, generator=generator), dim=1), seen=seen)


def test_the_gradient_of_the_regression_is_zero_where_it_ends() -> None:
    features, positive = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) < 15
    for balanced in (False, True):
        fitted = fit_logistic(features, positive, balanced=balanced)
        costs = torch.where(positive, 60 / 30, 60 / 90) if balanced else torch.ones(60)
        error = 2.0 * costs * (fitted.probabilities(features) - positive.double())
        torch.testing.assert_close(error @ features.double(), -fitted.weights, atol=1e-7, rtol=0)
        assert abs(error.sum().item()) < 1e-7


def test_a_side_that_cannot_be_told_apart_weighs_as_much_as_the_other_only_if_balanced() -> None:
    features, positive = torch.zeros(40, 2), torch.arange(40) < 30
    plain, balanced = (fit_logistic(features, positive, balanced=choice) for choice in (False, True))
    torch.testing.assert_close(plain.probabilities(features), torch.full((40,), 0.75).double())
    torch.testing.assert_close(balanced.probabilities(features), torch.full((40,), 0.5).double())


def test_separable_clips_end_the_fit_as_well() -> None:
    features, positive = torch.tensor([[-1e4], [1e4]]), torch.tensor([False, True])
    assert fit_logistic(features, positive).probabilities(features).round().tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("rule", "most_wrong"), [("published", 0.4), ("sound", 0.05)])
def test_a_gate_learns_that_the_classifier_is_sure_of_what_it_knows(rule: str, most_wrong: float) -> None:
    gate = fit_gate(made_up(60, sure=0.0, seed=0), made_up(200, sure=9.0, seed=1), width=3, rule=rule)
    assert gate.accuracy == 1.0
    assert gate.threshold == (0.25 if rule == "published" else 0.5)  # all that are between separate as well
    assert gate.says_seen(made_up(100, sure=9.0, seed=2)).mean() > 0.95
    assert gate.says_seen(made_up(100, sure=0.0, seed=3)).mean() < most_wrong
    again = fit_gate(made_up(60, sure=0.0, seed=0), made_up(200, sure=9.0, seed=1), width=3, rule=rule)
    assert (again.temperature, again.threshold) == (gate.temperature, gate.threshold)
    assert torch.equal(again.regression.weights, gate.regression.weights)


def test_among_many_seen_clips_the_sound_gate_still_finds_unseen_ones() -> None:
    few, many = made_up(30, sure=0.0, seed=0), made_up(900, sure=2.0, seed=1)
    found = {rule: fit_gate(few, many, width=3, rule=rule) for rule in ("published", "sound")}
    unseen = {rule: 1 - gate.says_seen(made_up(200, sure=0.0, seed=2)).mean() for rule, gate in found.items()}
    assert unseen["sound"] > unseen["published"] + 0.2


def test_the_rules_differ_in_what_the_threshold_bounds() -> None:
    regression = Logistic(weights=torch.zeros(2).double(), bias=torch.tensor(0.4).double())  # P(unseen) = 0.401
    gate = Gate(rule="published", width=1, temperature=1, threshold=0.3, regression=regression, accuracy=0.0)
    clip = Judged(unseen=torch.ones(1, 1), seen=torch.zeros(1, 2))
    assert gate.unseen_probabilities(clip).item() == pytest.approx(0.4013, abs=1e-4)
    assert gate.says_seen(clip).tolist() == [True]  # 1 - 0.401 > 0.3
    assert replace(gate, rule="sound").says_seen(clip).tolist() == [False]  # 0.401 > 0.3


def test_some_clips_of_either_side_are_left_to_fit_by() -> None:
    assert held_out_rows(2, most=300).shape == (1,)
    rows = held_out_rows(700, most=400)
    assert len(set(rows.tolist())) == 400
    np.testing.assert_array_equal(rows, held_out_rows(700, most=400))
    with pytest.raises(ValueError, match="1 unseen and 9 seen clips, expected at least 2 of each"):
        fit_gate(made_up(1, sure=0.0, seed=0), made_up(9, sure=1.0, seed=0), width=2, rule="sound")
