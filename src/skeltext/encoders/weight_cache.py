"""What is computed from the weights of a module, kept until one of them changes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
KEPT = 8  # results for different options of the same weights


def weights_of(module: nn.Module) -> list[Tensor]:
    """All parameters and buffers, the number of batches a normalisation has seen included.

    >>> [tuple(weight.shape) for weight in weights_of(nn.Linear(3, 2))]
    [(2, 3), (2,)]
    """
    tensors = (tensor for part in module.modules() for tensor in (*part._parameters.values(), *part._buffers.values()))
    return [tensor for tensor in tensors if tensor is not None]


def same_values(one: list[Tensor], other: list[Tensor]) -> bool:
    """Whether the tensors of both lists are equal element by element; one that holds a NaN is not."""
    pairs = zip(one, other, strict=False)
    return len(one) == len(other) and all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


class WeightCache(Generic[T]):
    """``cache(module, **options)`` is ``compute(module, **options)``, computed once for the same weights.

    The weights are compared value by value with a copy, because nothing cheaper sees every change: a write through
    ``.data`` or an array of numpy leaves addresses and version counters as they are. A cache that is copied or pickled
    with its module starts empty.

    >>> doubled = WeightCache(lambda module: module.weight.detach() * 2)
    >>> layer = nn.Linear(1, 1)
    >>> doubled(layer) is doubled(layer)
    True
    >>> _ = layer.weight.data.fill_(3)
    >>> doubled(layer).item()
    6.0
    """

    def __init__(self, compute: Callable[..., T]) -> None:
        self._compute = compute
        self._kept: tuple[list[Tensor], dict[Hashable, T]] = ([], {})

    def __call__(self, module: nn.Module, **options: Hashable) -> T:
        """The kept result if there is one for these weights and options."""
        weights = weights_of(module)
        seen, results = self._kept
        if not same_values(weights, seen):
            seen, results = [weight.detach().clone() for weight in weights], {}
            self._kept = seen, results  # in one assignment, so that another thread never sees half of it
        key = tuple(sorted(options.items()))
        result = results.get(key)
        if result is None:
            result = self._compute(module, **options)
            if len(results) >= KEPT:
                results.clear()
            results[key] = result
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._compute,)
