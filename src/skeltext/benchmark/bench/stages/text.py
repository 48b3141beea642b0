"""Class descriptions to embeddings: through the text encoder, and from the rows that are kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skeltext.benchmark.bench.inputs import unit_rows
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task, Values
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.descriptions import class_texts, described_classes
from skeltext.texts.encoder import SentenceTransformer

DESCRIBED = "ntu120"
WIDTH = 384  # of the embedded text encoder


class _NoCache(EmbeddingCache):
    """Knows no row and keeps none."""

    def get(self, key: str) -> None:
        """Nothing."""

    def put(self, key: str, row: Values) -> None:
        """Nothing is kept."""


def _sentences(settings: BenchSettings) -> list[str]:
    return class_texts(DESCRIBED, described_classes(DESCRIBED)[: settings.sentences], kind="complete")


def keep_made_up_rows(cache: EmbeddingCache, texts: Sequence[str]) -> None:
    """Put made-up embeddings of the default text encoder into a cache, so that nothing has to be encoded."""
    encoder = SentenceTransformer(cache=cache)
    for text, row in zip(texts, unit_rows(len(texts), width=WIDTH), strict=True):
        cache.put(cache.key(encoder.name, encoder.revision, text), row)


def _prepare(settings: BenchSettings, folder: Path) -> None:
    keep_made_up_rows(EmbeddingCache(folder / "embeddings"), _sentences(settings))


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    cache = _NoCache(folder) if variant == "encoded" else EmbeddingCache(folder / "embeddings")
    encoder, sentences = SentenceTransformer(cache=cache), _sentences(settings)
    return Task(run=lambda: encoder.encode(sentences), items=len(sentences))


STAGE = Stage(
    name="text",
    unit="texts",
    rows=(Row(name="text, encoded", subject="encoded"), Row(name="text, cached", subject="cached")),
    task=_task,
    prepare=_prepare,
)
