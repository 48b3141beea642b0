"""The contract of an encoder that is a torch module, which is what a method holds."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Self

from torch import Tensor, nn

from skeltext.encoders.base import BaseEncoder
from skeltext.errors import SkeltextError


class Encoder(nn.Module, BaseEncoder):
    """A skeleton encoder: clips (N, C, T, V, M) to features (N, D), where D is the ``width`` that it sets.

    A ``fixed`` one has nothing to learn, so every method takes it for frozen.
    """

    fixed: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """What messages call it."""
        return type(self).__name__

    @abstractmethod
    def forward(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features (N, D)."""

    def nodes(self, clips: Tensor) -> Tensor:
        """(N, C, T, V, M) to features of every joint over time (N, T', V, D), whose mean over T' V is the clip's.

        Raises :class:`SkeltextError` unless an encoder has such features.
        """
        raise SkeltextError(
            f"the encoder {self.title} gives one feature for a whole clip, and this method reads joints over"
            " time; choose one that has nodes, for instance --encoder st_gcn"
        )

    def make_recordable(self) -> None:
        """Compute from now on in a way that an exporter can record; most encoders do so anyway."""

    def as_module(self) -> Self:
        """The encoder itself."""
        return self
