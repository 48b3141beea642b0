"""Fixtures shared by all tests: where real data lies, and how its archives are opened once per run."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real motion packs; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SKELTEXT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real motion packs are not at {folder} (set SKELTEXT_DATA to their folder)")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder with numbers made by the published reference code; skipped where it is absent."""
    folder = Path(os.environ.get("SKELTEXT_GOLDEN", ROOT.parent / "shared" / "golden"))
    if not folder.is_dir():
        pytest.skip(f"the golden numbers are not at {folder} (set SKELTEXT_GOLDEN to their folder)")
    return folder


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
