"""The embedding of one sentence of a class, as the text encoder gives it."""

from __future__ import annotations

from collections.abc import Sequence

from skeltext.texts.encoder import Embeddings, TextEncoder, TextTable
from skeltext.texts.space import ClassTexts, TextSpace


class Sentence(TextSpace):
    """The text of one kind through the text encoder, or the row of the class where that is a table.

    It fits nothing.
    """

    def __init__(self, encoder: TextEncoder, kind: str) -> None:
        self.kinds = () if isinstance(encoder, TextTable) else (kind,)
        self._encoder, self._kind = encoder, kind

    def encode(self, classes: Sequence[ClassTexts]) -> Embeddings:
        """K classes to (K, D) as the text encoder gives them."""
        return self._encoder.encode([one.text(self._kind) for one in classes])
