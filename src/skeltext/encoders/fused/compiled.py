"""Loops that numba compiles, shared among threads, over pieces that stay in the cache.

An activation is (B, T, V, C) with B bodies, or (B, T, L) where the L = V C values of a frame are one row: every value
of a row has its own scale and shift, so that the innermost loop is long whatever C is. Sums are taken over one body and
then added up in float64: that is as exact as a pairwise sum and costs no more than a plain one. What is compiled is
kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar, cast

import numba
import torch
from torch import Tensor

PIECE = 8 << 20  # bytes of intermediate values at a time; beyond, they no longer stay in the cache

Kernel = TypeVar("Kernel", bound=Callable[..., None])


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel at its first call; its first arguments are the bodies (or groups) `start` to `stop` to work on.

    A product and a sum may become one instruction, and zeros lose their sign; nothing else is reordered.
    """
    options: Any = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
    try:
        return cast(Kernel, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # there is no folder to keep it in
        return cast(Kernel, numba.njit(**options)(function))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def spread(kernel: Callable[..., None], count: int, *arguments: Any) -> None:
    """Run a kernel over all bodies or groups, shared among as many threads as torch uses, without the interpreter."""
    arrays = [value.detach().numpy() if isinstance(value, Tensor) else value for value in arguments]
    threads = min(torch.get_num_threads(), count)
    if threads == 1:
        kernel(0, count, *arrays)
        return
    bounds = [count * part // threads for part in range(threads + 1)]
    parts = [_pool(threads).submit(kernel, *bound, *arrays) for bound in pairwise(bounds)]
    for part in parts:
        part.result()


def pieces(bodies: int, *, bytes_per_body: int) -> list[slice]:
    """Slices of the bodies, so few at a time that what is made of them is still in the cache when it is used.

    >>> pieces(5, bytes_per_body=PIECE // 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 6, None)]
    """
    step = max(PIECE // bytes_per_body, 1)
    return [slice(start, start + step) for start in range(0, bodies, step)]
