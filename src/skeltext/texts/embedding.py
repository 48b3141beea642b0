"""The classes of a data set in words, and as vectors in a text space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skeltext.texts.descriptions import class_texts
from skeltext.texts.encoder import Embeddings, SentenceTransformer, TextEncoder, TextTable
from skeltext.texts.space import ClassTexts, TextSpace


def text_encoder(name: str, *, all_classes: Sequence[str]) -> TextEncoder:
    """The encoder of that name: ``"minilm"``, a sentence-transformers name or folder, or a ``.npy`` file.

    Such a file has one row for each of `all_classes`.
    """
    return TextTable(Path(name), classes=all_classes) if name.endswith(".npy") else SentenceTransformer(name)


def described(
    dataset: str, class_names: Sequence[str], *, kinds: Sequence[str], source: Path | None = None
) -> list[ClassTexts]:
    """Classes of a data set with their texts of some `kinds`, from the file `source` or our own.

    >>> described("ntu60", ["Clapping"], kinds=["verb"])
    [ClassTexts(label='Clapping', texts={'verb': 'clap'})]
    """
    by_kind = {kind: class_texts(dataset, class_names, kind=kind, source=source) for kind in kinds}
    return [
        ClassTexts(label=name, texts={kind: texts[number] for kind, texts in by_kind.items()})
        for number, name in enumerate(class_names)
    ]


def embed_classes(
    space: TextSpace, dataset: str, class_names: Sequence[str], *, source: Path | None = None
) -> Embeddings:
    """(K, D) classes of a data set in a text space, or (K, P, D) in one that has P kinds of text."""
    return space.encode(described(dataset, class_names, kinds=space.kinds, source=source))
