"""Features of a frozen encoder on disk, so that every clip goes through it once, whatever learns from them afterwards.

An entry is one safetensors file for a list of clips. Its name is a hash of all that decides its content, so that
nothing in it can be out of date: other weights, other clips or a changed file of the encoder have
another name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from skeltext import __version__
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError
from skeltext.formats.writing import made_folder
from skeltext.methods.method import Method
from skeltext.recognizer.card import Card
from skeltext.recognizer.checkpoint import read_tensors, write_tensors
from skeltext.recognizer.embedding import encode_clips
from skeltext.skeletons.variants import variants
from skeltext.texts.cache import EmbeddingCache

BLOCK = 512  # clips that are prepared and encoded at a time, so that only their features are held for all


class FeatureCache:
    """A folder of features beside that of the text embeddings; ``SKELTEXT_CACHE`` moves both.

    An entry that is damaged counts as missing. Two processes may write the same one: the last rename wins, both are
    equal.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or EmbeddingCache().folder.with_name("features")

    def path(self, key: str) -> Path:
        """Where the entry of a key lies."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def get(self, key: str) -> Tensor | None:
        """The features (N, D) of a key, None if they are not there or not what was put there."""
        try:
            entry = read_tensors(self.path(key))
        except SkeltextError:
            return None
        whole = entry.keys() == {"features", "digest"} and torch.equal(entry["digest"], _digest(key, entry["features"]))
        return entry["features"] if whole else None

    def put(self, key: str, features: Tensor) -> None:
        """Keep features; written aside and renamed, so that they are whole or absent."""
        made_folder(self.path(key).parent)
        write_tensors(self.path(key), {"features": features, "digest": _digest(key, features)})


def clip_features(
    method: Method,
    card: Card,
    store: Store,
    indices: Sequence[int],
    *,
    training: bool = False,
    through: tuple[str, ...] = (),
    views: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """What the frozen encoder of `method` makes of the clips of a store that `indices` names: (N, D) on the CPU.

    With `training` they are those that the head is trained on, see :meth:`Method.training_features`. Clips that are
    shown `through` other layouts or in several `views` follow one form after the other, see :func:`variants`.
    `card` tells how the encoder was built and how clips are prepared for it. Features that are not in the cache are
    computed, where the method is, and kept there; `progress` is called with the number of clips done.
    """
    if method.encoder.training:
        raise ValueError("the encoder is in training mode, expected a frozen one: its features would not last")
    cache, key = FeatureCache(), features_key(method, card, store, indices, training=training)
    forms = variants(layouts=through, views=views)
    if len(forms) > 1:
        key = hashlib.sha256(f"{key} {through} {views}".encode()).hexdigest()
    encode = method.training_features if training else method.features
    features = cache.get(key)
    if features is None:
        blocks = []
        for done, form in enumerate(forms):
            for start in range(0, len(indices), BLOCK):
                clips = preprocessed_clips(store, indices[start : start + BLOCK], card.preprocessing, variant=form)
                blocks.append(encode_clips(method, torch.from_numpy(clips), encode=encode))
                if progress:
                    progress(done * len(indices) + start + len(clips))
        features = torch.cat(blocks)
        cache.put(key, features)
    return features


def features_key(method: Method, card: Card, store: Store, indices: Sequence[int], *, training: bool = False) -> str:
    """The hash of all that decides the features of clips: encoder, its source and weights, preprocessing, store, clips.

    Devices are not told apart, since they differ by rounding alone.
    """
    own = training and type(method).training_features is not Method.training_features
    function = type(method).training_features if own else type(method).features
    content = {
        "skeltext": __version__,
        "function": [function.__qualname__, dict(card.model.method_options) if own else {}],
        "encoder": [card.model.encoder, card.model.layout, dict(card.model.encoder_options)],
        "encoder source": method.encoder.fingerprint(),
        "weights": _hash_of_weights(method.encoder.state_dict()),
        "preprocessing": card.preprocessing.to_json(),
        "store": store.hash,
        "clips": [int(index) for index in indices],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _hash_of_weights(tensors: dict[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(_bytes(tensor))
    return found.hexdigest()


def _digest(key: str, features: Tensor) -> Tensor:
    """(32,) bytes of the SHA-256 over a key and features, which tells a damaged or misplaced entry."""
    return torch.tensor(list(hashlib.sha256(key.encode() + _bytes(features)).digest()), dtype=torch.uint8)


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
