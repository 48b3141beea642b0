"""Samples against closed forms and scipy, and what the theorem says against what is simulated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ive
from scipy.stats import kstest, vonmises_fisher

from skeltext.evaluation.von_mises_fisher import (
    Confusion,
    clips_to_match,
    mean_resultant_length,
    sample,
    simulate,
    sweep,
)

SETTING = {"classes": 8, "dimension": 96, "kappa": 40.0, "anchor_kappa": 20.0, "trials": 6, "seed": 3}
CHANCE = 1 / 8


@pytest.mark.parametrize(("dimension", "kappa"), [(2, 0.5), (3, 2.0), (3, 500.0), (10, 4.0), (64, 30.0), (384, 700.0)])
def test_the_mean_resultant_length_is_the_ratio_of_bessel_functions(dimension: int, kappa: float) -> None:
    ratio = ive(dimension / 2, kappa) / ive(dimension / 2 - 1, kappa)
    assert mean_resultant_length(dimension, kappa) == pytest.approx(ratio, rel=1e-9)


def test_the_mean_resultant_length_where_bessel_functions_vanish() -> None:
    assert mean_resultant_length(2000, 1.0) == pytest.approx(1 / 2000, rel=1e-3)
    assert mean_resultant_length(50, 0.0) == 0.0


@pytest.mark.parametrize(("dimension", "kappa"), [(2, 1.0), (3, 5.0), (20, 0.0), (20, 15.0), (384, 200.0), (5, 1e6)])
def test_samples_are_unit_vectors_with_that_mean(dimension: int, kappa: float) -> None:
    rng = np.random.default_rng(0)
    mean = rng.normal(size=dimension)
    mean /= np.linalg.norm(mean)
    drawn = sample(np.tile(mean, (4000, 1)), kappa=kappa, rng=rng)
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), 1, rtol=1e-9)
    length = mean_resultant_length(dimension, kappa)
    assert drawn.mean(axis=0) @ mean == pytest.approx(length, abs=4 / 4000**0.5 / max(dimension, 2) ** 0.5)
    across = drawn.mean(axis=0) - (drawn.mean(axis=0) @ mean) * mean
    assert np.linalg.norm(across) < 1.5 * ((1 - length**2) / 4000) ** 0.5 + 0.02


@pytest.mark.parametrize(("dimension", "kappa"), [(3, 2.0), (12, 20.0)])
def test_cosines_are_distributed_as_those_of_scipy(dimension: int, kappa: float) -> None:
    mean = np.eye(dimension)[0]
    ours = sample(np.tile(mean, (3000, 1)), kappa=kappa, rng=np.random.default_rng(1))
    theirs = vonmises_fisher(mean, kappa).rvs(3000, random_state=np.random.default_rng(2))
    assert kstest(ours[:, 0], theirs[:, 0]).pvalue > 0.01
    assert kstest(ours[:, 1], theirs[:, 1]).pvalue > 0.01


def test_each_row_has_its_own_mean() -> None:
    means = np.eye(4)[[2, 0, 3]]
    drawn = sample(means, kappa=1e5, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.argmax(axis=1), [2, 0, 3])


def test_centroids_of_more_clips_are_better_and_come_to_the_optimum() -> None:
    found = [simulate(n=n, noise=0.0, **SETTING) for n in (1, 4, 16, 400)]
    assert [one.centroids for one in found] == sorted(one.centroids for one in found)
    assert found[0].centroids < found[1].centroids - 0.1
    assert found[-1].centroids == pytest.approx(found[-1].oracle, abs=0.02)
    assert found[-1].centroid_cosine > 0.97
    assert len({(one.anchors, one.oracle) for one in found}) == 1  # the same anchors and test clips


def test_centroids_of_enough_clips_beat_the_anchors_and_of_too_few_do_not() -> None:
    even = clips_to_match(dimension=96, kappa=12.0, anchor_kappa=40.0)
    setting = SETTING | {"kappa": 12.0, "anchor_kappa": 40.0, "trials": 12}
    few, enough = (simulate(n=round(even * factor), noise=0.0, **setting) for factor in (0.25, 4))
    assert few.centroid_cosine < few.anchor_cosine < enough.centroid_cosine
    assert few.centroids < few.anchors < enough.centroids < enough.oracle + 0.02
    same = simulate(n=round(even), noise=0.0, **setting)
    assert same.centroid_cosine == pytest.approx(same.anchor_cosine, abs=0.04)


def test_wrong_pseudo_labels_make_centroids_worse() -> None:
    found = [simulate(n=20, noise=noise, **SETTING).centroids for noise in (0.0, 0.4, 0.7, 0.95)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1] + 0.3


@pytest.mark.parametrize(("confusion", "turn"), [("uniform", (8 - 1) / 8), ("neighbour", 0.5)])
def test_up_to_which_noise_many_clips_beat_the_anchors(confusion: Confusion, turn: float) -> None:
    below, at, above = (
        simulate(n=400, noise=noise, confusion=confusion, **SETTING) for noise in (turn - 0.2, turn, min(turn + 0.3, 1))
    )
    assert below.centroids > below.anchors + 0.2
    assert above.centroids < min(above.anchors, CHANCE)
    assert above.centroids < at.centroids < below.centroids


def test_without_concentration_everything_is_chance() -> None:
    found = simulate(n=50, noise=0.0, **SETTING | {"kappa": 0.0, "trials": 20})
    for accuracy in (found.anchors, found.centroids, found.oracle):
        assert accuracy == pytest.approx(CHANCE, abs=0.03)


def test_text_anchors_are_as_near_as_their_concentration_says() -> None:
    found = simulate(n=1, noise=0.0, **SETTING | {"trials": 40})
    assert found.anchor_cosine == pytest.approx(mean_resultant_length(96, 20.0), abs=0.015)
    assert found.centroid_cosine == pytest.approx(mean_resultant_length(96, 40.0), abs=0.015)


def test_a_seed_repeats_itself() -> None:
    assert simulate(n=5, noise=0.1, **SETTING) == simulate(n=5, noise=0.1, **SETTING)
    assert simulate(n=5, noise=0.1, **SETTING) != simulate(n=5, noise=0.1, **SETTING | {"seed": 4})


def test_a_sweep_is_every_combination_as_it_would_be_alone() -> None:
    rest = {key: value for key, value in SETTING.items() if key != "kappa"}
    rows = sweep(kappas=[10.0, 40.0], ns=[2, 5], noises=[0.0, 0.5], confusion="neighbour", **rest)
    assert len(rows) == 8
    row = next(row for row in rows if (row["kappa"], row["n"], row["noise"]) == (40.0, 5, 0.5))
    alone = simulate(n=5, noise=0.5, confusion="neighbour", **SETTING)
    assert (row["anchors"], row["centroids"], row["oracle"]) == (alone.anchors, alone.centroids, alone.oracle)
    assert all(type(value) in (int, float) for row in rows for value in row.values())


@pytest.mark.parametrize(
    "wrong", [{"classes": 1}, {"n": 0}, {"trials": 0}, {"noise": 1.5}, {"confusion": "none"}, {"kappa": -1.0}]
)
def test_numbers_that_make_no_experiment_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        simulate(**{"n": 5, "noise": 0.1, **SETTING, **wrong})  # type: ignore[arg-type]
