"""What the tests of ReViSE and JPoSE share: a head on plain features, its golden numbers and toy classes to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.encoders.encoder import Encoder
from skeltext.methods.method import Batch, Method
from skeltext.training.optimizer import optimizer_named, set_rate


class PlainFeatures(Encoder):
    """An encoder for features that are given: it has a width and nothing to train."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.width = features

    def forward(self, clips: Tensor) -> Tensor:
        """The features as they are."""
        return clips


def golden_numbers(path: Path) -> dict[str, Tensor]:
    """All arrays of a golden file."""
    with np.load(path) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def weights_of(numbers: Mapping[str, Tensor], kind: str, *, named: Callable[[str], str]) -> dict[str, Tensor]:
    """The golden arrays of a kind (state, grad, after_adam) by our names of the parameters."""
    return {named(name.removeprefix(f"{kind}/")): x for name, x in numbers.items() if name.startswith(f"{kind}/")}


def losses_after_a_step_of_adam(method: Method, batch: Batch) -> dict[str, Tensor]:
    """The losses of a batch, whose gradients stay, and one published step of Adam by them."""
    optimizer = optimizer_named("adam", method, momentum=0.0, weight_decay=0.5)  # a decay that no group may take
    set_rate(optimizer, 1e-4)
    losses = method.training_loss(batch)
    losses["loss"].backward()
    optimizer.step()
    return losses


class Toy(NamedTuple):
    """Clips that show their class text through a fixed linear map; ``texts`` (K, P, D) are of all classes."""

    texts: Tensor
    features: Tensor
    labels: Tensor
    seen: Tensor

    def seen_batch(self) -> Batch:
        """The clips of seen classes, whose texts are the only ones."""
        member = self.seen[self.labels]
        numbers = self.seen.cumsum(dim=0) - 1
        return Batch(features=self.features[member], labels=numbers[self.labels[member]], texts=self.texts[self.seen])

    def unseen_accuracy(self, method: Method) -> float:
        """Share of the clips of unseen classes that are recognised among these classes."""
        member = ~self.seen[self.labels]
        numbers = (~self.seen).cumsum(dim=0) - 1
        with torch.no_grad():
            scores = method.scores(method.embed_features(self.features[member]), self.texts[~self.seen])
        return float((scores.argmax(dim=1) == numbers[self.labels[member]]).float().mean())


def toy(*, width: int = 12, words: int = 5, clips: int = 8) -> Toy:
    """Classes of a verb and a noun, all pairs of `words` of each; every fifth class is unseen, its words are not."""
    generator = torch.Generator().manual_seed(0)
    verbs, nouns = F.normalize(torch.randn(2, words, width, generator=generator), dim=2)
    texts = torch.stack([verbs.repeat_interleave(words, dim=0), nouns.repeat(words, 1)], dim=1)  # K 2 D
    labels = torch.arange(len(texts)).repeat(clips)
    shown = texts.flatten(1) @ torch.randn(2 * width, 16, generator=generator)
    features = F.relu(shown[labels] + 0.3 * torch.randn(len(labels), 16, generator=generator))
    classes = torch.arange(len(texts))
    return Toy(texts, features, labels, seen=(classes // words + classes) % words != 0)


def train(method: Method, batch: Batch, *, steps: int, rate: float) -> tuple[float, float]:
    """The loss before and after so many steps of Adam."""
    optimizer = optimizer_named("adam", method, momentum=0.0, weight_decay=0.0)
    set_rate(optimizer, rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = method.training_loss(batch)["loss"]
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    return losses[0], method.training_loss(batch)["loss"].item()
