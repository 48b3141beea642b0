"""Explanations of models whose scores are known functions of one joint or one moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from exit_code import exit_code
from hypothesis import given, settings
from hypothesis import strategies as st
from wrist_model import LABELS, Reader, Wrists, acted, wrist_recognizer

from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.formats.npz import write_npz
from skeltext.recognizer.explain import bridged, hanging_from, held_still
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.model import Floats
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.stick_figure import colour, stick_figures
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20, NTU25

SVG = "{http://www.w3.org/2000/svg}"


class OneJoint(Wrists):
    """Scores how much one joint moves."""

    def __init__(self, joint: str) -> None:
        self.joint = NTU25.index(joint)

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to (N, 2), the same for both labels."""
        spread = clips[:, :, :, self.joint, 0].std(axis=2).sum(axis=1)
        return np.stack([spread, spread], axis=1)

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """Products, not cosines."""
        return embedded @ texts.T


class OneMoment(OneJoint):
    """Scores how long the way of a joint is between two frames."""

    def __init__(self, joint: str, start: int, stop: int) -> None:
        super().__init__(joint)
        self.start, self.stop = start, stop

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to (N, 2), the same for both labels."""
        way = np.diff(clips[:, :, self.start : self.stop, self.joint, 0], axis=2)
        length = np.linalg.norm(way, axis=1).sum(axis=1)
        return np.stack([length, length], axis=1)


@pytest.fixture(scope="module")
def busy() -> Clip:
    """A body of which every joint swings in its own time, the wider the farther out it is."""
    clip = acted("left", frames=100)
    width = np.zeros(NTU25.V)
    for joint in hanging_from(NTU25.parents.index(-1), NTU25):
        width[joint] = 0.02 if NTU25.parents[joint] < 0 else 1.5 * width[NTU25.parents[joint]]
    phase, rate = np.random.default_rng(0).uniform(0, 6, (2, NTU25.V, 3))
    swing = width[:, None] * np.sin(phase + (1 + rate) * np.linspace(0, 6, 100)[:, None, None])
    return replace(clip, positions=(clip.positions[:, :1] + swing).astype(np.float32))


@pytest.mark.parametrize("joint", ["left_elbow", "left_hand_tip", "right_wrist", "left_knee", "head", "right_hip"])
def test_the_joint_that_carries_the_score_comes_first(busy: Clip, joint: str) -> None:
    recognizer = Recognizer(model=OneJoint(joint), encoder=Reader())
    found = recognizer.explain(busy, LABELS)
    assert found.ranked_joints[0][0] == joint
    alone = dict(zip(NTU25.joints, found.alone, strict=True))
    assert alone.pop(joint) > 0
    assert set(alone.values()) == {0.0}
    limbs = [NTU25.index(name) for name, drop in found.ranked_limbs if drop]
    assert all(NTU25.index(joint) in hanging_from(limb, NTU25) for limb in limbs)


@pytest.mark.parametrize("part", range(5))
def test_the_time_that_carries_the_score_comes_first(busy: Clip, part: int) -> None:
    recognizer = Recognizer(model=OneMoment("left_wrist", 10 * part, 10 * part + 10), encoder=Reader())
    found = recognizer.explain(busy, LABELS, bins=5)
    assert int(found.frames.argmax()) == part
    assert np.flatnonzero(found.frames > 1e-4).tolist() == [part]
    assert found.when(part) == f"{part * 2 / 3:.2f} to {(part + 1) * 2 / 3:.2f} s"
    assert (
        recognizer.explain(replace(busy, fps=None), LABELS, bins=5).when(part) == f"{20 * part} to {20 * part + 20} %"
    )


def test_an_arm_that_waves_carries_its_label_and_not_the_other() -> None:
    recognizer, clip = wrist_recognizer(), acted("left", frames=60)
    found = recognizer.explain(clip, LABELS)
    assert found.label == LABELS[0]
    assert found.score == pytest.approx(recognizer.predict(clip, LABELS).guesses[0].score)
    assert found.ranked_joints[0][0] == "left_wrist"
    other = recognizer.explain(clip, LABELS, of=LABELS[1])
    assert other.label == LABELS[1]
    assert other.joints[NTU25.index("left_wrist")] < 0  # it stands better without
    again = recognizer.explain(clip, LABELS)
    assert (again.joints == found.joints).all()
    assert (again.frames == found.frames).all()


def test_examples_are_explained_too() -> None:
    clip = acted("left", frames=60)
    labels = LabelSet.of(LABELS[1:]).with_examples("as before", [clip])
    assert wrist_recognizer().explain(clip, labels).label == "as before"


def test_all_is_embedded_in_one_pass(busy: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer, counted = wrist_recognizer(), []
    embed = recognizer.model.embed
    monkeypatch.setattr(recognizer.model, "embed", lambda clips: counted.append(len(clips)) or embed(clips))
    recognizer.explain(busy, LABELS, bins=7)
    assert counted == [1 + 2 * NTU25.V + 7]


def test_mistakes_are_one_sentence(busy: Clip) -> None:
    recognizer = wrist_recognizer()
    with pytest.raises(SkeltextError, match="the label 'sit' is none of those to choose among"):
        recognizer.explain(busy, LABELS, of="sit")
    for bins in (1, 51):
        with pytest.raises(SkeltextError, match=f"{bins} parts of the time, expected 2 to 50"):
            recognizer.explain(busy, LABELS, bins=bins)


@settings(max_examples=30, deadline=None)
@given(joint=st.integers(0, KINECT20.V - 1), seed=st.integers(0, 9), limb=st.booleans())
def test_what_is_held_still_keeps_its_bones_and_the_rest_as_it_was(joint: int, seed: int, limb: bool) -> None:
    motion = np.random.default_rng(seed).normal(size=(3, 12, KINECT20.V, 2)).astype(np.float32)
    joints = hanging_from(joint, KINECT20) if limb else [joint]
    held = held_still(motion, joints, KINECT20)
    others = [other for other in range(KINECT20.V) if other not in joints]
    assert (held[:, :, others] == motion[:, :, others]).all()
    for moved in joints:
        parent = KINECT20.parents[moved]
        anchor = held[:, :, parent] if parent >= 0 else 0
        bone = held[:, :, moved] - anchor
        assert np.ptp(bone, axis=1).max() < 1e-4  # it no longer turns
        if parent >= 0:
            length = np.linalg.norm(motion[:, :, moved] - motion[:, :, parent], axis=0).mean(axis=0)
            np.testing.assert_allclose(np.linalg.norm(bone, axis=0).mean(axis=0), length, rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(start=st.integers(0, 9), length=st.integers(1, 9), seed=st.integers(0, 9))
def test_what_is_bridged_leads_straight_across(start: int, length: int, seed: int) -> None:
    motion = np.random.default_rng(seed).normal(size=(3, 10, 4, 1)).astype(np.float32)
    stop = min(start + length, 10)
    result = bridged(motion, start, stop)
    outside = [frame for frame in range(10) if not start <= frame < stop]
    assert (result[:, outside] == motion[:, outside]).all()
    steps = np.diff(result[:, max(start - 1, 0) : stop + 1], axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-5)


def test_the_picture_is_sound_and_shows_what_carries(busy: Clip) -> None:
    found = Recognizer(model=OneJoint("left_wrist"), encoder=Reader()).explain(busy, ['left "<hand>" & \x00', "right"])
    svg = ElementTree.fromstring(stick_figures(found))
    assert svg.tag == f"{SVG}svg"
    assert len(svg.findall(f"{SVG}g")) == 10
    dots = svg.findall(f"{SVG}g/{SVG}circle")
    assert len(dots) == 10 * NTU25.V
    darkest = {dot.findtext(f"{SVG}title", "").partition(":")[0] for dot in dots if dot.get("fill") == colour(1)}
    assert darkest == {"left_wrist"}
    assert '<hand>" &' in svg.findtext(f"{SVG}title", "")
    width, height = map(float, svg.get("viewBox", "").split()[2:])
    assert all(0 < float(dot.get("cx", -1)) < width and 0 < float(dot.get("cy", -1)) < height for dot in dots)


def test_the_left_hand_is_on_the_right_of_the_picture() -> None:
    found = wrist_recognizer().explain(acted("left", frames=60), LABELS)
    dots = ElementTree.fromstring(stick_figures(found)).findall(f"{SVG}g/{SVG}circle")[: NTU25.V]
    at = {dot.findtext(f"{SVG}title", "").partition(":")[0]: dot for dot in dots}
    assert float(at["left_shoulder"].get("cx", 0)) > float(at["right_shoulder"].get("cx", 0))
    assert float(at["head"].get("cy", 0)) < float(at["left_ankle"].get("cy", 0))


def test_a_body_that_is_not_prepared_to_the_end_is_drawn_the_same(busy: Clip) -> None:
    """As for an exported model, whose graph does the last steps: the body walks and turns, and another is absent."""
    found = wrist_recognizer().explain(busy, LABELS)
    angle = np.linspace(0, 3, found.motion.shape[1])[:, None, None]
    x, y, z = found.motion
    walking = np.stack([x * np.cos(angle) + z * np.sin(angle) + angle, y, z * np.cos(angle) - x * np.sin(angle)])
    motion = np.concatenate([walking, np.full_like(walking, np.nan)], axis=3).astype(np.float32)
    straight, turned = (
        [float(dot.get("cx", 0)) for dot in ElementTree.fromstring(picture).iter(f"{SVG}circle")]
        for picture in (stick_figures(found), stick_figures(replace(found, motion=motion)))
    )
    assert turned == pytest.approx(straight, abs=0.3)


def test_darker_is_more() -> None:
    def lightness(share: float) -> float:
        red, green, blue = (int(colour(share)[at : at + 2], 16) for at in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    steps = [lightness(share) for share in np.linspace(0, 1, 21)]
    assert steps == sorted(steps, reverse=True)


def test_the_command(
    tiny_run: Path,
    tiny_store: Path,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embed_offline(["creep", "shrug"])
    write_npz(open_store(tiny_store).clip(0), tmp_path / "clip.npz")
    words = ["explain", str(tmp_path / "clip.npz"), "--model", str(tiny_run), "--labels", "creep", "shrug"]
    picture = str(tmp_path / "new" / "why.svg")
    assert exit_code([*words, "--of", "shrug", "--bins", "4", "--out", picture, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["label"] == "shrug"
    assert len(found["joints"]) == NTU25.V
    assert found["frames"][0]["start"] == 0
    assert len(found["frames"]) == 4
    assert found["picture"] == picture
    ElementTree.parse(picture)
    assert exit_code(words) == 0
    assert "score" in capsys.readouterr().out
    assert exit_code([*words, "--of", "sit"]) == 2
