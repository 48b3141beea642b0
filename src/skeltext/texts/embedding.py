"""The classes of a data set in words, and as vectors in a text space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skeltext.texts.descriptions import FIRST, SECOND, class_texts, described_classes
from skeltext.texts.encoder import Embeddings, SentenceTransformer, TextEncoder, TextTable
from skeltext.texts.space import ClassTexts, TextSpace

ALL = "all"
"""All authors of our own descriptions."""


def text_encoder(name: str, *, all_classes: Sequence[str]) -> TextEncoder:
    """The encoder of that name: ``"minilm"``, a sentence-transformers name or folder, or a ``.npy`` file.

    Such a file has one row for each of `all_classes`.
    """
    return TextTable(Path(name), classes=all_classes) if name.endswith(".npy") else SentenceTransformer(name)


def described(
    dataset: str, class_names: Sequence[str], *, kinds: Sequence[str], source: Path | None = None, authors: str = FIRST
) -> list[ClassTexts]:
    """Classes of a data set with their texts of some `kinds`, from the file `source` or our own.

    With `authors` ``"all"`` a class that a second author of ours describes has these texts, too.

    >>> described("ntu60", ["Clapping"], kinds=["verb"])
    [ClassTexts(label='Clapping', texts={'verb': 'clap'}, others=())]
    >>> described("kinect20", ["walk"], kinds=["verb"], authors="all")
    [ClassTexts(label='walk', texts={'verb': 'walk'}, others=({'verb': 'stroll'},))]
    """
    again = described_classes(dataset, author=SECOND) if authors == ALL and source is None else []
    twice = [name for name in class_names if name in again]
    others = dict(zip(twice, _by_kind(dataset, twice, kinds, source=None, author=SECOND), strict=True))
    return [
        ClassTexts(label=name, texts=texts, others=(others[name],) if name in others else ())
        for name, texts in zip(
            class_names, _by_kind(dataset, class_names, kinds, source=source, author=FIRST), strict=True
        )
    ]


def _by_kind(
    dataset: str, class_names: Sequence[str], kinds: Sequence[str], *, source: Path | None, author: str
) -> list[dict[str, str]]:
    """The texts of every class by kind."""
    texts = [class_texts(dataset, class_names, kind=kind, source=source, author=author) for kind in kinds]
    return [dict(zip(kinds, of_class, strict=True)) for of_class in zip(*texts, strict=True)] or [
        {} for _ in class_names
    ]


def embed_classes(
    space: TextSpace,
    dataset: str,
    class_names: Sequence[str],
    *,
    source: Path | None = None,
    authors: str = FIRST,
) -> Embeddings:
    """(K, D) classes of a data set in a text space, or (K, P, D) in one that has P kinds of text."""
    return space.encode(described(dataset, class_names, kinds=space.kinds, source=source, authors=authors))
