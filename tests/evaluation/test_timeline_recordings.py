"""Recordings that are put together: what they show is known, and a model that knows it too finds it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from skeltext.datasets.builtin.actions import FPS, builtin_clip
from skeltext.encoders.kinematic import headings
from skeltext.errors import SkeltextError
from skeltext.evaluation.timeline_metrics import timeline_scores
from skeltext.evaluation.timeline_recordings import Recording, composed, drawn
from skeltext.evaluation.timeline_truth import labeled
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.card import Card
from skeltext.recognizer.model import Floats
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.spans import SpanRule
from skeltext.recognizer.stillness import moving_stretches
from skeltext.recognizer.timeline import timeline
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20, NTU25
from skeltext.skeletons.preprocessing import preprocessing_named

LABELS = ("near", "far", "high")
SIZES = (1.0, 1.5, 2.0)


def shown(label: str, seconds: float = 3.0) -> Clip:
    """Somebody who waves; the head says what the label is, as the scripted model knows."""
    motion = builtin_clip(action="wave the left hand", subject=0, repetition=0)
    positions = motion.positions[:1, motion.T // 3 + np.arange(round(seconds * FPS)) % (motion.T // 3)].copy()
    positions[..., NTU25.index("head"), 1] = positions[..., NTU25.index("pelvis"), 1] + SIZES[LABELS.index(label)]
    return Clip(positions=positions, layout=NTU25, fps=FPS)


class Scripted:
    """Tells by the head of every frame what it shows, and of a clip which share of its frames shows what."""

    card = Card(
        model=ModelConfig(method="pgfa", encoder="st_gcn", layout="ntu25", text_width=len(LABELS)),
        preprocessing=preprocessing_named("gaps64", layout="ntu25", bodies=1),
        text_encoder="minilm",
        texts="complete",
        dataset="builtin",
        labels={},
    )
    score_scale = 10.0
    cosines = True

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to (N, K)."""
        heights = clips[:, 1, :, NTU25.index("head"), 0] - clips[:, 1, :, NTU25.index("pelvis"), 0]  # N T
        near = np.abs(heights[..., None] - np.array(SIZES)) < 0.05
        return np.asarray(near.mean(axis=1), np.float32)

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """As they are embedded, for a text that is a row of the unit matrix."""
        return np.asarray(embedded @ texts.T)


class Rows:
    """Embeds a label as its row of the unit matrix."""

    name, revision = "rows", "1"

    def encode(self, texts: list[str]) -> Floats:
        """(K, 3)."""
        return np.array([[float(text == label) for label in LABELS] for text in texts], np.float32)


def recorded(seed: int = 0) -> Recording:
    """Five actions."""
    order = ("near", "far", "near", "high", "far")
    return composed([(label, shown(label)) for label in order], seed=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_model_that_knows_every_frame_finds_every_span(seed: int) -> None:
    recording = recorded(seed)
    found = timeline(Recognizer(model=Scripted(), encoder=Rows()), recording.clip, LABELS)
    assert [span.label for span in found.spans] == [span.label for span in recording.spans]
    scores = timeline_scores([labeled(found, recording.spans)])
    assert (scores.edit, scores.f1_50, scores.flicker) == (1, 1, 0)
    assert scores.frame_accuracy > 0.85
    for one, other in zip(found.spans, recording.spans, strict=True):
        assert one.start == pytest.approx(other.start, abs=0.8)
        assert one.end == pytest.approx(other.end, abs=0.8)


def test_the_same_seed_makes_the_same_recording() -> None:
    one, same, other = recorded(0), recorded(0), recorded(1)
    np.testing.assert_array_equal(one.clip.positions, same.clip.positions)
    assert one.spans == same.spans
    assert one.clip.positions.shape != other.clip.positions.shape


def test_spans_hold_the_clips_and_nothing_jumps() -> None:
    recording = recorded()
    assert len(recording.spans) == 5
    assert recording.labels == ("far", "high", "near")
    positions = recording.clip.positions[0]
    knee = NTU25.index("left_knee")
    for span in recording.spans:
        own = shown(span.label).positions[0]
        part = positions[round(span.start * 30) : round(span.end * 30)]
        assert len(part) == round(len(own) * 30 / FPS)
        np.testing.assert_allclose(part[0, :, 1], own[0, :, 1], atol=1e-4)  # heights are as they were
        bones = (np.linalg.norm(x[0, knee] - x[0, knee + 1]) for x in (part, own))
        assert next(bones) == pytest.approx(next(bones), abs=1e-4)
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=2).max(axis=1)
    within = max(float(np.linalg.norm(np.diff(shown("near").positions[0], axis=0), axis=2).max()), 0.2)
    assert steps.max() < 1.5 * within
    for one, other in pairwise(recording.spans):
        assert other.start - one.end >= 0.4 - 1e-6


def test_an_action_faces_the_way_the_last_one_faced() -> None:
    clip = shown("near")
    turned = replace(clip, positions=clip.positions[..., [2, 1, 0]] * np.array([1, 1, -1], np.float32))  # by 90 degrees
    recording = composed([("near", clip), ("far", turned)], seed=0)
    first, second = (recording.clip.positions[:, round(span.start * 30)][None] for span in recording.spans)
    ends = recording.clip.positions[:, round(recording.spans[0].end * 30) - 1][None]
    assert headings(second, NTU25)[0, 0] == pytest.approx(headings(ends, NTU25)[0, 0], abs=0.05)
    assert first.shape == second.shape


def test_before_and_after_all_somebody_stands_still() -> None:
    recording = recorded()
    stretches = moving_stretches(recording.clip, least=0.5)
    assert stretches[0][0] >= 0.5
    assert stretches[-1][1] <= recording.clip.T / 30 - 0.5
    still = recording.clip.positions[0, :20]
    assert 0 < still.std(axis=0).max() < 0.05  # metres: it sways and shakes


def test_clips_of_other_rates_last_as_long() -> None:
    slow = replace(shown("near"), fps=FPS / 2)
    span = composed([("near", slow)], seed=0).spans[0]
    assert span.end - span.start == pytest.approx(slow.T / (FPS / 2), abs=0.05)


def test_what_cannot_be_put_together_is_one_sentence() -> None:
    with pytest.raises(SkeltextError, match="no clip to put together"):
        composed([], seed=0)
    flat = Clip(positions=np.ones((1, 30, 20, 3), np.float32), layout=KINECT20, fps=30)
    with pytest.raises(SkeltextError, match="clips of other layouts than ntu25"):
        composed([("near", shown("near")), ("far", flat)], seed=0)
    with pytest.raises(SkeltextError, match="nobody shows three of the classes"):
        drawn(["a", "b", "c"], [1, 1, 2], actions=4, most=3, draw=np.random.default_rng(0))


def test_clips_are_drawn_of_one_person_and_no_class_follows_itself() -> None:
    names = [label for label in "abcdefg" for _ in range(4)]
    people = [number % 2 for number in range(len(names))]
    for seed in range(30):
        chosen = drawn(names, people, actions=9, most=4, draw=np.random.default_rng(seed))
        order = [names[clip] for clip in chosen]
        assert len({people[clip] for clip in chosen}) == 1
        assert len(order) == 9
        assert len(set(order)) == len(set(order[:4])) == 4
        assert all(one != other for one, other in pairwise(order))


def test_a_rule_without_cost_or_threshold_flickers_no_less() -> None:
    recording = recorded()
    model = Recognizer(model=Scripted(), encoder=Rows())
    free = timeline(model, recording.clip, LABELS, rule=SpanRule(change=0, still=0, shortest=0, gap=0))
    assert len(free.spans) >= len(timeline(model, recording.clip, LABELS).spans)
