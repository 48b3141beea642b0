"""The README and the guide: their commands exist with these options, their Python runs, their links lead somewhere."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from skeltext.cli import app
from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.formats.npz import write_npz
from skeltext.formats.reading import read_clip
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.descriptions import class_text
from skeltext.texts.encoder import SentenceTransformer

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "docs" / "recogniser.md"]
BLOCKS = [
    block for page in PAGES for block in re.findall(r"```(\w+)\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
]
LINES = [line.split("#")[0].strip() for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("skeltext")])
def test_every_command_is_understood(line: str) -> None:
    command, bound, _ = app.parse_args(shlex.split(line)[1:], exit_on_error=False)
    assert callable(command)
    assert bound is not None


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make")])
def test_every_make_target_exists(line: str) -> None:
    assert re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("line", sorted({line for line in LINES if line.startswith("python")}))
def test_every_script_writes_its_file(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, script, file, *words = shlex.split(line)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [script, file, *words])
    runpy.run_path(str(ROOT / script), run_name="__main__")
    assert read_clip(file).T > 30


def test_the_blocks_hold_nothing_else() -> None:
    assert {line.split()[0] for line in LINES if line} == {"make", "skeltext", "python"}
    assert {kind for kind, _ in BLOCKS} == {"sh", "python"}


def put_made_up_rows(cache_folder: Path, texts: Sequence[str]) -> None:
    """Made-up embeddings as wide as those of the text encoder, so that the model in the package can read them."""
    cache, encoder = EmbeddingCache(cache_folder / "embeddings"), SentenceTransformer()
    rows = np.random.default_rng(0).normal(size=(len(texts), 384)).astype(np.float32)
    for text, row in zip(texts, rows, strict=True):
        cache.put(cache.key(encoder.name, encoder.revision, text), row)


def test_the_python_runs(
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny_run, tmp_path / "runs" / "demo" / "split-0_seed-0")
    write_npz(builtin_clip(action="walk forward", subject=0, repetition=0), tmp_path / "walk.npz")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    sitting = class_text("kinect20", "sit down", kind="complete")
    put_made_up_rows(tmp_path / "cache", ["throw a ball", "walk forward", sitting])
    names: dict[str, object] = {}
    for code in [text for kind, text in BLOCKS if kind == "python"]:
        exec(compile(code.replace("walk.bvh", "walk.npz"), "a page", "exec"), names)
        said = {line.rsplit(maxsplit=1)[0] for line in capsys.readouterr().out.splitlines()}
        assert said <= {"walk forward", "sit down", "throw a ball"}
        assert said


def test_every_link_leads_to_a_file() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), target
