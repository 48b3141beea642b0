"""The bank of clips: what no order, no one-sided stream and no file may do to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from skeltext.adaptation.prototype_alignment import align_prototypes
from skeltext.adaptation.prototype_bank import PrototypeBank, unit_rows
from skeltext.errors import SkeltextError

Array = npt.NDArray[Any]


def seeds(test: Callable[..., None]) -> Callable[..., None]:
    """A test that is done with several seeds of made-up numbers."""
    return settings(deadline=None, max_examples=25)(given(seed=st.integers(0, 10_000))(test))


def clouds(seed: int, *, n: int = 40, k: int = 4, d: int = 8) -> tuple[Array, Array]:
    """Clips (N, D) and texts (K, D) without any structure."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(k, d))


def mixture(seed: int, counts: list[int], *, d: int = 64) -> tuple[Array, Array, Array]:
    """Clips (N, D), classes (N,) and texts (K, D), which lie away from all clips and are right about half of them."""
    rng = np.random.default_rng(seed)
    texts, own, common = (unit_rows(rng.normal(size=(len(counts), d))) for _ in range(3))
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    noise = rng.normal(size=(len(labels), d)) / np.sqrt(d)
    return (common[0] + 0.8 * own + 0.3 * texts)[labels] + noise, labels, texts


def filled(features: Array, texts: Array, **options: Any) -> PrototypeBank:
    bank = PrototypeBank(texts, **options)
    for feature in features:
        bank.update(feature)
    return bank


@seeds
def test_permuting_the_classes_permutes_the_scores(seed: int) -> None:
    features, texts = clouds(seed)
    order = np.random.default_rng(seed).permutation(len(texts))
    one, other = filled(features, texts, capacity=5), filled(features, texts[order], capacity=5)
    np.testing.assert_allclose(other.scores(features), one.scores(features)[:, order], atol=1e-9)


@seeds
def test_neither_order_nor_length_nor_repetition_of_the_clips_matters(seed: int) -> None:
    features, texts = clouds(seed)
    features = np.concatenate([features, features[:10]])
    order = np.random.default_rng(seed).permutation(len(features))
    one, other = filled(features, texts, capacity=7), filled(4 * features[order], texts, capacity=7)
    np.testing.assert_array_equal(one.anchors, other.anchors)
    np.testing.assert_array_equal(one.state()["features"], other.state()["features"])


@seeds
def test_a_clip_is_answered_by_what_was_learnt_before_it(seed: int) -> None:
    features, texts = clouds(seed)
    bank = PrototypeBank(texts)
    for feature in features:
        before, state = bank.scores(feature[None]), bank.state()
        assert bank.scores(feature[None]).tolist() == before.tolist()
        assert all((bank.state()[name] == array).all() for name, array in state.items())
        assert bank.update(feature) == before.argmax()
    assert bank.seen == len(features)


@seeds
def test_a_class_that_nobody_performs_keeps_its_text(seed: int) -> None:
    features, _ = clouds(seed)
    features[:, 3] = -np.abs(features[:, 3]) - 9
    bank = filled(features, np.eye(4, 8))
    assert bank.support[3] == 0
    np.testing.assert_array_equal(bank.anchors[3], np.eye(4, 8)[3])
    assert not np.array_equal(bank.anchors[0], np.eye(4, 8)[0])


@seeds
def test_one_label_cannot_swallow_the_rest(seed: int) -> None:
    features, labels, texts = mixture(seed, [400, 4, 4, 4, 4, 4])
    bank = filled(features, texts, capacity=16)
    rest = features[labels > 0]
    plain, banked = (scores.argmax(axis=1) for scores in (rest @ texts.T, bank.scores(rest)))
    assert (banked == 0).mean() <= (plain == 0).mean() + 0.15
    assert (bank.support <= 16).all()
    assert (bank.support >= filled(rest, texts, capacity=16).support).all()


@seeds
def test_a_stream_that_shows_one_class_alone_moves_no_text(seed: int) -> None:
    features, _ = clouds(seed)
    features[:, 2] = 9 + np.abs(features[:, 2])
    bank = filled(features, np.eye(4, 8))
    assert bank.support.tolist() == [0, 0, 40, 0]
    np.testing.assert_array_equal(bank.anchors, np.eye(4, 8))


def test_it_learns_what_texts_do_not_know() -> None:
    features, labels, texts = mixture(0, [40] * 6)
    bank, aligned = filled(features, texts), align_prototypes(torch.tensor(features), torch.tensor(texts))
    plain, banked = ((scores.argmax(axis=1) == labels).mean() for scores in (features @ texts.T, bank.scores(features)))
    assert banked > plain + 0.1
    assert banked > (aligned.labels.numpy() == labels).mean() - 0.03


@seeds
def test_a_full_class_holds_its_most_certain_clips(seed: int) -> None:
    features, texts = clouds(seed, n=80)
    bank = filled(features, texts, capacity=6)
    cosines = unit_rows(features) @ unit_rows(texts).T
    assert bank.state()["features"].shape == (4, 6, 8)
    for k, held in enumerate(bank.state()["features"]):
        own = cosines[cosines.argmax(axis=1) == k]
        p = np.exp(own) / np.exp(own).sum(axis=1, keepdims=True)
        certain = (-(p * np.log(p)).sum(axis=1)).argsort()[:6]
        expected = unit_rows(features)[cosines.argmax(axis=1) == k][certain]
        np.testing.assert_allclose(held[: len(expected)], expected, atol=1e-6)
        assert bank.support[k] == len(expected)


@seeds
def test_old_clips_are_forgotten_and_texts_come_back(seed: int) -> None:
    features, texts = clouds(seed)
    lasting = filled(features[-9:], texts)
    np.testing.assert_array_equal(filled(features, texts, lifetime=9).anchors, lasting.anchors)
    bank = filled(features, np.eye(4, 8), lifetime=3)
    for _ in range(4):
        bank.update(np.eye(4, 8)[0])
    assert bank.support.tolist() == [3, 0, 0, 0]
    np.testing.assert_array_equal(bank.anchors[1:], np.eye(4, 8)[1:])


def test_a_clip_that_two_texts_fit_is_answered_and_not_learnt() -> None:
    bank = PrototypeBank(np.eye(2), margin=0.1)
    assert bank.update([1.0, 0.99]) == 0
    assert bank.support.tolist() == [0, 0]
    bank.update([1.0, 0.5])
    assert bank.support.tolist() == [1, 0]
    alone = PrototypeBank([[1.0, 0.0]], margin=0.1)
    assert alone.update([1.0, 1.0]) == 0
    assert alone.support.tolist() == [1]


@seeds
def test_a_saved_bank_goes_on_as_if_it_had_not_been(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    features, texts = clouds(seed)
    path = tmp_path_factory.mktemp("bank") / "bank.safetensors"
    bank = filled(features[:25], texts, labels=list("äbcd"), capacity=4, prior=1.5, margin=0.01, lifetime=20)
    bank.save(path)
    loaded = PrototypeBank.load(path)
    for one in (bank, loaded):
        for feature in features[25:]:
            one.update(feature)
    assert loaded.labels == tuple("äbcd")
    np.testing.assert_array_equal(loaded.anchors, bank.anchors)
    for name, array in bank.state().items():
        np.testing.assert_array_equal(loaded.state()[name], array)
    bank.save(path)
    content = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


OPTIONS = {"labels": list("abcd"), "prior": 2.0, "margin": 0.0, "lifetime": None, "seen": 40}


def unsorted(state: dict[str, Array]) -> None:
    state["entropy"][0, :2] = state["entropy"][0, 1::-1]


def set_value(name: str, value: float) -> Any:
    return lambda state: state[name].flat.__setitem__(0, value)


@pytest.mark.parametrize(
    ("spoil", "options"),
    [
        (lambda state: state.pop("born"), {}),
        (lambda state: state.update(more=np.zeros(2)), {}),
        (lambda state: state.update(features=state["features"].astype(np.float64)), {}),
        (lambda state: state.update(features=state["features"][0]), {}),
        (lambda state: state.update(features=state["features"][:, :0]), {}),
        (lambda state: state.update(entropy=state["entropy"][:, :3]), {}),
        (lambda state: state.update(features=np.ones((0, 1 << 40, 8), np.float32)), {}),
        (set_value("features", np.nan), {}),
        (set_value("features", 3e38), {}),
        (set_value("texts", np.inf), {}),
        (set_value("texts", 7), {}),
        (set_value("entropy", np.nan), {}),
        (set_value("entropy", -1), {}),
        (set_value("born", 40), {}),
        (unsorted, {}),
        (dict, {"labels": list("abc")}),
        (dict, {"labels": [1, 2, 3, 4]}),
        (dict, {"labels": 4}),
        (dict, {"prior": 0}),
        (dict, {"prior": "2"}),
        (dict, {"lifetime": 0}),
        (dict, {"seen": -1}),
        (dict, {"seen": 40.0}),
        (dict, {"more": 1}),
    ],
)
def test_a_file_that_is_no_bank_is_one_sentence(spoil: Any, options: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    state = filled(*clouds(0), capacity=5).state()
    save_file(state, path, metadata={"bank": json.dumps(OPTIONS)})
    assert PrototypeBank.load(path).seen == 40
    spoil(state)
    save_file(state, path, metadata={"bank": json.dumps(OPTIONS | options)})
    with pytest.raises(SkeltextError, match=r"holds no prototype bank \(.+\); give a file that a bank was saved to"):
        PrototypeBank.load(path)


@pytest.mark.parametrize("told", ["", "4", "[]", '{"seen": 1', "[" * 100_000])
def test_no_settings_no_bank(told: str, tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    save_file(filled(*clouds(0)).state(), path, metadata={"bank": told} if told else None)
    with pytest.raises(SkeltextError, match="holds no prototype bank"):
        PrototypeBank.load(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 64, None])
def test_other_files_and_none_at_all(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SkeltextError, match="holds no prototype bank"):
        PrototypeBank.load(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: PrototypeBank([1.0, 2.0]), r"anchors have shape \(2,\)"),
        (lambda: PrototypeBank(np.empty((0, 3))), r"anchors have shape \(0, 3\)"),
        (lambda: PrototypeBank([[np.nan]]), "expected finite numbers"),
        (lambda: PrototypeBank(np.eye(2), ["a"]), "1 labels for 2 anchors"),
        (lambda: PrototypeBank(np.eye(2), capacity=0), "capacity 0"),
        (lambda: PrototypeBank(np.eye(2), prior=0), "prior 0"),
        (lambda: PrototypeBank(np.eye(2), margin=-1), "margin -1"),
        (lambda: PrototypeBank(np.eye(2), lifetime=0), "lifetime 0"),
        (lambda: PrototypeBank(np.eye(2)).update(np.ones(3)), r"features have shape \(3,\).+ \(2\) as"),
        (lambda: PrototypeBank(np.eye(2)).update([np.inf, 0]), "expected finite numbers"),
        (lambda: PrototypeBank(np.eye(2)).scores(np.ones(2)), r"features have shape \(2,\).+ \(N, 2\) as"),
        (lambda: PrototypeBank(np.eye(2)).save(Path("/nowhere/bank")), "cannot be written"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        make()


def test_it_needs_no_torch() -> None:
    code = "import sys, skeltext.adaptation.prototype_bank; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
