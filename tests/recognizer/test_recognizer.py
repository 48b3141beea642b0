"""What people do with a trained model: any clip, any labels, a ranking."""

from __future__ import annotations

from collections.abc import Sequence
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
from skeltext.recognizer.card import Card, save_card
from skeltext.recognizer.checkpoint import write_tensors
from skeltext.recognizer.embedding import embed_clips
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.table import guess_table
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
    plain = Recognizer.load(checkpoint)
    return Recognizer(card=plain.card, weights=checkpoint / "weights.safetensors", encoder=MadeUp())


@pytest.fixture(scope="module")
def clips(tiny_store: Path) -> list[Clip]:
    """Motions of the built-in set."""
    store = open_store(tiny_store)
    return [store.clip(index) for index in range(0, len(store), 11)]


def test_every_label_is_ranked(recognizer: Recognizer, clips: list[Clip]) -> None:
    found = recognizer.recognise(clips, LABELS)
    assert len(found) == len(clips)
    for guesses in found:
        assert {guess.label for guess in guesses} == set(LABELS)
        scores = [guess.score for guess in guesses]
        assert scores == sorted(scores, reverse=True)
        assert all(-1.001 <= score <= 1.001 for score in scores)
        assert sum(guess.probability for guess in guesses) == pytest.approx(1, abs=1e-5)
        ratio = np.exp((scores[0] - scores[1]) * recognizer.method.score_scale)
        assert guesses[0].probability / guesses[1].probability == pytest.approx(ratio, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(LABELS))
def test_the_order_of_labels_does_not_matter(checkpoint: Path, clips: list[Clip], order: list[str]) -> None:
    card = Recognizer.load(checkpoint).card
    recognizer = Recognizer(card=card, weights=checkpoint / "weights.safetensors", encoder=MadeUp())
    plain, other = (recognizer.recognise(clips[:1], labels)[0] for labels in (LABELS, order))
    assert [guess.label for guess in plain] == [guess.label for guess in other]
    assert [guess.score for guess in plain] == pytest.approx([guess.score for guess in other], abs=1e-6)


def test_a_clip_is_recognised_alone_as_among_others(recognizer: Recognizer, clips: list[Clip]) -> None:
    together = recognizer.recognise(clips, LABELS)
    for clip, guesses in zip(clips, together, strict=True):
        alone = recognizer.recognise([clip], LABELS)[0]
        assert [guess.label for guess in alone] == [guess.label for guess in guesses]
        assert [guess.score for guess in alone] == pytest.approx([guess.score for guess in guesses], abs=1e-5)


def test_labels_given_twice_count_once(recognizer: Recognizer, clips: list[Clip]) -> None:
    guesses = recognizer.recognise(clips[:1], ["sit", " sit ", "stand", "stand"])[0]
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
        recognizer.recognise(clips[:1], labels)
    with pytest.raises(SkeltextError, match="no clip given"):
        recognizer.recognise([], LABELS)


@pytest.mark.parametrize("layout", [KINECT20, AZURE32, MEDIAPIPE33], ids=lambda layout: layout.name)
def test_the_same_motion_in_another_layout_is_nearly_the_same(
    recognizer: Recognizer, clips: list[Clip], layout: object
) -> None:
    others = [convert(clip, layout) for clip in clips]  # type: ignore[arg-type]
    assert all(clip.positions.shape[2] != 25 for clip in others)
    arrays = [
        torch.from_numpy(np.stack([recognizer.card.preprocessing(clip) for clip in all])) for all in (clips, others)
    ]
    own, converted = (embed_clips(recognizer.method, batch) for batch in arrays)
    near = torch.nn.functional.cosine_similarity(own, converted).mean()
    far = torch.nn.functional.cosine_similarity(own, converted.roll(1, dims=0)).mean()
    assert near > 0.9
    assert near > far
    assert len(recognizer.recognise(others, LABELS)) == len(others)


def test_flat_key_points_are_refused(recognizer: Recognizer) -> None:
    flat = Clip(positions=np.ones((1, 9, 17, 2), np.float32), layout=COCO17, fps=30.0, source="flat.json")
    with pytest.raises(SkeltextError, match=r"flat.json: layout coco17 has 2 coordinates and ntu25 has 3"):
        recognizer.recognise([flat], LABELS)


def test_a_clip_with_nobody_in_it_is_refused(recognizer: Recognizer, clips: list[Clip]) -> None:
    nobody = replace(clips[0], positions=np.full_like(clips[0].positions, np.nan))
    with pytest.raises(SkeltextError, match=f"{clips[0].source}: no frame has its first joint tracked"):
        recognizer.recognise([nobody], LABELS)


def test_a_class_of_the_data_set_is_described(recognizer: Recognizer) -> None:
    for name in dataset_named("utd-mhad").classes:
        for label in (name, name.upper(), name.title()):
            assert recognizer.text_of(label) == class_text("utd-mhad", name, kind="complete")


def test_other_labels_stand_for_themselves(recognizer: Recognizer, clips: list[Clip]) -> None:
    assert recognizer.text_of("juggle three balls") == "juggle three balls"
    assert recognizer.text_of("a class of no set") == "words for it"
    known = dataset_named("utd-mhad").classes[0]
    guesses = recognizer.recognise(clips[:1], [known, "juggle three balls"])[0]
    texts = {guess.label: guess.text for guess in guesses}
    assert texts["juggle three balls"] == "juggle three balls"
    assert len(texts[known].split()) > 20
    assert recognizer.encoder.read == [texts[known], texts["juggle three balls"]]  # type: ignore[attr-defined]


def test_a_model_of_a_table_cannot_read_labels(recognizer: Recognizer, checkpoint: Path) -> None:
    card = replace(recognizer.card, text_encoder="some/table.npy")
    with pytest.raises(SkeltextError, match=r"trained on the table some/table.npy, which has no row for a typed label"):
        Recognizer(card=card, weights=checkpoint / "weights.safetensors")
    Recognizer(card=card, weights=checkpoint / "weights.safetensors", encoder=MadeUp())


def test_the_folder_of_a_run_is_as_good_as_that_of_its_checkpoint(checkpoint: Path, clips: list[Clip]) -> None:
    one, other = Recognizer.load(checkpoint), Recognizer.load(str(checkpoint.parent))
    assert one.card == other.card
    batch = torch.from_numpy(one.card.preprocessing(clips[0])[None])
    assert torch.equal(embed_clips(one.method, batch), embed_clips(other.method, batch))
    assert not one.method.training


@pytest.mark.parametrize("device", ["cuda", "mps", "abacus", "meta", "cpu:x", ""])
def test_a_device_that_is_not_there_is_one_sentence(checkpoint: Path, device: str) -> None:
    if (device == "cuda" and torch.cuda.is_available()) or (device == "mps" and torch.backends.mps.is_available()):
        pytest.skip("it is there")
    with pytest.raises(SkeltextError, match=f"device '{device}' is not (known|there)"):
        Recognizer.load(checkpoint, device=device)


def test_any_device_will_do(checkpoint: Path, clips: list[Clip]) -> None:
    recognizer = Recognizer.load(checkpoint, device="auto")
    batch = torch.from_numpy(recognizer.card.preprocessing(clips[0])[None])
    assert embed_clips(recognizer.method, batch).device.type == "cpu"


def test_the_size_of_chunks_does_not_matter(recognizer: Recognizer, clips: list[Clip]) -> None:
    batch = torch.from_numpy(np.stack([recognizer.card.preprocessing(clip) for clip in clips]))
    whole = embed_clips(recognizer.method, batch, chunk=len(batch))
    torch.testing.assert_close(embed_clips(recognizer.method, batch, chunk=2), whole, atol=1e-5, rtol=1e-4)
    assert not whole.requires_grad


def test_labels_are_shown_as_they_were_typed(recognizer: Recognizer, clips: list[Clip]) -> None:
    labels = ["wave [left]", "close [/bold] a door"]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(guess_table(recognizer.recognise(clips[:1], labels)[0]))
    assert all(label in capture.get() for label in labels)
