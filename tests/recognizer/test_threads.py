"""Threads that share a recognizer get the answers of a thread that has it alone."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pytest
import torch
from wrist_model import LABELS, acted, wrist_recognizer

from skeltext.methods.building import build_method
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.answer import Answer
from skeltext.recognizer.calibration import Calibration
from skeltext.recognizer.card import Card, save_card
from skeltext.recognizer.checkpoint import write_tensors
from skeltext.recognizer.kept import Kept
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.recognizer import Recognizer
from skeltext.skeletons.preprocessing import preprocessing_named

THREADS = 8
CLIP = acted("left", frames=40)


@pytest.fixture(autouse=True)
def forced_switching() -> Iterator[None]:
    """Threads take turns after a microsecond, so that whatever can come between comes between."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Words:
    """Gives every sentence its own direction, to one thread at a time, as the tokenizers of real encoders do."""

    name, revision = "words", "1"

    def __init__(self, width: int) -> None:
        self.width, self.busy = width, False

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(K, width) directions that depend on the sentence alone."""
        assert not self.busy, "already borrowed"
        self.busy = True
        rows = [np.random.default_rng(list(text.encode())).normal(size=self.width) for text in texts]
        self.busy = False
        return np.array(rows, np.float32)


def label_sets(count: int) -> list[LabelSet]:
    """Different questions with the same labels: with examples and without, with negatives and without."""
    examples = [acted("left", frames=30), acted("right", frames=30)]
    found = []
    for number in range(count):
        labels = LabelSet.of({LABELS[0]: [f"left {number}", f"right {number // 2}"], LABELS[1]: f"right {number}"})
        if number % 2:
            labels = labels.with_examples(LABELS[number // 2 % 2], examples[: 1 + number // 4 % 2])
        found.append(labels.with_negatives(f"a stone {number}") if number % 3 else labels)
    return found


def answers_of_threads(model: Recognizer, questions: Sequence[LabelSet], *, rounds: int) -> list[list[Answer]]:
    """For every question the answers that threads got which asked all of them, each in an order of its own."""
    began = Barrier(THREADS)

    def ask(seed: int) -> list[tuple[int, Answer]]:
        order = [number for number in range(len(questions)) for _ in range(rounds)]
        random.Random(seed).shuffle(order)
        began.wait()
        return [(number, model.predict(CLIP, questions[number])) for number in order]

    with ThreadPoolExecutor(THREADS) as pool:
        found = [pair for pairs in pool.map(ask, range(THREADS)) for pair in pairs]
    return [[answer for number, answer in found if number == wanted] for wanted in range(len(questions))]


def assert_answers_as_alone(make: Callable[[], Recognizer], questions: Sequence[LabelSet], *, rounds: int) -> None:
    """That threads get what a fresh recognizer answers to one."""
    alone = make()
    expected = [alone.predict(CLIP, question) for question in questions]
    assert len({tuple(guess.score for guess in answer.guesses) for answer in expected}) == len(questions)
    for answers, answer in zip(answers_of_threads(make(), questions, rounds=rounds), expected, strict=True):
        assert answers == [answer] * (THREADS * rounds)


def plain() -> Recognizer:
    """A recognizer that sees which wrist moves."""
    return replace(wrist_recognizer(), encoder=Words(2))


def calibrated() -> Recognizer:
    """The same with a calibration."""
    reference = np.random.default_rng(0).uniform(size=(50, 2)).astype(np.float32)
    fitted = Calibration(reference=reference, temperature=0.3, thresholds={0.1: 1.0}, accepted={}, about="made up")
    return replace(plain(), calibration=fitted)


@pytest.mark.parametrize("make", [plain, calibrated])
def test_threads_with_different_label_sets(make: Callable[[], Recognizer]) -> None:
    assert_answers_as_alone(make, label_sets(24), rounds=2)


@pytest.mark.usefixtures("one_thread")
def test_threads_with_a_method_that_fits_something_for_its_texts(tmp_path: Path) -> None:
    model = ModelConfig(
        method="cada_vae",
        encoder="st_gcn",
        layout="ntu25",
        text_width=8,
        encoder_options={"hidden": 4, "features": 8},
        method_options={"latent": 4},
    )
    save_card(
        tmp_path,
        Card(
            model=model,
            preprocessing=preprocessing_named("sound50", layout="ntu25", bodies=1),
            text_encoder="minilm",
            texts="complete",
            dataset="builtin",
            labels={},
        ),
    )
    torch.manual_seed(0)
    write_tensors(tmp_path / "weights.safetensors", build_method(model).state_dict())
    assert_answers_as_alone(lambda: Recognizer.load(tmp_path, encoder=Words(8)), label_sets(4), rounds=2)


def test_a_result_is_computed_once_while_others_wait() -> None:
    kept, going_on, calls = Kept[str, int](most=2), Event(), []

    def compute() -> int:
        calls.append(len(calls))
        going_on.wait(5)
        return len(calls)

    with ThreadPoolExecutor(THREADS) as pool:
        results = [pool.submit(kept, "wave", compute) for _ in range(THREADS)]
        going_on.set()
        assert [result.result() for result in results] == [1] * THREADS


def test_what_cannot_be_computed_is_asked_for_again() -> None:
    kept = Kept[str, float](most=2)
    with pytest.raises(ZeroDivisionError):
        kept("wave", lambda: 1 / 0)
    assert kept("wave", lambda: 1.0) == 1
