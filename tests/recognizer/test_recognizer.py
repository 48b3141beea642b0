"""What people do with a trained model: any clip, any labels, a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import open_store
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.answer import Answer
from skeltext.recognizer.calibration import Calibration, load_calibration
from skeltext.recognizer.card import Card, save_card
from skeltext.recognizer.checkpoint import write_tensors
from skeltext.recognizer.embedding import embed_clips
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.table import answer_lines, guess_table
from skeltext.recognizer.torch_model import TorchModel
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import AZURE32, COCO17, KINECT20, MEDIAPIPE33
from skeltext.skeletons.preprocessing import preprocessing_named
from skeltext.texts.descriptions import class_text

LABELS = ["sit down", "juggle three balls", "take a bow", "stir a pot"]


class MadeUp:
    """A text encoder that gives every sentence its own direction and remembers what it read."""

    name, revision = "made up", "1"

    def __init__(self) -> None:
        self.read: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(K, 16) directions that depend on the sentence alone."""
        self.read = list(texts)
        rows = [np.random.default_rng(list(text.encode())).normal(size=16) for text in texts]
        return np.asarray(rows, np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of a small model with random weights."""
    folder = tmp_path_factory.mktemp("recognizer") / "checkpoint"
    model = ModelConfig(
        method="pgfa",
        encoder="st_gcn",
        layout="ntu25",
        text_width=16,
        encoder_options={"hidden": 4, "features": 16},
    )
    card = Card(
        model=model,
        preprocessing=preprocessing_named("published50", layout="ntu25", bodies=1),
        text_encoder="minilm",
        texts="complete",
        dataset="utd-mhad",
        labels={"a class of no set": "words for it"},
    )
    save_card(folder, card)
    torch.manual_seed(0)
    method = build_method(model).train()
    with torch.no_grad():
        for _ in range(20):  # so that the running statistics of the normalisations fit the motions
            method.embed(torch.randn(8, 3, 50, 25, 1))
    write_tensors(folder / "weights.safetensors", method.state_dict())
    return folder


@pytest.fixture
def recognizer(checkpoint: Path) -> Recognizer:
    """The small model with a made-up text encoder."""
    return Recognizer.load(checkpoint, encoder=MadeUp())


@pytest.fixture(scope="module")
def clips(tiny_store: Path) -> list[Clip]:
    """Motions of the built-in set."""
    store = open_store(tiny_store)
    return [store.clip(index) for index in range(0, len(store), 11)]


def test_every_label_is_ranked(recognizer: Recognizer, clips: list[Clip]) -> None:
    found = recognizer.predict_all(clips, LABELS)
    assert len(found) == len(clips)
    for answer in found:
        guesses = answer.guesses
        assert answer.label == guesses[0].label
        assert not answer.calibrated
        assert {guess.label for guess in guesses} == set(LABELS)
        scores = [guess.score for guess in guesses]
        assert scores == sorted(scores, reverse=True)
        assert all(-1.001 <= score <= 1.001 for score in scores)
        assert sum(guess.probability for guess in guesses) == pytest.approx(1, abs=1e-5)
        ratio = np.exp((scores[0] - scores[1]) * recognizer.model.score_scale)
        assert guesses[0].probability / guesses[1].probability == pytest.approx(ratio, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(LABELS))
def test_the_order_of_labels_does_not_matter(checkpoint: Path, clips: list[Clip], order: list[str]) -> None:
    recognizer = Recognizer.load(checkpoint, encoder=MadeUp())
    plain, other = (recognizer.predict(clips[0], labels).guesses for labels in (LABELS, order))
    assert [guess.label for guess in plain] == [guess.label for guess in other]
    assert [guess.score for guess in plain] == pytest.approx([guess.score for guess in other], abs=1e-6)


def test_a_clip_is_recognised_alone_as_among_others(recognizer: Recognizer, clips: list[Clip]) -> None:
    together = recognizer.predict_all(clips, LABELS)
    for clip, answer in zip(clips, together, strict=True):
        alone = recognizer.predict(clip, LABELS)
        assert [guess.label for guess in alone.guesses] == [guess.label for guess in answer.guesses]
        assert [guess.score for guess in alone.guesses] == pytest.approx([g.score for g in answer.guesses], abs=1e-5)


def test_labels_given_twice_count_once(recognizer: Recognizer, clips: list[Clip]) -> None:
    guesses = recognizer.predict(clips[0], ["sit", " sit ", "stand", "stand"]).guesses
    assert sorted(guess.label for guess in guesses) == ["sit", "stand"]


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([], "0 label given, expected at least two"),
        (["sit"], "1 label given, expected at least two"),
        (["sit", " sit "], "1 label given, expected at least two"),
        (["sit", ""], "one of the labels is empty"),
        (["sit", "stand", "  "], "one of the labels is empty"),
    ],
)
def test_too_few_or_empty_labels_are_one_sentence(
    recognizer: Recognizer, clips: list[Clip], labels: list[str], sentence: str
) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        recognizer.predict(clips[0], labels)
    with pytest.raises(SkeltextError, match="no clip given"):
        recognizer.predict_all([], LABELS)


@pytest.mark.parametrize("layout", [KINECT20, AZURE32, MEDIAPIPE33], ids=lambda layout: layout.name)
def test_the_same_motion_in_another_layout_is_nearly_the_same(
    recognizer: Recognizer, clips: list[Clip], layout: object
) -> None:
    others = [convert(clip, layout) for clip in clips]  # type: ignore[arg-type]
    assert all(clip.positions.shape[2] != 25 for clip in others)
    own, converted = (torch.from_numpy(recognizer.embed(both)) for both in (clips, others))
    near = torch.nn.functional.cosine_similarity(own, converted).mean()
    far = torch.nn.functional.cosine_similarity(own, converted.roll(1, dims=0)).mean()
    assert near > 0.9
    assert near > far
    assert len(recognizer.predict_all(others, LABELS)) == len(others)


def test_flat_key_points_are_refused(recognizer: Recognizer) -> None:
    flat = Clip(positions=np.ones((1, 9, 17, 2), np.float32), layout=COCO17, fps=30.0, source="flat.json")
    with pytest.raises(SkeltextError, match=r"flat.json: layout coco17 has 2 coordinates and ntu25 has 3"):
        recognizer.predict(flat, LABELS)


def test_a_clip_with_nobody_in_it_is_refused(recognizer: Recognizer, clips: list[Clip]) -> None:
    nobody = replace(clips[0], positions=np.full_like(clips[0].positions, np.nan))
    with pytest.raises(SkeltextError, match=f"{clips[0].source}: no frame has its first joint tracked"):
        recognizer.predict(nobody, LABELS)


def test_a_class_of_the_data_set_is_described(recognizer: Recognizer) -> None:
    for name in dataset_named("utd-mhad").classes:
        for label in (name, name.upper(), name.title()):
            assert recognizer.text_of(label) == class_text("utd-mhad", name, kind="complete")


def test_other_labels_stand_for_themselves(recognizer: Recognizer, clips: list[Clip]) -> None:
    assert recognizer.text_of("juggle three balls") == "juggle three balls"
    assert recognizer.text_of("a class of no set") == "words for it"
    known = dataset_named("utd-mhad").classes[0]
    guesses = recognizer.predict(clips[0], [known, "juggle three balls"]).guesses
    texts = {guess.label: guess.text for guess in guesses}
    assert texts["juggle three balls"] == "juggle three balls"
    assert len(texts[known].split()) > 20
    assert recognizer.encoder.read == [texts["juggle three balls"]]  # type: ignore[attr-defined]


def test_a_model_of_a_table_cannot_read_labels(recognizer: Recognizer, checkpoint: Path) -> None:
    model = TorchModel(checkpoint)
    model.card = replace(recognizer.card, text_encoder="some/table.npy")
    with pytest.raises(SkeltextError, match=r"trained on the table some/table.npy, which has no row for a typed label"):
        Recognizer(model=model)
    Recognizer(model=model, encoder=MadeUp())


def test_the_folder_of_a_run_is_as_good_as_that_of_its_checkpoint(checkpoint: Path, clips: list[Clip]) -> None:
    one, other = Recognizer.load(checkpoint), Recognizer.load(str(checkpoint.parent))
    assert one.card == other.card
    assert (one.embed(clips[:1]) == other.embed(clips[:1])).all()
    assert not one.model.method.training  # type: ignore[attr-defined]


@pytest.mark.parametrize("device", ["cuda", "mps", "abacus", "meta", "cpu:x", ""])
def test_a_device_that_is_not_there_is_one_sentence(checkpoint: Path, device: str) -> None:
    if (device == "cuda" and torch.cuda.is_available()) or (device == "mps" and torch.backends.mps.is_available()):
        pytest.skip("it is there")
    with pytest.raises(SkeltextError, match=f"device '{device}' is not (known|there)"):
        Recognizer.load(checkpoint, device=device)


def test_any_device_will_do(checkpoint: Path, clips: list[Clip]) -> None:
    recognizer = Recognizer.load(checkpoint, device="auto")
    assert np.isfinite(recognizer.embed(clips[:1])).all()


def test_the_size_of_chunks_does_not_matter(recognizer: Recognizer, clips: list[Clip]) -> None:
    batch = torch.from_numpy(np.stack([recognizer.card.preprocessing(clip) for clip in clips]))
    method = recognizer.model.method  # type: ignore[attr-defined]
    whole = embed_clips(method, batch, chunk=len(batch))
    torch.testing.assert_close(embed_clips(method, batch, chunk=2), whole, atol=1e-5, rtol=1e-4)
    assert not whole.requires_grad


def test_labels_are_shown_as_they_were_typed(recognizer: Recognizer, clips: list[Clip]) -> None:
    labels = ["wave [left]", "close [/bold] a door"]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(guess_table(recognizer.predict(clips[0], labels).guesses))
    assert all(label in capture.get() for label in labels)


def test_several_sentences_are_averaged_as_directions(recognizer: Recognizer, clips: list[Clip]) -> None:
    sentences = ["raise a hand", "wave to a friend"]
    answer = recognizer.predict(clips[0], {"wave": sentences, "sit": "sit on a chair"})
    rows = recognizer.encoder.encode(sentences)
    mean = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).mean(axis=0)
    expected = recognizer.model.scores(recognizer.embed(clips[:1]), mean[None])[0, 0]
    assert {guess.label: guess.score for guess in answer.guesses}["wave"] == pytest.approx(float(expected), abs=1e-6)
    typed = recognizer.predict(clips[0], ["wave=raise a hand", "wave=wave to a friend", "sit=sit on a chair"])
    assert typed.guesses == answer.guesses


def test_what_is_nearer_to_a_negative_is_refused(recognizer: Recognizer, clips: list[Clip]) -> None:
    ranked = [guess.label for guess in recognizer.predict(clips[0], LABELS).guesses]
    refused = recognizer.predict(clips[0], LabelSet.of(ranked[1:], negatives=ranked[:1]))
    assert refused.label is None
    assert ranked[0] in refused.rejected
    assert [guess.label for guess in refused.guesses] == ranked[1:]
    accepted = recognizer.predict(clips[0], LabelSet.of(ranked[:1], negatives=ranked[1:]))
    assert accepted.label == ranked[0]
    assert not accepted.rejected


def test_examples_show_a_label(recognizer: Recognizer, clips: list[Clip]) -> None:
    labels = LabelSet.of(["sit down"]).with_examples("my move", clips[:1])
    assert recognizer.predict(clips[0], labels).label == "my move"
    assert recognizer.predict(clips[0], labels).guesses[0].text == ""
    more = labels.with_examples("my move", clips[1:3]).with_examples("another", clips[3:4])
    assert recognizer.predict(clips[3], more.without("sit down")).label == "another"
    both = recognizer.predict(clips[0], more.with_texts("my move", "shake it")).guesses
    assert {guess.text for guess in both if guess.label == "my move"} == {"shake it"}
    with pytest.raises(SkeltextError, match="no example given for 'x'"):
        labels.with_examples("x", [])


def test_several_examples_and_a_text_are_weighed_as_directions(recognizer: Recognizer, clips: list[Clip]) -> None:
    labels = LabelSet.of(["sit down"]).with_examples("my move", clips[:1]).with_examples("my move", clips[1:3])
    rows = recognizer.embed(clips)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    mean = units[:3].mean(axis=0)
    shown = units @ mean / np.linalg.norm(mean)
    np.testing.assert_allclose(recognizer.scores(rows, labels)[:, 1], shown, atol=1e-5)
    spoken = recognizer.scores(rows, ["shake it"])[:, 0]
    both = recognizer.scores(rows, labels.with_texts("my move", "shake it"))
    np.testing.assert_allclose(both[:, 1], (shown + spoken) / 2, atol=1e-5)


def test_a_recognizer_cannot_be_changed(recognizer: Recognizer, clips: list[Clip]) -> None:
    for name in ("model", "encoder", "calibration", "weights", "card", "labels", "anything"):
        with pytest.raises(AttributeError):
            setattr(recognizer, name, None)
    before = recognizer.predict(clips[0], LABELS)
    recognizer.predict(clips[0], LabelSet.of(LABELS).with_examples("my move", clips[:1]).with_negatives("sit"))
    assert recognizer.predict(clips[0], LABELS) == before


def test_an_example_is_embedded_once(
    recognizer: Recognizer, clips: list[Clip], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, counted = LabelSet.of(LABELS).with_examples("my move", clips[:2]), []
    embed = recognizer.model.embed
    monkeypatch.setattr(recognizer.model, "embed", lambda given: counted.append(len(given)) or embed(given))
    recognizer.predict(clips[3], labels)
    assert sum(counted) == 3
    recognizer.predict(clips[3], labels.with_examples("another", clips[:1]))
    assert sum(counted) == 4


def test_a_bank_begins_with_what_the_recogniser_compares_and_learns_from_clips(
    recognizer: Recognizer, clips: list[Clip], tmp_path: Path
) -> None:
    bank = recognizer.bank(["one=first sentence", *LABELS], capacity=3)
    embedded = recognizer.embed(clips)
    before = bank.scores(embedded)
    answers = recognizer.predict_all(clips, ["one=first sentence", *LABELS])
    asked = [
        [guess.score for name in bank.labels for guess in answer.guesses if guess.label == name] for answer in answers
    ]
    np.testing.assert_allclose(before, asked, atol=1e-5)
    assert [bank.labels[bank.update(row)] for row in embedded[:1]] == [answers[0].label]
    for row in bank.anchors:  # a model with random weights finds one label in all clips
        bank.update(row)
    assert (bank.support > 0).all()
    assert np.abs(bank.scores(embedded) - before).max() > 0.01
    bank.save(str(tmp_path / "bank.safetensors"))
    np.testing.assert_array_equal(type(bank).load(str(tmp_path / "bank.safetensors")).anchors, bank.anchors)
    with_move = recognizer.bank(LabelSet.of(LABELS).with_examples("my move", clips[:1]))
    assert with_move.labels[int(with_move.scores(embedded[:1]).argmax())] == "my move"


def rounded(answer: Answer) -> dict[str, float]:
    """The scores of an answer, without the last digits, which depend on how many clips are computed together."""
    return {guess.label: round(guess.score, 4) for guess in answer.guesses}


def test_every_person_is_answered_for_or_two_together(recognizer: Recognizer, clips: list[Clip]) -> None:
    length = min(clip.T for clip in clips[:2])
    positions = np.concatenate([clip.positions[:1, :length] for clip in clips[:2]])
    two = replace(clips[0], positions=positions, tracks=("ann", "ben"), confidence=None)
    alone = [
        recognizer.predict(replace(two, positions=positions[m : m + 1], tracks=(n,)), LABELS)
        for m, n in enumerate(two.tracks)
    ]
    each = recognizer.predict_people(two, LABELS)
    assert [answer.person for answer in each] == ["ann", "ben"]
    assert [rounded(answer) for answer in each] == [rounded(answer) for answer in alone]
    most = recognizer.predict(two, LABELS)
    assert rounded(most) in [rounded(answer) for answer in alone]
    pair = recognizer.predict(two, LABELS, pair=True)
    assert pair.person == "ann and ben"
    assert rounded(pair) not in [rounded(answer) for answer in alone]


def test_a_model_of_pairs_judges_people_together_who_are_near(recognizer: Recognizer, clips: list[Clip]) -> None:
    model = copy(recognizer.model)
    model.card = replace(model.card, preprocessing=replace(model.card.preprocessing, bodies=2))
    of_pairs = replace(recognizer, model=model)
    length = min(clip.T for clip in clips[:2])
    positions = np.concatenate([clip.positions[:1, :length] for clip in clips[:2]])
    near = replace(clips[0], positions=positions, tracks=("ann", "ben"), confidence=None)
    far = replace(near, positions=positions + 9 * np.arange(2, dtype=np.float32)[:, None, None, None])
    people = {pair: of_pairs.predict(near, LABELS, pair=pair).person for pair in (None, True, False)}
    assert people[None] == people[True] == "ann and ben"
    assert people[False] in ("ann", "ben")
    assert of_pairs.predict(far, LABELS).person == people[False]
    assert of_pairs.preprocessing(pair=False)(near).shape == of_pairs.preprocessing(pair=True)(near).shape


def fitted(recognizer: Recognizer, clips: list[Clip]) -> Calibration:
    """A calibration whose reference are the clips themselves."""
    return Calibration(
        reference=recognizer.embed(clips),
        temperature=0.5,
        thresholds={0.1: 1.5, 0.5: 0.0, 1.0: -10.0},
        accepted={0.1: 0.4},
        about="made up",
    )


def test_calibrated_scores_are_standard_and_refuse_by_rate(recognizer: Recognizer, clips: list[Clip]) -> None:
    recognizer = replace(recognizer, calibration=fitted(recognizer, clips))
    scores = np.array(
        [[g.score for g in sorted(a.guesses, key=lambda g: g.label)] for a in recognizer.predict_all(clips, LABELS)]
    )
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(scores.std(axis=0), 1, atol=1e-4)
    answer = recognizer.predict(clips[0], LABELS)
    assert answer.calibrated
    ratio = np.exp((answer.guesses[0].score - answer.guesses[1].score) / 0.5)
    assert answer.confidence / answer.guesses[1].probability == pytest.approx(ratio, rel=1e-3)
    refused = [recognizer.predict(clip, LABELS, false_accept=0.1).label is None for clip in clips]
    assert refused == [bool(row.max() < 1.5) for row in scores]
    assert all(recognizer.predict(clip, LABELS, false_accept=1.0).label for clip in clips)
    with pytest.raises(SkeltextError, match=r"a false-accept rate of 0\.01, expected one between 0\.1 and 1\.0"):
        recognizer.predict(clips[0], LABELS, false_accept=0.01)


def test_without_a_calibration_nothing_is_refused_by_rate(recognizer: Recognizer, clips: list[Clip]) -> None:
    with pytest.raises(SkeltextError, match="this model has no calibration"):
        recognizer.predict(clips[0], LABELS, false_accept=0.1)


def test_a_calibration_comes_back_from_its_files(recognizer: Recognizer, clips: list[Clip], tmp_path: Path) -> None:
    kept = fitted(recognizer, clips)
    assert load_calibration(tmp_path) is None
    kept.save(tmp_path)
    back = load_calibration(tmp_path)
    assert back is not None
    np.testing.assert_allclose(back.reference, kept.reference, rtol=2e-3, atol=1e-6)
    assert (back.temperature, back.thresholds, back.accepted, back.about) == (
        kept.temperature,
        kept.thresholds,
        kept.accepted,
        kept.about,
    )
    for name in ("calibration.json", "reference.safetensors"):
        content = (tmp_path / name).read_bytes()
        for damage in (b"", content[: len(content) // 2], b"{}", b"\xff" * 9, b"[" * 10**5):
            (tmp_path / name).write_bytes(damage)
            with pytest.raises(SkeltextError, match="calibration"):
                load_calibration(tmp_path)
        (tmp_path / name).write_bytes(content)


def test_a_model_that_is_not_in_the_package_is_one_sentence() -> None:
    with pytest.raises(SkeltextError, match="there is no model 'abacus' in the package, which has"):
        Recognizer.load("abacus")


def test_bare_names_are_told_how_to_do_better(recognizer: Recognizer, clips: list[Clip]) -> None:
    bare = " ".join(answer_lines(recognizer.predict(clips[0], ["sit", "stand=a person stands still on both feet"])))
    assert "Words were taken as they are; a description beside each name" in bare
    told = {"sit": "the hips sink onto a chair", "stand": "a person stands still on both feet"}
    assert "sentence" not in " ".join(answer_lines(recognizer.predict(clips[0], told)))
