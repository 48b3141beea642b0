"""The command `teach`, and the check that examples are told apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wrist_model import acted, wrist_recognizer

from skeltext.cli import main
from skeltext.formats.npz import write_npz
from skeltext.recognizer.label_set import LabelSet
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.teaching import leave_one_out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of clips of either hand, and a model that sees which hand moves."""
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        for number, frames in enumerate((50, 60, 70)):
            write_npz(acted(side, frames=frames), tmp_path / side / f"{number}.npz")
    monkeypatch.setattr(Recognizer, "load", lambda *_, **__: wrist_recognizer())
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    """A command: its exit code, and its JSON or its sentence."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["teach", *map(str, words)])
    out = capsys.readouterr()
    code = int(ended.value.code or 0)
    return code, out.err if code else (json.loads(out.out) if "--json" in words else out.out)


def test_a_label_set_grows_and_is_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "actions.json"
    code, first = call(capsys, file, "one", folder / "left", "--json")
    assert (code, first["added"], first["check"]) == (0, 3, None)
    _, second = call(capsys, file, "two", *sorted((folder / "right").iterdir())[:2], "--json")
    assert second["labels"] == {"one": {"texts": 0, "examples": 3}, "two": {"texts": 0, "examples": 2}}
    assert second["check"] == {"asked": 5, "right": 5, "alone": 0, "mistakes": []}
    code, again = call(capsys, file, "two", folder / "right", "--text", "the right hand", "--json")
    assert (code, again["added"]) == (0, 1)  # a clip that is there is not added again
    held = LabelSet.load(file)
    assert [len(label.examples) for label in held.labels] == [3, 3]
    assert held.labels[1].texts == ("the right hand",)
    assert wrist_recognizer().predict(acted("left", frames=80), held).label == "one"
    _, shown = call(capsys, file, "one", folder / "left")
    assert "6 of 6 examples are recognized" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("actions.json", "x", "left/0.npz", "nowhere.npz"), "nowhere.npz cannot be read"),
        (("actions.json", "x"), "nothing to teach 'x' by"),
        (("actions.txt", "x", "left/0.npz"), "expected a name that ends in .json"),
        (("actions.json", " ", "left/0.npz"), "one of the labels is empty"),
        (("actions.json", "x", "empty"), "no motion file below empty"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    folder: Path,
    words: tuple[str, ...],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    code, said = call(capsys, *words)
    assert code == 2
    assert sentence in said
    assert sorted(folder.rglob("*")) == before


def test_examples_that_are_all_there_is_are_not_left_out() -> None:
    labels = LabelSet().with_examples("one", [acted("left")]).with_examples("two", [acted("right"), acted("left")])
    found = leave_one_out(wrist_recognizer(), labels)
    assert (found.asked, found.right, found.alone) == (2, 0, 1)
    assert found.mistakes[1] == ("two", "one")
