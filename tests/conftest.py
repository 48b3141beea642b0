"""Fixtures shared by all tests: where real data lies, and how its archives are opened once per run."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store_writing import write_store
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.embedding import described
from skeltext.texts.encoder import SentenceTransformer
from skeltext.texts.label_map import proposals
from skeltext.texts.library import described_elsewhere
from skeltext.texts.spelling import mirrored, plain

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real motion packs; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SKELTEXT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real motion packs are not at {folder} (set SKELTEXT_DATA to their folder)")
    return folder


class Golden:
    """The numbers made by published reference code: a part is in the repository, all of them are where they are beside.

    A file that is in neither place skips the test that asks for it.
    """

    def __init__(self, *parts: str) -> None:
        self.parts = parts

    def __truediv__(self, name: str) -> Golden | Path:
        place = Path(*self.parts, name)
        if not place.suffix:
            return Golden(*self.parts, name)
        elsewhere = Path(os.environ.get("SKELTEXT_GOLDEN", ROOT.parent / "shared" / "golden"))
        for folder in (ROOT / "tests" / "golden", elsewhere):
            if (folder / place).is_file():
                return folder / place
        pytest.skip(f"{place} is not among the golden numbers at {elsewhere} (set SKELTEXT_GOLDEN to their folder)")


@pytest.fixture(scope="session")
def golden() -> Golden:
    """The numbers made by published reference code, as `golden / "folder" / "file.npz"`."""
    return Golden()


@pytest.fixture(scope="session")
def unpacked(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that gives the folder of a pack's original files, unpacked once per test run."""
    folders: dict[str, Path] = {}

    def unpack(pack: str) -> Path:
        if pack not in folders:
            folder = tmp_path_factory.mktemp(pack)
            for archive in sorted((real_data / pack / "original").glob("*.tar.xz")):
                with tarfile.open(archive) as tar:
                    tar.extractall(folder, filter="data")
            folders[pack] = folder
        return folders[pack]

    return unpack


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One torch thread: the golden numbers were made so, and float32 sums depend on the order of addition."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


TEXT_WIDTH = 16  # of the made-up text embeddings
BUILTIN = dataset_named("builtin")


def _tiny_samples(originals: Originals) -> Iterator[Sample]:
    """The first clip of every built-in action by the first two subjects."""
    first = {(sample.label, sample.subject): sample for sample in reversed(list(BUILTIN.samples(originals)))}
    subjects = sorted({subject for _, subject in first})[:2]
    return (first[key] for key in sorted(first) if key[1] in subjects)


@pytest.fixture(scope="session")
def tiny_builtin() -> Dataset:
    """The built-in data set with two clips of every class."""
    return replace(BUILTIN, readings={"tiny": _tiny_samples})


@pytest.fixture(scope="session")
def tiny_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared store of the built-in set with two clips of every class."""
    folder = tmp_path_factory.mktemp("tiny") / "store"
    samples = _tiny_samples(Originals(folder, folder))
    write_store(folder, BUILTIN, ((sample, sample.read()) for sample in samples))
    return folder


def unit_rows(count: int, *, seed: int = 0) -> np.ndarray:
    """(count, TEXT_WIDTH) float32 directions at random."""
    rows = np.random.default_rng(seed).normal(size=(count, TEXT_WIDTH))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="session")
def text_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of text embeddings for the classes of the built-in set, made up so that no sentence is read."""
    path = tmp_path_factory.mktemp("texts") / "table.npy"
    np.save(path, unit_rows(len(BUILTIN.classes)))
    return path


@pytest.fixture(scope="session")
def tiny_config(tiny_store: Path, text_table: Path) -> Callable[..., TrainingConfig]:
    """Settings of a training that takes a second; keyword arguments replace some of them."""

    def make(**changes: object) -> TrainingConfig:
        plain = TrainingConfig(
            store=tiny_store,
            text_encoder=str(text_table),
            encoder_options={"hidden": 4, "features": 16},
            epochs=3,
            batch_size=16,
            warmup=1,
            device="cpu",
            threads=1,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    return make


def put_made_up_rows(folder: Path, texts: Sequence[str]) -> None:
    """Put made-up embeddings of texts, and of what typed ones are mapped by, into the cache at `folder`."""
    cache, encoder = EmbeddingCache(folder / "embeddings"), SentenceTransformer()
    typed = [plain(text) for text in texts]
    typed += [mirrored(text) for text in typed]
    for text in dict.fromkeys((*texts, *typed, *proposals(typed))):
        key = cache.key(encoder.name, encoder.revision, text)
        cache.put(key, unit_rows(1, seed=int(key[:8], 16))[0])


@pytest.fixture(scope="session")
def made_up_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedding cache with made-up rows of all that a training on the built-in set reads in the space sentence."""
    folder = tmp_path_factory.mktemp("cache")
    put_made_up_rows(folder, texts_of_training("builtin", BUILTIN.classes))
    return folder


def texts_of_training(dataset: str, classes: Sequence[str], *, kind: str = "complete") -> list[str]:
    """What a training reads of its classes and, for typed labels, of other described actions."""
    kinds = list(dict.fromkeys((kind, "name")))
    actions = described(dataset, classes, kinds=kinds, authors="all")
    actions += described_elsewhere(dataset, kinds=kinds, authors="all")
    names = [one.label for one in actions]
    texts = [text for one in actions for said in one.by_author for text in said.texts.values()]
    return [*texts, *names, *proposals(names)]


@pytest.fixture
def embed_offline(made_up_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[str]], None]:
    """Let the made-up cache be the one that is used; the function that is returned puts more sentences into it."""
    monkeypatch.setenv("SKELTEXT_CACHE", str(made_up_cache))
    return partial(put_made_up_rows, made_up_cache)


@pytest.fixture
def embed_training(embed_offline: Callable[[Sequence[str]], None]) -> Callable[..., None]:
    """A function that puts what a training on a data set reads into the made-up cache."""
    return lambda *words, **more: embed_offline(texts_of_training(*words, **more))


@pytest.fixture(scope="session")
def tiny_run(
    tiny_config: Callable[..., TrainingConfig], made_up_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a finished run whose text encoder reads sentences, by the made-up cache."""
    from skeltext.training.train_run import train_run  # takes seconds, which tests of other rooms need not spend

    folder = tmp_path_factory.mktemp("runs") / "split-0_seed-0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKELTEXT_CACHE", str(made_up_cache))
        config = tiny_config(text_encoder="minilm", epochs=2)
        train_run(config, RunFolder(folder), watcher=ProgressBars(quiet=True))
    return folder
