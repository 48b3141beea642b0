"""The step for clips that are given together: what it gains, and batches that must not be harmed."""

from __future__ import annotations

import numpy as np
import pytest

from skeltext.adaptation.registry import NamedStep
from skeltext.adaptation.shrunken_prototypes import ShrunkenPrototypes
from skeltext.adaptation.step import Unlabeled

CLASSES, WIDTH = 8, 16


def accuracy(truth: np.ndarray, *, noise: float = 1.2, seed: int = 0) -> tuple[float, float]:
    """Shares of right answers before and after, on clips in clouds whose scores are noisy, one draw after another."""
    plain, adapted = [], []
    for draw in range(8):
        random = np.random.default_rng([seed, draw])
        middles = random.normal(size=(CLASSES, WIDTH))
        features = middles[truth] + 0.7 * random.normal(size=(len(truth), WIDTH))
        scores = 1.5 * np.eye(CLASSES)[truth] + noise * random.normal(size=(len(truth), CLASSES))
        given = Unlabeled(features=features.astype(np.float32), scores=scores.astype(np.float32))
        plain.append((scores.argmax(axis=1) == truth).mean())
        adapted.append((ShrunkenPrototypes().fit(given).labels == truth).mean())
    return float(np.mean(plain)), float(np.mean(adapted))


def test_it_gains_where_all_classes_are_shown() -> None:
    before, after = accuracy(np.repeat(np.arange(CLASSES), 20))
    assert after > before + 0.1


@pytest.mark.parametrize(
    ("batch", "truth"),
    [
        ("one class", np.zeros(40, int)),
        ("mostly one class", np.array([0] * 60 + [1, 2, 3, 4, 5, 6, 7] * 2)),
        ("skewed", np.repeat(np.arange(CLASSES), [60, 30, 20, 15, 12, 10, 8, 7])),
        ("half of the labels absent", np.repeat(np.arange(CLASSES // 2), 20)),
        ("few clips", np.repeat(np.arange(CLASSES), 4)),
    ],
)
def test_no_batch_is_harmed(batch: str, truth: np.ndarray) -> None:
    before, after = accuracy(truth)
    assert after >= before, batch


def test_the_order_of_the_clips_does_not_matter() -> None:
    random = np.random.default_rng(1)
    features, scores = (random.normal(size=(60, width)).astype(np.float32) for width in (WIDTH, 3))
    order = random.permutation(60)
    one = ShrunkenPrototypes().fit(Unlabeled(features=features, scores=scores)).scores
    other = ShrunkenPrototypes().fit(Unlabeled(features=features[order], scores=scores[order])).scores
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one[order], other, atol=1e-4)


def test_the_scale_of_the_scores_does_not_matter() -> None:
    random = np.random.default_rng(2)
    features, scores = (random.normal(size=(40, width)).astype(np.float32) for width in (WIDTH, 3))
    one, ten = (ShrunkenPrototypes().fit(Unlabeled(features=features, scores=k * scores)).scores for k in (1, 10))
    assert one is not None
    np.testing.assert_allclose(10 * one, ten, rtol=1e-3, atol=1e-4)


def test_options_that_make_no_sense_are_refused() -> None:
    for options in ("prior=0", "strength=-1", "neighbors=-1"):
        with pytest.raises(Exception, match="expected a positive prior"):
            NamedStep.parse(f"shrunken_prototypes:{options}").build()
