"""The names that people import: those of the stub, each the object of its module, and known to type checkers."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import skeltext

SOURCE = Path(__file__).resolve().parents[1] / "src"
STUB = SOURCE / "skeltext" / "__init__.pyi"


def stub_imports() -> list[ast.ImportFrom]:
    return [node for node in ast.parse(STUB.read_text("ascii")).body if isinstance(node, ast.ImportFrom)]


HOMES = {alias.name: f"skeltext.{node.module}" for node in stub_imports() for alias in node.names}


def test_the_stub_lists_every_public_name_once() -> None:
    listed = [alias.name for node in stub_imports() for alias in node.names]
    assert skeltext.__all__ == sorted([*listed, "__version__"])
    assert dir(skeltext) == skeltext.__all__


def test_the_stub_is_what_type_checkers_and_the_loader_both_understand() -> None:
    for node in stub_imports():
        assert node.level == 1
        assert all(alias.asname == alias.name for alias in node.names)  # or the name is private to the stub
    declared = [node for node in ast.parse(STUB.read_text("ascii")).body if isinstance(node, ast.AnnAssign)]
    assert [ast.unparse(node) for node in declared] == ["__version__: str"]


def test_no_public_name_is_a_room() -> None:
    assert not set(skeltext.__all__) & {path.stem for path in STUB.parent.iterdir() if path != STUB}


@pytest.mark.parametrize("name", HOMES)
def test_a_public_name_is_the_object_of_its_module(name: str) -> None:
    found = getattr(skeltext, name)
    home = import_module(HOMES[name])
    assert found is getattr(home, name)
    assert found.__module__ == home.__name__, f"{name} is defined elsewhere"
    assert found.__doc__


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="abacus"):
        skeltext.abacus  # noqa: B018
    with pytest.raises(ImportError, match="abacus"):
        from skeltext import abacus  # noqa: F401


@pytest.mark.parametrize("code", ["import skeltext", "from skeltext import Clip, Recognizer"])
def test_an_import_leaves_the_environment_alone(code: str) -> None:
    check = f"import os\nbefore = dict(os.environ)\n{code}\nassert dict(os.environ) == before, dict(os.environ)"
    unset = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "SKELTEXT_THREADS")
    subprocess.run(
        [sys.executable, "-c", check],
        check=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name not in unset} | {"PYTHONPATH": str(SOURCE)},
    )


USE = """
from pathlib import Path

import skeltext
from skeltext import Clip, Recognizer

clip: Clip = skeltext.load("walk.bvh", fps=30)
model: Recognizer = skeltext.Recognizer.load()
answer = model.predict(clip, labels=["walking", "sitting down"])
for guess in answer.guesses:
    print(guess.label, guess.probability.hex())
skeltext.write_npz(clip, Path("walk.npz"))
skeltext.configure_threads(2)
reveal_type(answer.label)  # str | None
reveal_type(skeltext.list_models())  # list[str]
reveal_type(skeltext.__version__)  # str
""".splitlines()
MISUSE = {
    "skeltext.Recognizer.lod()": '"type[Recognizer]" has no attribute "lod"',
    "answer.lable": '"Answer" has no attribute "lable"',
    "skeltext.Recognicer": 'Module has no attribute "Recognicer"',
    "from skeltext import recognicer": 'Module "skeltext" has no attribute "recognicer"',
    "skeltext.load(3)": 'Argument 1 has incompatible type "int"',
    "skeltext.configure_threads('many')": 'Argument 1 to "configure_threads" has incompatible type "str"',
}
# The types of other packages are left out, as reading those of torch takes most of a minute.
SETTINGS = """
[mypy]
strict = True
follow_imports = silent

[mypy-numpy.*,torch.*,safetensors.*,lightning_fabric.*,rich.*,yaml.*,sentence_transformers.*,transformers.*]
follow_imports = skip
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """What mypy says of the user's script, by line: correct use, every public name, then misuse."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("user")
    (folder / "mypy.ini").write_text(SETTINGS)
    lines = [*USE, *(f"reveal_type(skeltext.{name})" for name in skeltext.__all__), *MISUSE]
    (folder / "user.py").write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", "cache", "user.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(SOURCE)},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    found: dict[int, list[str]] = {}
    for line in done.stdout.splitlines()[:-1]:
        match = re.fullmatch(r"user\.py:(\d+): (.*)", line)
        assert match, line
        found.setdefault(int(match[1]), []).append(match[2])
    return found


def test_a_type_checker_accepts_correct_use(said: dict[int, list[str]]) -> None:
    for number, line in enumerate(USE, start=1):
        _, _, revealed = line.partition("  # ")
        assert said.get(number, []) == ([f'note: Revealed type is "{revealed}"'] if revealed else []), line


def test_a_type_checker_knows_every_public_name(said: dict[int, list[str]]) -> None:
    for number, name in enumerate(skeltext.__all__, start=len(USE) + 1):
        (note,) = said[number]
        assert note.startswith("note: Revealed type is"), name
        assert note != 'note: Revealed type is "Any"', name


def test_a_type_checker_finds_mistakes(said: dict[int, list[str]]) -> None:
    for number, (line, mistake) in enumerate(MISUSE.items(), start=len(USE) + len(skeltext.__all__) + 1):
        assert any(sentence.startswith(f"error: {mistake}") for sentence in said.get(number, [])), line
