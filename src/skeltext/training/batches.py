"""Which clips every step of an epoch learns from: batches of a shuffled pass, or episodes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from skeltext.errors import SkeltextError
from skeltext.runs.config import TrainingConfig


def size_of(config: TrainingConfig, clips: int) -> int:
    """How many clips a step sees."""
    if config.ways:
        return config.ways * (config.shots + config.queries)
    return min(config.batch_size, clips)


def steps_of(config: TrainingConfig, clips: int) -> int:
    """How many steps an epoch has: as configured, else as many as the clips fill."""
    return config.steps_per_epoch or max(1, clips // size_of(config, clips))


def clips_per_epoch(config: TrainingConfig, clips: int) -> int:
    """How many clips all steps of an epoch see together."""
    return steps_of(config, clips) * size_of(config, clips)


def drawn(labels: Tensor, config: TrainingConfig, *, steps: int) -> Iterator[Tensor]:
    """The numbers of the clips (n,) of each of `steps` steps, drawn from those with the classes `labels` (N,).

    All randomness is that of torch's generator on the CPU. Raises :class:`SkeltextError` if there are too few classes
    or clips for an episode.
    """
    if config.ways:
        for _ in range(steps):
            yield episode(labels, ways=config.ways, shots=config.shots, queries=config.queries)
        return
    n = len(labels)
    size = size_of(config, n)
    if config.steps_per_epoch:
        for _ in range(steps):
            yield torch.randperm(n)[:size]
        return
    yield from torch.split(torch.randperm(n)[: steps * size], size)


def able_classes(labels: Tensor, *, ways: int, clips: int) -> Tensor:
    """The classes with at least so many `clips`; :class:`SkeltextError` if an episode needs more than there are."""
    able = torch.nonzero(torch.bincount(labels) >= clips).squeeze(1)
    if len(able) < ways:
        raise SkeltextError(
            f"{len(able)} classes have at least {clips} training clips, and an episode needs {ways} of them; choose"
            " fewer --ways, --shots or --queries"
        )
    return able


def episode(labels: Tensor, *, ways: int, shots: int, queries: int) -> Tensor:
    """The clips of an episode: `shots` examples of each of `ways` classes, then as many `queries` of each.

    Both halves are ordered by class, in the same order of classes.

    >>> labels = torch.tensor([0, 0, 1, 1, 2, 2])
    >>> labels[episode(labels, ways=3, shots=1, queries=1)].view(2, 3)[0].sort().values.tolist()
    [0, 1, 2]
    """
    able = able_classes(labels, ways=ways, clips=shots + queries)
    members = []
    for label in able[torch.randperm(len(able))[:ways]]:
        own = torch.nonzero(labels == label).squeeze(1)
        members.append(own[torch.randperm(len(own))[: shots + queries]])
    chosen = torch.stack(members)  # ways x (shots + queries)
    return torch.cat([chosen[:, :shots].reshape(-1), chosen[:, shots:].reshape(-1)])
