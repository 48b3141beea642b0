"""Which clips a step learns from: passes, batches drawn afresh, and episodes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.errors import SkeltextError
from skeltext.runs.config import TrainingConfig
from skeltext.training.batches import clips_per_epoch, drawn, episode, size_of, steps_of


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(0, 6), min_size=3, max_size=7),
    ways=st.integers(2, 3),
    shots=st.integers(1, 3),
    queries=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_an_episode_has_its_examples_first_and_both_halves_in_the_same_order(
    counts: list[int], ways: int, shots: int, queries: int, seed: int
) -> None:
    torch.manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels))]
    able = {label for label, count in enumerate(counts) if count >= shots + queries}
    if len(able) < ways:
        with pytest.raises(SkeltextError, match=f"{len(able)} classes have at least {shots + queries} training clips"):
            episode(labels, ways=ways, shots=shots, queries=queries)
        return
    chosen = episode(labels, ways=ways, shots=shots, queries=queries)
    assert len(set(chosen.tolist())) == len(chosen) == ways * (shots + queries)
    support, asked = labels[chosen[: ways * shots]], labels[chosen[ways * shots :]]
    order = support[::shots]
    assert set(order.tolist()) <= able
    assert len(order.unique()) == ways
    assert torch.equal(support, order.repeat_interleave(shots))
    assert torch.equal(asked, order.repeat_interleave(queries))


def test_every_class_and_clip_is_drawn_at_times() -> None:
    torch.manual_seed(0)
    labels = torch.arange(12) % 4
    chosen = torch.stack([episode(labels, ways=2, shots=1, queries=1) for _ in range(200)])
    assert chosen[:, :2].unique().tolist() == list(range(12))  # as an example
    assert chosen[:, 2:].unique().tolist() == list(range(12))  # as a query


def test_an_epoch_is_one_pass_over_the_clips() -> None:
    torch.manual_seed(0)
    config, labels = TrainingConfig(batch_size=3), torch.zeros(10, dtype=torch.long)
    assert (size_of(config, 10), steps_of(config, 10), clips_per_epoch(config, 10)) == (3, 3, 9)
    batches = list(drawn(labels, config, steps=3))
    assert [len(batch) for batch in batches] == [3, 3, 3]
    assert len(torch.cat(batches).unique()) == 9
    assert size_of(config, 2) == 2  # fewer clips than a batch are one batch


def test_steps_make_an_epoch_of_fresh_batches() -> None:
    torch.manual_seed(0)
    config = TrainingConfig(batch_size=8, steps_per_epoch=5)
    labels = torch.zeros(10, dtype=torch.long)
    assert (steps_of(config, 10), clips_per_epoch(config, 10)) == (5, 40)
    batches = list(drawn(labels, config, steps=5))
    assert [len(batch.unique()) for batch in batches] == [8] * 5


def test_episodes_are_the_steps_of_a_method_that_learns_from_them() -> None:
    torch.manual_seed(0)
    config, labels = TrainingConfig(ways=3, shots=2, queries=1), torch.arange(40) % 5
    assert (size_of(config, 40), steps_of(config, 40)) == (9, 4)
    first, second = drawn(labels, config, steps=2)
    assert len(first) == len(second) == 9
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(next(drawn(labels, config, steps=1)), first)  # the generator decides it all
