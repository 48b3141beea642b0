"""How far answers can be trusted: temperature, thresholds, and a run calibrated from end to end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from skeltext.cli import main
from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation.confidence import calibrate
from skeltext.evaluation.drawn_labels import (
    calibration_error,
    covered,
    drawn_sets,
    fitted_gaps,
    fitted_temperature,
    fitted_temperatures,
    fitted_thresholds,
)
from skeltext.evaluation.empty_clips import empty_clips
from skeltext.evaluation.refusing import RATES
from skeltext.recognizer.calibration import load_calibration, standard_scores
from skeltext.recognizer.recognizer import Recognizer
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.texts.descriptions import class_texts


def answers(n: int, k: int, *, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose softmax at a temperature is exactly how often each label is right."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(n, k)) * 2
    shares = np.exp(scores / temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    right = (generator.random((n, 1)) < shares.cumsum(axis=1)).argmax(axis=1)
    return scores, np.arange(k) == right[:, None]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_is_found_again(temperature: float) -> None:
    draws = [answers(4000, k, temperature=temperature, seed=k) for k in (2, 5, 9)]
    assert fitted_temperature(draws) == pytest.approx(temperature, rel=0.12)
    assert calibration_error(draws, temperature=temperature) < 0.02
    assert calibration_error(draws, temperature=temperature * 8) > 0.1


@pytest.mark.parametrize("growth", [-0.4, 0.0, 0.5])
def test_the_growth_with_the_number_of_labels_is_found_again(growth: float) -> None:
    draws = [answers(4000, k, temperature=0.8 * (k / 5) ** growth, seed=k) for k in (2, 5, 10, 20)]
    temperature, found = fitted_temperatures(draws)
    assert found == pytest.approx(growth, abs=0.1)
    for draw in draws:  # for every number of labels apart
        assert calibration_error([draw], temperature=temperature, growth=found) < 0.03
    assert calibration_error(draws[-1:], temperature=temperature, growth=found + 0.8) > 0.03


def held_out(seed: int, *, classes: int = 24, each: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Standard scores (P, N, K) of clips among held-out classes, and their classes."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    scores = generator.normal(size=(2, len(labels), classes)) + generator.normal(size=(1, 1, classes)) * 0.3
    scores[:, np.arange(len(labels)), labels] += 1.8
    return scores.astype(np.float32), labels


@pytest.mark.parametrize("labels", [2, 5, 10, 20])
@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_label_sets_hold_the_truth_as_often_as_they_promise(labels: int, coverage: float) -> None:
    scores, classes = held_out(0)
    gaps = fitted_gaps(drawn_sets(scores, classes, include=True), classes=classes)
    fresh = drawn_sets(*held_out(1), include=True, fewest=labels, most=labels)
    share, size = covered(fresh, gaps, coverage=coverage)
    assert share > coverage - 0.04
    assert share < coverage + 0.06 or size < 1.01  # the best label alone is right more often
    assert 1 <= size < labels


def test_label_sets_are_wider_where_classes_differ() -> None:
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(12), 30)
    distances = np.abs(generator.normal(size=360))
    alike = [(np.stack([-distances, np.zeros(360)], axis=1), np.array([[True, False]] * 360))]
    widths = []
    for classes in (truth, np.sort(distances).searchsorted(distances) // 30):  # mixed, or from easy to hard
        widths.append(fitted_gaps(alike, classes=classes).width(0.8, labels=2))
    assert widths[1] > widths[0] * 1.1


def test_drawn_labels_are_different_and_hold_the_right_one_or_not() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(2, 30, 12)).astype(np.float32)
    labels = generator.integers(0, 12, 30)
    sizes = set()
    for include in (True, False):
        for taken, which in drawn_sets(scores, labels, include=include):
            assert (which.sum(axis=1) == int(include)).all()
            assert all(len(set(row)) == len(row) for row in taken.tolist())
            if include:
                right = taken[which]
                assert any(np.array_equal(right, kind[np.arange(30), labels]) for kind in scores)
            sizes.add(taken.shape[1])
    assert min(sizes) == 2
    assert max(sizes) <= 12
    (one,) = {scores.shape[1] for scores, _ in drawn_sets(scores, labels, include=True, fewest=4, most=4)}
    assert one == 4


def test_a_threshold_lets_its_share_of_wrong_clips_pass() -> None:
    generator = np.random.default_rng(1)
    scores = generator.normal(size=(1, 2000, 8)).astype(np.float32)
    labels = generator.integers(0, 8, 2000)
    scores[0, np.arange(2000), labels] += 2.0
    right, wrong = (drawn_sets(scores, labels, include=include) for include in (True, False))
    thresholds, accepted = fitted_thresholds(right, wrong, rates=RATES)
    fresh = drawn_sets(scores[:, ::-1], labels[::-1], include=False)
    for rate, least in thresholds.items():
        passed = np.mean(np.concatenate([one.max(axis=1) for one, _ in fresh]) >= least)
        assert passed == pytest.approx(rate, abs=0.02)
        assert accepted[rate] > rate
    assert list(accepted.values()) == sorted(accepted.values())


def test_a_text_near_to_every_clip_loses_its_advantage() -> None:
    generator = np.random.default_rng(2)
    reference = generator.normal(size=(500, 3)).astype(np.float32)
    reference[:, 1] += 5
    assert (reference.argmax(axis=1) == 1).mean() > 0.95
    standing = standard_scores(reference, reference)
    assert (standing.argmax(axis=1) == 1).mean() < 0.5


@pytest.fixture
def run(tiny_run: Path, embed_offline: Callable[[Sequence[str]], None], tmp_path: Path) -> RunFolder:
    """A copy of a small run, with made-up embeddings of names beside those of descriptions."""
    embed_offline(class_texts("builtin", dataset_named("builtin").classes, kind="name"))
    return RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))


def test_a_run_is_calibrated_and_then_refuses(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", str(run.path), "--json"])
    assert not ended.value.code
    said = json.loads(capsys.readouterr().out)
    kept = load_calibration(run.checkpoint)
    assert kept is not None
    assert said["temperature"] == kept.temperature
    assert 0 <= said["error"] <= 1
    assert 0 < said["chance"] < 1
    assert set(said["caught"]) == {"still", "noise", "lost"}
    assert set(said["errors"]) <= {"2", "5", "10", "20"}
    assert said["accepted"]["0.5"] >= said["accepted"]["0.1"]
    assert "was not shown" in kept.about
    recognizer = Recognizer.load(run.path)
    classes = dataset_named("builtin").classes[:3]
    clip = builtin_clip(action=0, subject=0, repetition=0)
    assert recognizer.predict(clip, classes).calibrated
    strict, free = (recognizer.predict(clip, classes, false_accept=rate) for rate in (0.01, 0.5))
    assert strict.label is None or free.label is not None
    few, many = (recognizer.predict(clip, classes, coverage=share).label_set for share in (0.5, 0.98))
    assert set(few) <= set(many) <= set(classes)
    assert few
    with pytest.raises(SkeltextError, match=r"a coverage of 0\.3, expected one between 0\.5 and 0\.98"):
        recognizer.predict(clip, classes, coverage=0.3)
    repeated, _ = calibrate(Run.open(run.path))
    assert (repeated.temperature, repeated.thresholds) == (kept.temperature, kept.thresholds)


def test_what_cannot_be_calibrated_is_one_sentence(run: RunFolder) -> None:
    shutil.rmtree(run.held_out.path)
    with pytest.raises(SkeltextError, match="has no second training that holds classes out"):
        calibrate(Run.open(run.path))


def test_empty_clips_are_of_every_kind_and_show_no_action() -> None:
    clips = [builtin_clip(action=action, subject=0, repetition=0) for action in (0, 5)]
    prepare = preprocessing_named("sound50", layout="ntu25", bodies=1)
    found = list(empty_clips(clips, prepare))
    assert {kind for kind, _ in found} <= {"still", "noise", "lost"}
    assert [kind for kind, _ in found].count("still") == 4
    moves = {
        kind: np.mean([np.abs(np.diff(array, axis=1)).mean() for which, array in found if which == kind])
        for kind in ("still", "noise")
    }
    usual = np.mean([np.abs(np.diff(prepare(clip), axis=1)).mean() for clip in clips])
    assert moves["still"] < usual < moves["noise"]
    again = list(empty_clips(clips, prepare))
    assert all(np.array_equal(one, other, equal_nan=True) for (_, one), (_, other) in zip(found, again, strict=True))
