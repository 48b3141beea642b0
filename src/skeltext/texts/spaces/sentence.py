"""The embedding of one sentence of a class, as the text encoder gives it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skeltext.texts.encoder import Embeddings, TextEncoder, TextTable
from skeltext.texts.space import ClassTexts, TextSpace, directions


class Sentence(TextSpace):
    """The text of one kind through the text encoder, or the row of the class where that is a table.

    A class that several authors describe is the mean direction of their texts. It fits nothing.
    """

    def __init__(self, encoder: TextEncoder, kind: str) -> None:
        self.kinds = () if isinstance(encoder, TextTable) else (kind,)
        self._encoder, self._kind = encoder, kind

    def encode(self, classes: Sequence[ClassTexts]) -> Embeddings:
        """K classes to (K, D) as the text encoder gives them."""
        authors = [len(one.others) + 1 for one in classes]
        rows = self._encoder.encode([said.text(self._kind) for one in classes for said in one.by_author])
        if len(rows) == len(classes):
            return rows
        texts = np.split(rows, np.cumsum(authors)[:-1])  # K of A D
        return np.stack([some[0] if len(some) == 1 else directions(some).mean(axis=0) for some in texts])
