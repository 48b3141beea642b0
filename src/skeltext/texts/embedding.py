"""The embeddings of the classes of a data set, by the name of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skeltext.texts.descriptions import class_texts
from skeltext.texts.encoder import Embeddings, SentenceTransformer, TextTable


def embed_classes(
    dataset: str,
    class_names: Sequence[str],
    *,
    kind: str,
    encoder: str,
    all_classes: Sequence[str],
    source: Path | None = None,
) -> Embeddings:
    """(K, D) embeddings of `class_names`.

    `encoder` is ``"minilm"``, a sentence-transformers name or folder, or a ``.npy`` file with one row for each of
    `all_classes`; `kind` is the kind of description to embed and `source` the file it is taken from, None for our own
    (a table uses neither).
    """
    if encoder.endswith(".npy"):
        return TextTable(Path(encoder), classes=all_classes).encode(class_names)
    return SentenceTransformer(encoder).encode(class_texts(dataset, class_names, kind=kind, source=source))
