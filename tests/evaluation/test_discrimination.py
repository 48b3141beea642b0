"""Measures of how well classes lie apart: values by hand, what must not change them, and what has none."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.errors import SkeltextError
from skeltext.evaluation.discrimination import Floats, Ints, fisher_ratio, silhouette, t_sne

Measure = Callable[[Floats, Ints], float]
seeds = st.integers(0, 10_000)


def clusters(seed: int, *, apart: float = 3.0, classes: int = 3, clips: int = 8) -> tuple[Floats, Ints]:
    """Clips (N, 5) around the corners of a simplex that is `apart` from the origin."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), clips)
    return apart * np.eye(5)[labels] + rng.normal(size=(len(labels), 5)), labels


def test_the_fisher_ratio_is_that_of_the_traces_of_the_scatter_matrices() -> None:
    features, labels = clusters(0)
    between, within = np.zeros((5, 5)), np.zeros((5, 5))
    for k in range(3):
        own = features[labels == k]
        step = own.mean(axis=0) - features.mean(axis=0)
        between += len(own) * np.outer(step, step)
        within += (own - own.mean(axis=0)).T @ (own - own.mean(axis=0))
    assert fisher_ratio(features, labels) == pytest.approx(np.trace(between) / np.trace(within))


def test_the_silhouette_is_that_of_its_definition() -> None:
    features, labels = clusters(1)
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    away = 1 - units @ units.T
    found = []
    for i, own in enumerate(labels):
        a = away[i, (labels == own) & (np.arange(len(labels)) != i)].mean()
        b = min(away[i, labels == k].mean() for k in set(labels) - {own})
        found.append((b - a) / max(a, b))
    assert silhouette(features, labels) == pytest.approx(np.mean(found))


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.01, 100))
@pytest.mark.parametrize("measure", [fisher_ratio, silhouette])
def test_rotations_scales_orders_and_names_change_nothing(measure: Measure, seed: int, scale: float) -> None:
    features, labels = clusters(seed)
    rng = np.random.default_rng(seed + 1)
    rotation, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    order = rng.permutation(len(labels))
    renamed = rng.permutation(100)[:3][labels]
    assert measure(scale * features[order] @ rotation, renamed[order]) == pytest.approx(measure(features, labels))


@settings(max_examples=25, deadline=None)
@given(seeds)
@pytest.mark.parametrize("measure", [fisher_ratio, silhouette])
def test_they_grow_when_classes_move_apart(measure: Measure, seed: int) -> None:
    near, middle, far = (measure(*clusters(seed, apart=apart)) for apart in (3.0, 8.0, 30.0))
    assert near < middle < far


def test_the_fisher_ratio_does_not_see_where_the_origin_is() -> None:
    features, labels = clusters(2)
    assert fisher_ratio(features + 7.0, labels) == pytest.approx(fisher_ratio(features, labels))


@pytest.mark.parametrize("measure", [fisher_ratio, silhouette])
def test_where_nothing_can_be_said_it_is_nan(measure: Measure) -> None:
    features, labels = clusters(3)
    assert np.isnan(measure(features, np.zeros_like(labels)))
    assert np.isnan(measure(features, np.arange(len(labels))))
    assert np.isnan(measure(features[:0], labels[:0]))
    features[0, 0] = np.nan
    assert np.isnan(measure(features, labels))
    assert np.isnan(fisher_ratio(np.eye(3)[[0, 0, 1, 1]] / 3, np.array([0, 0, 1, 1])))


def test_lengths_that_do_not_agree_are_refused() -> None:
    features, labels = clusters(4)
    for measure in (fisher_ratio, silhouette):
        with pytest.raises(ValueError, match=r"expected \(N, D\) and \(N,\)"):
            measure(features, labels[1:])


def test_float32_features_give_the_same() -> None:
    features, labels = clusters(5)
    assert fisher_ratio(features.astype(np.float32), labels) == pytest.approx(fisher_ratio(features, labels), rel=1e-5)


def test_a_map_keeps_groups_together_and_repeats_itself() -> None:
    features, labels = clusters(6, apart=20.0, clips=20)
    clips, texts = t_sne([features, 20 * np.eye(5)[:3]], seed=1)
    assert clips.shape == (60, 2)
    assert texts.shape == (3, 2)
    nearest = np.linalg.norm(clips[:, None] - texts, axis=2).argmin(axis=1)
    assert (nearest == labels).all()
    again = t_sne([features, 20 * np.eye(5)[:3]], seed=1)
    np.testing.assert_array_equal(again[0], clips)
    np.testing.assert_array_equal(again[1], texts)


@pytest.mark.parametrize("count", [3, 4, 5, 40])
def test_few_points_have_a_map_too(count: int) -> None:
    (placed,) = t_sne([np.random.default_rng(0).normal(size=(count, 7)).astype(np.float32)])
    assert placed.shape == (count, 2)
    assert np.isfinite(placed).all()


def test_points_in_one_direction_lie_on_one_spot_and_empty_groups_stay_empty() -> None:
    first, second, third = t_sne([np.ones((4, 3)), np.empty((0, 3)), np.full((2, 3), 5.0)])
    assert not first.any()
    assert second.shape == (0, 2)
    assert third.shape == (2, 2)


def test_too_few_points_or_points_nowhere_have_no_map() -> None:
    with pytest.raises(SkeltextError, match="2 points, expected at least 3 finite"):
        t_sne([np.eye(2)])
    with pytest.raises(SkeltextError, match="not all finite"):
        t_sne([np.full((5, 2), np.inf)])


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sklearn.metrics", "sklearn.manifold"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SkeltextError, match=r"skeltext\[plot\]"):
        silhouette(*clusters(7))
    with pytest.raises(SkeltextError, match=r"skeltext\[plot\]"):
        t_sne([clusters(7)[0]])
