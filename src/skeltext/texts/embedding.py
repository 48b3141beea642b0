"""The embeddings of the classes of a data set, by the name of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from skeltext.errors import require
from skeltext.texts.descriptions import class_texts
from skeltext.texts.encoder import Embeddings, SentenceTransformer, TextTable


def embed_classes(
    dataset: str,
    class_names: Sequence[str],
    *,
    kind: str | Sequence[str],
    encoder: str,
    all_classes: Sequence[str],
    source: Path | None = None,
) -> Embeddings:
    """(K, D) embeddings of `class_names`, or (K, P, D) for P kinds of text.

    `encoder` is ``"minilm"``, a sentence-transformers name or folder, or a ``.npy`` file with one row for each of
    `all_classes`; `kind` is the kind of description to embed and `source` the file it is taken from, None for our own
    (a table uses neither, and has one row for each class).
    """
    if encoder.endswith(".npy"):
        require(
            isinstance(kind, str),
            f"{encoder} has one row for each class, but this method reads {', '.join(kind)}; choose a text encoder that"
            " reads sentences",
        )
        return TextTable(Path(encoder), classes=all_classes).encode(class_names)
    if not isinstance(kind, str):
        one_kind = partial(embed_classes, dataset, class_names, encoder=encoder, all_classes=all_classes, source=source)
        return np.stack([one_kind(kind=one) for one in kind], axis=1)
    return SentenceTransformer(encoder).encode(class_texts(dataset, class_names, kind=kind, source=source))
