"""Features are computed once, found again by all that decides them, and never taken for others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import skeltext
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.store import Store, open_store
from skeltext.encoders.registry import ENCODERS
from skeltext.encoders.st_gcn import STGCN
from skeltext.errors import SkeltextError
from skeltext.methods.building import build_method
from skeltext.methods.method import Method
from skeltext.methods.model_config import ModelConfig
from skeltext.methods.zero_shot.pgfa import PGFA
from skeltext.recognizer import feature_cache as feature_cache_module
from skeltext.recognizer.card import Card
from skeltext.recognizer.feature_cache import FeatureCache, clip_features, features_key
from skeltext.skeletons.layouts import NTU25
from skeltext.skeletons.preprocessing import preprocessing_named

INDICES = [3, 0, 17, 8, 5]
pytestmark = pytest.mark.usefixtures("one_thread")


def card_of(*, preprocessing: str = "published50", **encoder_options: Any) -> Card:
    return Card(
        model=ModelConfig(
            method="pgfa",
            encoder="st_gcn",
            layout="ntu25",
            text_width=8,
            encoder_options={"hidden": 4, "features": 6} | encoder_options,
        ),
        preprocessing=preprocessing_named(preprocessing, layout="ntu25", bodies=1),
        text_encoder="minilm",
        texts="complete",
        dataset="builtin",
        labels={},
    )


def frozen(card: Card, *, seed: int = 0) -> Method:
    torch.manual_seed(seed)
    method = build_method(card.model)
    method.freeze_encoder()
    return method


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureCache:
    """An empty cache."""
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    return FeatureCache()


@pytest.fixture
def store(tiny_store: Path) -> Store:
    return open_store(tiny_store)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many clips went through an encoder, call by call."""
    counts: list[int] = []
    plain = STGCN.forward
    monkeypatch.setattr(STGCN, "forward", lambda self, clips: counts.append(len(clips)) or plain(self, clips))
    return counts


def test_features_are_those_of_the_encoder_and_are_computed_once(
    store: Store, cache: FeatureCache, encoded: list[int], tmp_path: Path
) -> None:
    card = card_of()
    method = frozen(card)
    first = clip_features(method, card, store, INDICES)
    clips = torch.from_numpy(preprocessed_clips(store, INDICES, card.preprocessing))
    assert sum(encoded) == len(INDICES)
    torch.testing.assert_close(first, method.eval().features(clips), atol=1e-5, rtol=1e-4)
    assert not first.is_inference()  # a head can learn from them
    encoded.clear()
    assert torch.equal(clip_features(frozen(card), card, store, INDICES), first)
    assert encoded == []
    assert cache.folder == tmp_path / "cache" / "features"
    assert len(list(cache.folder.rglob("*.safetensors"))) == 1


def test_neither_the_head_nor_its_mode_matters(store: Store, encoded: list[int]) -> None:
    card = card_of()
    clip_features(frozen(card), card, store, INDICES)
    other = frozen(replace(card, model=replace(card.model, method="devise", text_width=20)), seed=5)
    other.encoder.load_state_dict(frozen(card).encoder.state_dict())
    encoded.clear()
    clip_features(other.train(), card, store, INDICES)
    assert encoded == []


def other_statistics(method: Method) -> Method:
    """A buffer that is changed by one bit."""
    buffer = method.encoder.get_buffer("input_norm.running_mean")
    buffer[0] = torch.nextafter(buffer[0], torch.tensor(1.0))
    return method


class OtherFeatures(PGFA):
    """A method that takes something else from its encoder."""

    def features(self, clips: Tensor) -> Tensor:
        """Twice as much."""
        return 2 * self.encoder(clips)


def another_function(method: Method) -> Method:
    """The same encoder in another method."""
    return OtherFeatures(encoder=method.encoder, text_width=8)


@pytest.mark.parametrize(
    "change",
    [
        lambda method, card, store, indices: (frozen(card, seed=1), card, store, indices),
        lambda method, card, store, indices: (other_statistics(method), card, store, indices),
        lambda method, card, store, indices: (method, card_of(preprocessing="sound50"), store, indices),
        lambda method, card, store, indices: (method, card_of(dropout=0.1), store, indices),
        lambda method, card, store, indices: (method, card, replace(store, hash="0" * 64), indices),
        lambda method, card, store, indices: (method, card, store, indices[::-1]),
        lambda method, card, store, indices: (method, card, store, indices[:-1]),
        lambda method, card, store, indices: (another_function(method), card, store, indices),
    ],
    ids=["weights", "a buffer", "preprocessing", "encoder options", "store", "order", "clips", "function"],
)
def test_whatever_decides_the_features_is_in_the_key(
    store: Store, encoded: list[int], change: Callable[..., tuple[Method, Card, Store, list[int]]]
) -> None:
    card = card_of()
    clip_features(frozen(card), card, store, INDICES)
    encoded.clear()
    changed = change(frozen(card), card, store, INDICES)
    clip_features(*changed)
    assert sum(encoded) == len(changed[3])


def test_another_version_computes_anew(store: Store, encoded: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    card = card_of()
    clip_features(frozen(card), card, store, INDICES)
    monkeypatch.setattr(feature_cache_module, "__version__", "999.0")
    clip_features(frozen(card), card, store, INDICES)
    assert sum(encoded) == 2 * len(INDICES)


POSE = """
from skeltext.encoders.fixed import FixedEncoder

class MeanPose(FixedEncoder):
    about = "The mean pose."

    def __init__(self, *, layout, factor=1.0):
        self.width, self.factor = layout.V * layout.C, factor

    def encode(self, clips):
        return self.factor * clips.mean(axis=(2, 4)).reshape(len(clips), -1)
"""


class Posing:
    """A fixed encoder in a file, which can be edited and loaded anew; how often it was computed is counted."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.path, self.counts, self.patch = folder / "mean_pose.py", 0, patch
        self.path.write_text(POSE)

    def features(self, store: Store, **options: Any) -> Tensor:
        """The features by the file as it is now."""
        ENCODERS.pop("mean_pose", None)
        cls: Any = ENCODERS[skeltext.add_encoder(self.path)]
        plain = cls.encode
        self.patch.setattr(cls, "encode", lambda own, clips: self._counted(plain(own, clips)))
        card = card_of()
        card = replace(card, model=replace(card.model, encoder="mean_pose", encoder_options=options))
        return clip_features(build_method(card.model), card, store, INDICES)

    def _counted(self, features: Any) -> Any:
        self.counts += 1
        return features


@pytest.fixture
def posing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Posing]:
    """An encoder that is forgotten after the test."""
    yield Posing(tmp_path, monkeypatch)
    ENCODERS.pop("mean_pose", None)


def test_features_of_a_fixed_encoder_are_computed_once(store: Store, posing: Posing) -> None:
    clips = preprocessed_clips(store, INDICES, card_of().preprocessing)
    first = posing.features(store)
    torch.testing.assert_close(first, torch.from_numpy(clips).mean(dim=(2, 4)).flatten(1))
    assert torch.equal(posing.features(store), first)
    assert posing.counts == 1


@pytest.mark.parametrize(
    ("edit", "options"),
    [
        (lambda text: text.replace("self.factor *", "2 * self.factor *"), {}),
        (lambda text: text.replace("factor=1.0", "factor=2.0"), {}),
        (lambda text: text.replace('about = "The mean pose."', 'about, version = "The mean pose.", "2"'), {}),
        (lambda text: text, {"factor": 2.0}),
    ],
    ids=["function", "default", "version", "option"],
)
def test_a_changed_function_hits_no_old_entry(
    store: Store, posing: Posing, edit: Callable[[str], str], options: dict[str, float]
) -> None:
    posing.features(store)
    posing.path.write_text(edit(POSE))
    posing.features(store, **options)
    assert posing.counts == 2


def test_an_edit_of_a_file_that_is_in_use_changes_nothing(store: Store, posing: Posing) -> None:
    """What is computed and the name under which it is kept are of the same text, that which was loaded."""
    posing.features(store)
    encoder: Any = ENCODERS["mean_pose"]
    before = encoder(layout=NTU25).fingerprint()
    posing.path.write_text(POSE.replace("self.factor *", "2 * self.factor *"))
    assert encoder(layout=NTU25).fingerprint() == before


def damaged(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "cut off":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "noise":
        path.write_bytes(b"\xff" * 1000)
    elif damage == "one bit":
        content[-40] ^= 1  # in the last feature, before the 32 bytes of the digest
        path.write_bytes(content)
    elif damage == "missing":
        path.unlink()
    elif damage == "of other clips":
        shutil.copy(path.with_name("other"), path)


@pytest.mark.parametrize("damage", ["cut off", "empty", "noise", "one bit", "missing", "of other clips"])
def test_a_damaged_entry_is_computed_anew(store: Store, cache: FeatureCache, encoded: list[int], damage: str) -> None:
    card, method = card_of(), frozen(card_of())
    path = cache.path(features_key(method, card, store, INDICES))
    clip_features(method, card, store, INDICES[::-1])
    (reverse,) = cache.folder.rglob("*.safetensors")
    first = clip_features(method, card, store, INDICES)
    reverse.rename(path.with_name("other"))
    encoded.clear()
    damaged(path, damage)
    assert torch.equal(clip_features(method, card, store, INDICES), first)
    assert sum(encoded) == len(INDICES)
    clip_features(method, card, store, INDICES)
    assert sum(encoded) == len(INDICES)


class KilledError(BaseException):
    """The process is gone."""


def test_a_kill_before_the_rename_leaves_no_entry(
    store: Store, cache: FeatureCache, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    card, method = card_of(), frozen(card_of())

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # nobody is left to clean up
        with pytest.raises(KilledError):
            clip_features(method, card, store, INDICES)
    (leftover,) = (path for path in cache.folder.rglob("*") if path.is_file())
    assert leftover.name.endswith(".partial")
    assert cache.get(features_key(method, card, store, INDICES)) is None
    encoded.clear()
    features = clip_features(method, card, store, INDICES)
    assert sum(encoded) == len(INDICES)
    kept = cache.get(features_key(method, card, store, INDICES))
    assert kept is not None
    assert torch.equal(kept, features)


def test_an_encoder_that_still_learns_has_no_features(store: Store, cache: FeatureCache) -> None:
    with pytest.raises(ValueError, match="in training mode"):
        clip_features(build_method(card_of().model), card_of(), store, INDICES)
    assert not cache.folder.exists()


def test_clips_go_through_in_blocks_and_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    card, method = card_of(), frozen(card_of())
    heard: list[int] = []
    whole = clip_features(method, card, store, INDICES, progress=heard.append)
    assert heard == [5]
    monkeypatch.setattr(feature_cache_module, "BLOCK", 2)
    monkeypatch.setattr(feature_cache_module.FeatureCache, "get", lambda *_: None)
    heard.clear()
    torch.testing.assert_close(clip_features(method, card, store, INDICES, progress=heard.append), whole)
    assert heard == [2, 4, 5]


def test_a_cache_that_cannot_be_written_is_one_sentence(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "file"))
    card = card_of()
    with pytest.raises(SkeltextError, match="cannot be made"):
        clip_features(frozen(card), card, store, INDICES)
