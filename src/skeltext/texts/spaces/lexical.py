"""Words and pairs of words beside a sentence embedding, in the span of the seen classes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from skeltext.errors import require
from skeltext.texts.encoder import Embeddings, TextEncoder, TextTable
from skeltext.texts.space import ClassTexts, State, directions
from skeltext.texts.spaces.centered import Centered
from skeltext.texts.words import stems

DOCUMENT = ("name", "complete", "skeleton", "head", "hands", "torso", "legs", "start", "middle", "end")
_LEAST_VALUE = 1e-3  # of a singular value, as a share of the first
Rows = npt.NDArray[np.float64]


class Lexical(Centered):
    r"""Which words a class is described by, all kinds of text together, beside the :class:`Centered` sentence.

    The texts of all its authors together are the document of a class.

    A term is a word without its ending, or two that follow each other in a clause, which at least two seen classes have
    in common. One that occurs n times in the texts of a class, and in df of the N seen classes, weighs log(1 + n)
    sqrt(log(N / df)). With a the direction of these weights from their mean over the seen classes, and b the centered
    sentence, a class is the direction of [a, `share` b] in the span of the first `most` singular vectors of the seen
    classes.

    A text without a known term has no a. Cf. Salton and Buckley, "Term-weighting approaches in automatic text
    retrieval", 1988.
    """

    def __init__(self, encoder: TextEncoder, kind: str, *, share: float = 0.6, most: int = 70) -> None:
        require(
            not isinstance(encoder, TextTable),
            f"text space lexical reads the texts of a class, but {encoder.name} is a table; choose a text encoder that"
            " reads sentences",
        )
        if share < 0 or most < 1:
            raise ValueError("expected a share that is not negative and at least one singular vector")
        super().__init__(encoder, kind)
        self.kinds = tuple(dict.fromkeys((*DOCUMENT, kind)))
        self._share, self._most = share, most

    def encode(self, classes: Sequence[ClassTexts]) -> Embeddings:
        """K classes to (K, D), each of length one; D is at most `most`."""
        return directions(self._joined(classes) @ self.fitted("basis").astype(np.float64)).astype(np.float32)

    def fit(self, classes: Sequence[ClassTexts]) -> State:
        """``vocabulary`` as text, ``rarity`` (V,) of its terms, the means of both parts, ``basis`` (V + W, D)."""
        documents = [set(terms_of(one)) for one in classes]
        found = Counter(term for document in documents for term in document)
        vocabulary = sorted(term for term, classes_with in found.items() if classes_with > 1 or " " not in term)
        frequency = np.array([found[term] for term in vocabulary])
        state = dict(super().fit(classes))
        state["vocabulary"] = np.frombuffer("\n".join(vocabulary).encode(), np.uint8)
        state["rarity"] = np.sqrt(np.log(len(classes) / frequency))
        state["usual"] = self.with_state(state)._weights(classes).mean(axis=0)
        _, values, vectors = np.linalg.svd(self.with_state(state)._joined(classes), full_matrices=False)
        state["basis"] = vectors[values > _LEAST_VALUE * values[0]][: self._most].T.astype(np.float32)
        return state

    def _joined(self, classes: Sequence[ClassTexts]) -> Rows:
        """(K, V + W) directions of both parts together."""
        weights = self._weights(classes)
        words = directions(weights - self.fitted("usual")) * weights.any(axis=1, keepdims=True)
        return directions(np.concatenate([words, self._share * super().encode(classes)], axis=1))

    def _weights(self, classes: Sequence[ClassTexts]) -> Rows:
        """(K, V) directions of the weights of all known terms."""
        vocabulary = self.fitted("vocabulary").tobytes().decode().split("\n")
        place = {term: number for number, term in enumerate(vocabulary)}
        counts = np.zeros((len(classes), len(vocabulary)))
        for row, one in zip(counts, classes, strict=True):
            np.add.at(row, [place[term] for term in terms_of(one) if term in place], 1)
        return directions(np.log1p(counts) * self.fitted("rarity"))


def terms_of(one: ClassTexts) -> list[str]:
    """All terms of a class, each text once, without the name where a text begins with it."""
    texts = dict.fromkeys(
        said.text(kind).removeprefix(f"{said.text('name')}. ") for said in one.by_author for kind in DOCUMENT
    )
    return [term for text in texts for term in terms(text)]


def terms(text: str) -> list[str]:
    """The words of a text that say something, without their endings, and the pairs of these in each clause.

    >>> terms("Waving the hands; head still.")
    ['wav', 'hand', 'wav hand', 'head', 'still', 'head still']
    """
    found = []
    for clause in re.split("[.;,:]", text.lower()):
        words = stems(clause)
        found += words + [f"{one} {other}" for one, other in pairwise(words)]
    return found
