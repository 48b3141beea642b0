"""Who imports whom: only downward, torch not below the texts, and nothing of training by those who only predict."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from skeltext.datasets.store import open_store
from skeltext.formats.npz import write_npz

SOURCE = Path(__file__).resolve().parents[1] / "src"
PACKAGE = SOURCE / "skeltext"
FLOORS = (  # from the ground up; a floor imports from those before it
    ("errors",),
    ("data_frame", "machine", "progress", "registry"),
    ("skeletons",),
    ("formats",),
    ("datasets",),
    ("texts",),
    ("encoders",),
    ("adaptation",),
    ("methods",),
    ("recognizer",),
    ("runs",),
    ("training",),
    ("evaluation",),
    ("benchmark",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
HEIGHT = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(module: str) -> str:
    """The room of a module, empty for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def imported(path: Path) -> Iterator[str]:
    """Every module of skeltext that a file names in an import, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            modules = [node.module or ""]
            if node.module == "skeltext":
                modules = [f"skeltext.{name.name}" for name in node.names]
        elif isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        else:
            continue
        yield from (module for module in modules if module.partition(".")[0] == "skeltext")


def test_every_file_is_in_a_room() -> None:
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} == set(HEIGHT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward(path: Path) -> None:
    own = HEIGHT[path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
    for module in imported(path):
        below = room(module)
        if below in ("", "__version__"):
            continue
        same_room = below == path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        assert same_room or HEIGHT[below] < own, f"{path.relative_to(PACKAGE)} imports {module}"


def modules_after(code: str, *words: object, **more: str) -> set[str]:
    """All modules that a fresh interpreter has loaded after running `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))", *map(str, words)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"} | more,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_lower_rooms_need_no_torch() -> None:
    modules = [
        ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
        if path.relative_to(PACKAGE).parts[0] in ("skeletons", "formats", "datasets", "texts")
    ]
    loaded = modules_after("\n".join(f"import {module}" for module in modules))
    assert set(modules) <= loaded
    assert not loaded & {"torch", "pandas", "scipy", "sklearn", "matplotlib", "sentence_transformers"}


def test_help_and_the_package_itself_load_next_to_nothing() -> None:
    code = "from skeltext.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    loaded = modules_after(code)
    assert not loaded & {"torch", "numpy", "yaml", "safetensors", "lightning_fabric"}
    loaded = modules_after("import skeltext")
    assert not {module for module in loaded if module.startswith("skeltext.")}
    assert not loaded & {"torch", "numpy"}


def test_whoever_predicts_loads_nothing_of_training(
    tiny_run: Path,
    tiny_store: Path,
    made_up_cache: Path,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
) -> None:
    embed_offline(["sit down", "juggle three balls"])
    write_npz(open_store(tiny_store).clip(0), tmp_path / "clip.npz")
    code = """
import sys
from skeltext.cli import main
try:
    main(["predict", sys.argv[2], "--model", sys.argv[1], "--labels", "sit down", "juggle three balls"])
except SystemExit as ended:
    assert not ended.code, ended.code
"""
    loaded = modules_after(code, tiny_run, tmp_path / "clip.npz", SKELTEXT_CACHE=str(made_up_cache))
    assert "skeltext.recognizer.recognizer" in loaded
    rooms = {room(module) for module in loaded if module.startswith("skeltext.")}
    assert not rooms & {"runs", "training", "evaluation", "benchmark"}
    slow = {"transformers", "sentence_transformers", "lightning_fabric", "sklearn", "matplotlib", "numba", "jinja2"}
    assert not loaded & (slow | {"scipy", "pandas", "sympy", "torch._dynamo"})
