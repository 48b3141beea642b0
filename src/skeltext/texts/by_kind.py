"""Several kinds of text of a class, each in a text space of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skeltext.texts.encoder import Embeddings
from skeltext.texts.space import ClassTexts, State, TextSpace


class ByKind(TextSpace):
    """One space for each of P kinds of text, for methods that read several: K classes to (K, P, D)."""

    def __init__(self, spaces: Mapping[str, TextSpace]) -> None:
        self.kinds = tuple(spaces)
        self._spaces = spaces

    def encode(self, classes: Sequence[ClassTexts]) -> Embeddings:
        """K classes to (K, P, D)."""
        rows = [space.with_state(self._state_of(kind)).encode(classes) for kind, space in self._spaces.items()]
        return np.stack(rows, axis=1)  # P of K D -> K P D

    def fit(self, classes: Sequence[ClassTexts]) -> State:
        """What each space fits, under the name of its kind."""
        return {
            f"{kind}/{name}": array
            for kind, space in self._spaces.items()
            for name, array in space.fit(classes).items()
        }

    def _state_of(self, kind: str) -> State:
        return {
            name.removeprefix(f"{kind}/"): array for name, array in self.state.items() if name.startswith(f"{kind}/")
        }
