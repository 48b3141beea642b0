"""The losses of an epoch, added up without making a GPU wait after every step."""

from __future__ import annotations

import torch
from torch import Tensor

Losses = dict[str, Tensor]
"""Named scalars of one step, without gradient, on the device."""


class LossSums:
    """Sums over steps that stay unread on the device until somebody asks for them.

    >>> sums = LossSums()
    >>> sums.add({"loss": torch.tensor(2.0), "margin": torch.tensor(0.5)})
    >>> sums.add({"loss": torch.tensor(1.0), "margin": torch.tensor(0.5)})
    >>> sums.read()
    {'loss': 3.0, 'margin': 1.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._unread: list[Tensor] = []

    def add(self, losses: Losses) -> None:
        """Take a copy of the losses of a step, as the next step may overwrite them; their names are always the same."""
        self._sums = self._sums or dict.fromkeys(losses, 0.0)
        self._unread.append(torch.stack(list(losses.values())))

    def read(self) -> dict[str, float]:
        """The sums by name, for which the processor waits; added in double precision and in the order of the steps."""
        rows = torch.stack(self._unread).tolist() if self._unread else []
        self._unread.clear()
        for row in rows:
            for name, value in zip(self._sums, row, strict=True):
                self._sums[name] += value
        return self._sums
