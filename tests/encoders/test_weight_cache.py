"""What is kept is what the weights give now, however they were changed."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn

from skeltext.encoders.weight_cache import KEPT, WeightCache


class Total:
    """The sum of all weights times a factor, and how often it was computed."""

    computed = 0

    def __init__(self, module: nn.Module, *, times: int = 1) -> None:
        Total.computed += 1
        self.value = times * sum(float(tensor.sum()) for tensor in module.state_dict().values())


@pytest.fixture
def module() -> nn.Module:
    """Parameters and buffers."""
    Total.computed = 0
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()


def test_the_same_weights_are_computed_once_for_every_option(module: nn.Module) -> None:
    cache = WeightCache(Total)
    first = cache(module, times=2)
    assert cache(module, times=2) is first
    assert cache(module, times=3).value == pytest.approx(1.5 * first.value)
    assert cache(module, times=2) is first
    assert Total.computed == 2


def test_there_is_an_end_to_what_is_kept(module: nn.Module) -> None:
    cache = WeightCache(Total)
    for times in range(3 * KEPT):
        cache(module, times=times)
        assert len(cache._kept[1]) <= KEPT


@torch.no_grad()
def test_any_change_of_any_value_is_seen(module: nn.Module) -> None:
    cache = WeightCache(Total)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        before = cache(module).value
        tensor.data.view(-1)[-1] += 1  # moves neither the address nor the version of the parameter
        assert cache(module).value == pytest.approx(before + 1), name
    module[1].running_mean = torch.full((4,), 7.0)
    assert cache(module).value == pytest.approx(Total(module).value)


def test_equal_numbers_of_another_kind_are_another_thing(module: nn.Module) -> None:
    cache = WeightCache(Total)
    cache(module)
    cache(module.double())
    assert Total.computed == 2


@torch.no_grad()
def test_what_is_not_a_number_is_never_taken_for_the_same(module: nn.Module) -> None:
    cache = WeightCache(Total)
    module[0].bias[0] = torch.nan
    cache(module)
    cache(module)
    assert Total.computed == 2


def test_copies_start_empty(module: nn.Module) -> None:
    module.cache = WeightCache(Total)
    plain = len(pickle.dumps(module))
    kept = module.cache(module)
    assert len(pickle.dumps(module)) == plain
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert other.cache(other) is not kept
        assert other.cache(other).value == kept.value
    assert module.cache(module) is kept


@pytest.mark.parametrize("first", [torch.no_grad, torch.inference_mode])
def test_inference_mode_and_its_absence_share_what_is_kept(module: nn.Module, first: type) -> None:
    cache = WeightCache(Total)
    with first():
        kept = cache(module)
    with torch.no_grad():
        assert cache(module) is kept
    with torch.inference_mode():
        assert cache(module) is kept
