"""Examples, evidence, label sets and empty clips: what a calibration says beside probabilities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from wrist_model import acted, wrist_recognizer

from skeltext.errors import SkeltextError
from skeltext.evaluation.refusing import caught, fitted_evidence, fitted_nothing, needed_shifts, shifted
from skeltext.recognizer.calibration import Calibration, calibration_from, load_calibration
from skeltext.recognizer.conformal import Gaps
from skeltext.recognizer.evidence import Evidence
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.likeness import Likeness, weighed
from skeltext.recognizer.nothing import NothingShown, inputs
from skeltext.recognizer.recognizer import Recognizer

RANDOM = np.random.default_rng


def clouds(*, classes: int, each: int, seed: int = 0, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Embedded clips of classes that differ in the first half of the axes, and among themselves in the second."""
    random = RANDOM(seed)
    labels = np.repeat(np.arange(classes), each)
    middles = np.concatenate([random.normal(size=(classes, width // 2)), np.zeros((classes, width // 2))], axis=1)
    spread = np.where(np.arange(width) < width // 2, 0.3, 1.5)
    return (middles[labels] + spread * random.normal(size=(len(labels), width))).astype(np.float32), labels


def test_whitening_looks_past_what_differs_within_classes() -> None:
    reference, classes = clouds(classes=30, each=12)
    clips, truth = clouds(classes=6, each=20, seed=1)
    examples = [clips[truth == one][:1] for one in range(6)]

    def right(likeness: Likeness) -> float:
        scores = np.stack([likeness.scores(clips, rows) for rows in examples], axis=1)
        return float((scores.argmax(axis=1) == truth).mean())

    assert right(Likeness.of(reference, classes)) > right(Likeness.of(reference, np.zeros(0, np.int64))) + 0.1


def test_examples_have_one_spread_for_all_labels() -> None:
    reference, classes = clouds(classes=30, each=12)
    likeness = Likeness.of(reference, classes)
    far = 20 * reference[:1] + 1
    for rows in (reference[:3], far):
        assert np.abs(likeness.scores(reference, rows)).max() <= 1 / likeness.spread + 1e-4


def test_more_examples_weigh_more_than_a_text() -> None:
    rows = [weighed(np.float32([3.0]), np.float32([-3.0]), examples=n)[0] for n in (1, 2, 8, 100)]
    assert rows == sorted(rows)
    assert rows[-1] == pytest.approx(3.0, abs=0.05)


def test_gaps_refuse_a_coverage_that_was_not_fitted() -> None:
    gaps = Gaps(widths={0.8: {2: 0.5}, 0.95: {2: 1.5}})
    assert gaps.width(0.9, labels=7) == pytest.approx(0.5 + 2 / 3)
    for coverage in (0.5, 0.99):
        with pytest.raises(SkeltextError, match=r"expected one between 0\.8 and 0\.95"):
            gaps.width(coverage, labels=2)


def test_evidence_accepts_what_it_promises_and_more_than_chance() -> None:
    random = RANDOM(3)
    having = random.normal(size=(4000, 3)) + np.array([1.0, 1.0, 0.0])
    without = random.normal(size=(4000, 3))
    found = fitted_evidence(having[:2000], np.ones(2000, bool), without[:2000])
    back = Evidence.from_dict(json.loads(json.dumps(found.to_dict())))
    np.testing.assert_array_equal(back.weights, found.weights)
    assert back.thresholds == found.thresholds
    for rate, least in found.thresholds.items():
        assert (without[2000:] @ found.weights >= least).mean() == pytest.approx(rate, abs=0.06)
        assert (having[2000:] @ found.weights >= least).mean() == pytest.approx(found.accepted[rate], abs=0.04)
    by_score = np.quantile(without[:, 0], 0.9)
    assert found.accepted[0.1] > (having[:, 0] >= by_score).mean() + 0.05


def test_empty_clips_are_told_from_actions() -> None:
    random = RANDOM(4)
    actions = random.normal(size=(400, 8)).astype(np.float32)
    empty = {
        "still": (random.normal(size=(60, 8)) * 0.3 + 2 * np.eye(8)[0]).astype(np.float32),
        "noise": (20 * random.normal(size=(60, 8))).astype(np.float32),
    }
    fitted = fitted_nothing(actions[:200], empty)
    fitted = shifted(fitted, needed_shifts(fitted, actions[200:], empty))
    assert np.mean([bool(kind) for kind in fitted.kinds(actions[200:])]) <= 0.02
    assert min(caught(fitted, empty).values()) > 0.8
    assert set(fitted.kinds(empty["noise"])) <= {"noise", "still", ""}


def test_labels_with_examples_are_refused_by_what_was_fitted_on_examples(recognizer: Recognizer) -> None:
    strict, mild = (
        Evidence(weights=np.array([1.0, 0.0, 0.0]), thresholds={0.1: least, 0.5: least - 1}, accepted={}, right={})
        for least in (50.0, -50.0)
    )
    clip = acted("left", frames=60)
    shown = LabelSet.of(LABELS[1:]).with_examples("my move", [clip])
    for by_text, by_examples in ((strict, mild), (mild, strict)):
        model = calibrated(recognizer, evidence=by_text, shown=by_examples)
        assert bool(model.predict(clip, LABELS, false_accept=0.1).label) == (by_text is mild)
        assert bool(model.predict(clip, shown, false_accept=0.1).label) == (by_examples is mild)


@pytest.fixture
def recognizer() -> Recognizer:
    return wrist_recognizer()


def calibrated(recognizer: Recognizer, **parts: object) -> Recognizer:
    """With a calibration whose reference are made-up clips."""
    reference = RANDOM(0).uniform(size=(40, 2)).astype(np.float32)
    plain = Calibration(reference=reference, temperature=1.0, thresholds={0.1: 0.5}, accepted={0.1: 0.4}, about="x")
    return replace(recognizer, calibration=replace(plain, **parts))


LABELS = ["the left hand", "the right hand"]


def test_a_clip_without_action_is_refused_with_the_reason(recognizer: Recognizer) -> None:
    always = NothingShown(weights={"noise": np.array([0, 0, 0, 1], np.float32)})
    never = NothingShown(weights={"noise": np.array([0, 0, 0, -1], np.float32)})
    clip = acted("left", frames=60)
    refused = calibrated(recognizer, nothing=always).predict(clip, LABELS)
    assert refused.label is None
    assert refused.rejected == "it shows no action: its joints jump about as nobody can move"
    assert calibrated(recognizer, nothing=never).predict(clip, LABELS).label
    shown = LabelSet.of(LABELS[1:]).with_examples("my move", [clip])
    assert calibrated(recognizer, nothing=always).predict(clip, shown).label == "my move"


def test_a_label_set_is_asked_for_by_its_coverage(recognizer: Recognizer) -> None:
    clip = acted("left", frames=60)
    wide, none = Gaps(widths={0.8: {2: 0.0}, 0.9: {2: 99.0}}), None
    model = calibrated(recognizer, gaps=wide)
    answer = model.predict(clip, LABELS, coverage=0.9)
    assert answer.label_set == tuple(guess.label for guess in answer.guesses)
    assert model.predict(clip, LABELS, coverage=0.8).label_set == (answer.guesses[0].label,)
    assert model.predict(clip, LABELS).label_set == ()
    assert answer.to_dict()["label_set"] == list(answer.label_set)
    for missing in (recognizer, calibrated(recognizer, gaps=none)):
        with pytest.raises(SkeltextError, match="has no label sets, which earlier releases did not fit"):
            missing.predict(clip, LABELS, coverage=0.9)


def test_probabilities_follow_the_number_of_labels(recognizer: Recognizer) -> None:
    model = calibrated(recognizer, growth=0.5, temperature=2.0)
    scores = np.float32([[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    for k in (2, 5, 20):
        shares = model.probabilities(scores[:, :k])[0]
        assert np.log(shares[0] / shares[1]) == pytest.approx(1 / (2.0 * (k / 5) ** 0.5), rel=1e-4)


def test_many_clips_are_looked_at_together_unless_somebody_says_no(recognizer: Recognizer) -> None:
    model = calibrated(recognizer)
    clips = [acted(side, frames=60) for side in ("left", "right")] * 10
    together, alone = model.predict_all(clips, LABELS), model.predict_all(clips, LABELS, adapt="plain")
    assert {answer.adapted for answer in together} == {"shrunken_prototypes"}
    assert {answer.adapted for answer in alone} == {""}
    one = model.predict(clips[0], LABELS)
    assert alone[0].guesses[0].score == pytest.approx(one.guesses[0].score, abs=1e-5)
    assert together[0].guesses[0].score != pytest.approx(one.guesses[0].score, abs=1e-3)
    assert {answer.adapted for answer in model.predict_all(clips[:19], LABELS)} == {""}
    with pytest.raises(SkeltextError, match="gives labels without scores"):
        model.predict_all(clips, LABELS, adapt="prototype_alignment")


def test_a_calibration_with_all_its_parts_comes_back(recognizer: Recognizer, tmp_path: Path) -> None:
    reference, classes = clouds(classes=5, each=8)
    evidence = fitted_evidence(RANDOM(1).normal(size=(50, 3)) + 1, np.ones(50, bool), RANDOM(2).normal(size=(50, 3)))
    kept = Calibration(
        reference=reference,
        classes=classes,
        temperature=0.5,
        growth=0.1,
        thresholds={0.1: 1.0},
        accepted={0.1: 0.3},
        about="made up",
        evidence=evidence,
        shown=evidence,
        gaps=Gaps(widths={0.9: {2: 0.5, 5: 1.0}}),
        nothing=NothingShown(weights={"still": np.ones(14, np.float32)}),
    )
    kept.save(tmp_path)
    back = load_calibration(tmp_path)
    assert back is not None
    assert back.evidence is not None
    assert back.shown is not None
    assert back.gaps is not None
    assert back.nothing is not None
    assert (back.growth, back.evidence.thresholds, back.gaps.widths) == (0.1, evidence.thresholds, kept.gaps.widths)
    np.testing.assert_array_equal(back.classes, classes)
    np.testing.assert_array_equal(back.nothing.weights["still"], np.ones(14))
    assert back.threshold(0.1) == evidence.thresholds[0.1]


def test_a_calibration_of_an_earlier_release_still_loads(tmp_path: Path) -> None:
    reference, _ = clouds(classes=5, each=8)
    Calibration(reference=reference, temperature=0.5, thresholds={0.1: 1.0}, accepted={}, about="x").save(tmp_path)
    figures = json.loads((tmp_path / "calibration.json").read_text())
    del figures["growth"]
    back = calibration_from(json.dumps(figures).encode(), (tmp_path / "reference.safetensors").read_bytes())
    assert (back.growth, back.evidence, back.gaps, back.nothing, len(back.classes)) == (0.0, None, None, None, 0)
    assert back.threshold(0.1) == 1.0
    assert back.temperature_for(2) == back.temperature_for(20) == 0.5
    assert inputs(reference).shape == (40, 14)
