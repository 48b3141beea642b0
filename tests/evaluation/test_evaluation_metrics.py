"""Accuracies against scikit-learn and against the numbers of the published test loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.evaluation.metrics import accuracy, batch_mean_accuracy, class_mean_accuracy

ALPHAS = ("0.1", "0.4", "0.9", "1.0")
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=150)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_accuracies_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import accuracy_score, recall_score

    labels, predicted = np.array(pairs).T
    assert accuracy(labels, predicted) == pytest.approx(accuracy_score(labels, predicted))
    mean_recall = recall_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0.0)
    assert class_mean_accuracy(labels, predicted) == pytest.approx(mean_recall)


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.integers(1, 200))
def test_batches_that_fill_up_average_to_the_accuracy(pairs: list[tuple[int, int]], batch: int) -> None:
    labels, predicted = np.array(pairs).T
    found = batch_mean_accuracy(labels, predicted, batch=batch)
    parts = [
        accuracy(labels[start : start + batch], predicted[start : start + batch])
        for start in range(0, len(labels), batch)
    ]
    assert found == pytest.approx(sum(parts) / len(parts))
    if len(labels) % batch == 0 or len(labels) < batch:
        assert found == pytest.approx(accuracy(labels, predicted))


@pytest.mark.parametrize("kind", ["text_anchors", "exemplar_anchors_one_shot"])
def test_the_mean_of_batches_is_what_the_published_code_prints(golden: Path, kind: str) -> None:
    arrays = np.load(golden / "prototype_alignment" / f"{kind}.npz")
    labels = arrays["labels_original_id"]
    before = arrays["unseen_ids"][arrays["pseudo_index"]]
    assert batch_mean_accuracy(labels, before) == pytest.approx(float(arrays["acc_before_batch_mean"]), abs=1e-7)
    assert accuracy(labels, before) == pytest.approx(float(arrays["sample_acc_before"]), abs=1e-7)
    for alpha in ALPHAS:
        after = arrays[f"alpha_{alpha}/final_label_original_id"]
        printed = float(arrays[f"alpha_{alpha}/acc_after_batch_mean"])
        assert batch_mean_accuracy(labels, after) == pytest.approx(printed, abs=1e-7)
        assert accuracy(labels, after) == pytest.approx(float(arrays[f"alpha_{alpha}/sample_acc_after"]), abs=1e-7)
    assert batch_mean_accuracy(labels, before) != pytest.approx(accuracy(labels, before), abs=1e-3)
