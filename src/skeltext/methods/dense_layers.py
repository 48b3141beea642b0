"""Stacks of fully connected layers, and when SynSE's baselines narrow their input in two steps.

Gupta, Sharma and Sarvadevabhatla, "Syntactically Guided Generative Embeddings for Zero-Shot Skeleton Action
Recognition", ICIP 2021: its released code holds ReViSE and JPoSE in the form in which they are compared on skeletons.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

WIDE = 512


def hidden_width(width: int, *, asked: int | None = None) -> int:
    """The width of the layer between an input and its narrow code: 512, or 0 for none, unless one is `asked` for.

    Published are sentences of 1024 and features of 2048 numbers, which have the layer, and word vectors of 300 and
    features of 256 numbers, which have none. For other widths we take it where the input is wider than the layer.

    >>> [hidden_width(width) for width in (2048, 1024, 768, 384, 300, 256)]
    [512, 512, 512, 0, 0, 0]
    """
    if asked is not None:
        return asked
    return WIDE if width > WIDE else 0


def dense_layers(
    widths: Sequence[int], activation: type[nn.Module], *, last: type[nn.Module] | None = None
) -> nn.Sequential:
    """Linear layers from each width to the next, each with the `activation`, or `last` after the last of them.

    A width of 0 is no layer.

    >>> dense_layers([8, 0, 3], nn.ReLU)
    Sequential(
      (0): Linear(in_features=8, out_features=3, bias=True)
      (1): ReLU()
    )
    """
    steps = list(pairwise(width for width in widths if width))
    activations = [activation] * (len(steps) - 1) + [last or activation]
    return nn.Sequential(
        *(module for (i, o), act in zip(steps, activations, strict=True) for module in (nn.Linear(i, o), act()))
    )
