"""The learning rate of an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from skeltext.runs.config import Schedule


def learning_rate(
    epoch: int,
    *,
    base: float,
    warmup: int,
    schedule: Schedule,
    milestones: Sequence[int],
    epochs: int,
    factor: float = 0.1,
) -> float:
    """The rate of the 0-based `epoch` as PGFA's released code has it.

    The first `warmup` epochs rise linearly from exactly zero: base * epoch / warmup. Then ``"step"`` multiplies by
    `factor` at every milestone passed, ``"cosine"`` falls to zero at `epochs`.

    >>> [learning_rate(e, base=1.0, warmup=5, schedule="step", milestones=(7,), epochs=9) for e in (0, 4, 5, 7)]
    [0.0, 0.8, 1.0, 0.1]
    """
    if epoch < warmup:
        return base * epoch / warmup
    if schedule == "cosine":
        return base * 0.5 * (1 + math.cos(math.pi * (epoch - warmup) / (epochs - warmup)))
    return float(base * factor ** sum(milestone <= epoch for milestone in milestones))
