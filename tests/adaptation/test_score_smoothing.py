"""Smoothing of scores over neighbors: the sparse solution against the dense one, and what it may not do."""

from __future__ import annotations

import numpy as np
import pytest

from skeltext.adaptation.score_smoothing import ScoreSmoothing, neighbor_edges, smooth
from skeltext.adaptation.step import Unlabeled


@pytest.mark.parametrize("spread", [0.0, 0.5, 0.8, 0.99])
def test_the_sparse_solution_is_that_of_the_dense_system(spread: float) -> None:
    random = np.random.default_rng(3)
    features, scores = random.normal(size=(60, 12)), random.normal(size=(60, 5))
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    near = np.zeros((60, 60), bool)
    for row, nearest in enumerate(np.argsort(-cosines, axis=1)[:, :7]):
        near[row, nearest] = True
    near |= near.T
    weights = np.where(near, np.maximum(cosines, 0) ** 3, 0)
    degrees = weights.sum(axis=1)
    graph = weights / np.sqrt(np.outer(degrees, degrees))
    expected = np.linalg.solve(np.eye(60) - spread * graph, scores)
    edges = neighbor_edges(features.astype(np.float64), count=7)
    np.testing.assert_allclose(smooth(scores, *edges, spread=spread), expected, atol=2e-4)


def test_every_clip_keeps_its_label_where_nothing_spreads() -> None:
    random = np.random.default_rng(4)
    clips = Unlabeled(features=random.normal(size=(30, 6)), scores=random.normal(size=(30, 4)))
    labels = ScoreSmoothing(spread=0).fit(clips).labels
    assert labels.tolist() == clips.scores.argmax(axis=1).tolist()


def test_unsure_clips_follow_the_group_they_lie_in() -> None:
    random = np.random.default_rng(5)
    truth = np.repeat([0, 1], 40)
    features = np.eye(2)[truth] + 0.1 * random.normal(size=(80, 2))
    scores = np.eye(2)[truth] + 0.9 * random.normal(size=(80, 2))
    before = (scores.argmax(axis=1) == truth).mean()
    after = (ScoreSmoothing().fit(Unlabeled(features=features, scores=scores)).labels == truth).mean()
    assert before < 0.9
    assert after > 0.97


@pytest.mark.parametrize("options", [{"neighbors": 0}, {"spread": 1.0}, {"spread": -0.1}])
def test_options_outside_their_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected at least 1 and a share below 1"):
        ScoreSmoothing(**options)  # type: ignore[arg-type]
