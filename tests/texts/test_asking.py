"""`skeltext describe --ask`: what it asks for, what it keeps, how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skeltext.cli import main
from skeltext.errors import SkeltextError
from skeltext.texts.asking import MADE_BY, ask_for_descriptions
from skeltext.texts.description_file import PARTS
from skeltext.texts.descriptions import class_texts, described_classes
from skeltext.texts.language_model import LanguageModel
from skeltext.texts.prompts import PROMPTS

Endpoint = Any  # of conftest.py
CLASSES = described_classes("builtin")
SENTENCE = "One hand rises to the chest and falls again."
OTHER = "Both knees bend deeply and stretch again."
SIX = {part: f"the {part} moves up" for part in PARTS}
KEY = "sk-1234567890"


class Outcome(NamedTuple):
    """What the command did."""

    code: int
    out: str
    err: str


Describe = Callable[..., Outcome]


@pytest.fixture
def describe(endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Describe:
    """The command in this process, asking the endpoint and saving to texts.json."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        given = ["describe", "builtin", *words, "--ask", endpoint.url, "--model", "tiny", "--save", file_in(tmp_path)]
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in given])
        return Outcome(int(ended.value.code or 0), *capsys.readouterr())

    return run


def file_in(folder: Path) -> Path:
    return folder / "texts.json"


def saved(folder: Path) -> dict[str, Any]:
    """The content of texts.json, beside which nothing was left."""
    assert [path.name for path in folder.iterdir()] == ["texts.json"]
    found: dict[str, Any] = json.loads(file_in(folder).read_text(encoding="utf-8"))
    return found


def test_every_class_is_described_and_can_be_embedded(describe: Describe, endpoint: Endpoint, tmp_path: Path) -> None:
    found = describe()
    assert (found.code, found.out) == (0, f"{file_in(tmp_path)}: {len(CLASSES)} classes described, 0 were already\n")
    assert "asking tiny" in found.err
    assert endpoint.classes == CLASSES
    assert all(body["messages"][0]["content"] == PROMPTS["complete"] for _, _, body in endpoint.asked)
    texts = class_texts("builtin", CLASSES, kind="complete", source=file_in(tmp_path))
    assert texts == [f"{name}. {SENTENCE}" for name in CLASSES]
    (note,) = saved(tmp_path)[MADE_BY]
    assert (note["kind"], note["model"], note["classes"]) == ("complete", "tiny", CLASSES)
    assert endpoint.url == f"http://{note['endpoint']}/v1"
    assert note["prompt"][0] == PROMPTS["complete"]
    assert note["parameters"] == {"temperature": 0, "seed": 0}
    assert abs(time.mktime(time.strptime(note["date"], "%Y-%m-%d")) - time.time()) < 3 * 86400


def test_only_what_the_file_lacks_is_asked_for(describe: Describe, endpoint: Endpoint, tmp_path: Path) -> None:
    mine = {CLASSES[0]: "By hand.", CLASSES[1]: {"skeleton": "By hand."}, "_note": 3, "another class": "By hand."}
    file_in(tmp_path).write_text(json.dumps(mine), encoding="utf-8")
    endpoint.says(OTHER)
    found = describe("--limit", 2, "--json")
    assert (found.code, found.err) == (0, "")
    assert json.loads(found.out) == {
        "file": str(file_in(tmp_path)),
        "described": CLASSES[1:3],
        "held": CLASSES[:1],
        "failed": {},
    }
    content = saved(tmp_path)
    assert content[CLASSES[0]] == {"complete": "By hand."}
    assert content[CLASSES[1]] == {"skeleton": "By hand.", "complete": OTHER}
    assert (content["_note"], content["another class"]) == (3, {"complete": "By hand."})
    assert content[MADE_BY][0]["classes"] == CLASSES[1:3]
    asked = len(endpoint.asked)
    describe(CLASSES[0], CLASSES[2], CLASSES[5], CLASSES[5])
    assert endpoint.classes[asked:] == [CLASSES[5]]
    assert [note["classes"] for note in saved(tmp_path)[MADE_BY]] == [[*CLASSES[1:3], CLASSES[5]]]


def test_parts_are_another_kind_with_a_note_of_its_own(describe: Describe, endpoint: Endpoint, tmp_path: Path) -> None:
    describe(CLASSES[0])
    endpoint.says(f"```json\n{json.dumps(SIX)}\n```")
    assert describe(CLASSES[0], "--kind", "parts").code == 0
    assert saved(tmp_path)[CLASSES[0]] == {"complete": SENTENCE, "parts": SIX}
    assert [(note["kind"], note["classes"]) for note in saved(tmp_path)[MADE_BY]] == [
        ("complete", CLASSES[:1]),
        ("parts", CLASSES[:1]),
    ]


def test_an_unfit_answer_is_asked_for_again_and_then_reported(
    describe: Describe, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.says("Hand up.", OTHER, "", "word " * 99, "Hand up.")
    found = describe(*CLASSES[:3])
    assert found.code == 1
    assert found.out.splitlines() == [
        f"{file_in(tmp_path)}: 2 classes described, 0 were already",
        f"no fit answer for {CLASSES[1]!r}: it has 2 words, expected 5 to 60",
    ]
    assert endpoint.classes == [CLASSES[0]] * 2 + [CLASSES[1]] * 3 + [CLASSES[2]]
    again = endpoint.asked[1][2]["messages"]
    assert [message["role"] for message in again] == ["system", "user", "assistant", "user"]
    assert again[2]["content"] == "Hand up."
    assert "it has 2 words" in again[3]["content"]
    content = saved(tmp_path)
    assert set(content) == {MADE_BY, CLASSES[0], CLASSES[2]}
    assert describe(*CLASSES[:3]).code == 0
    assert endpoint.classes[-1] == CLASSES[1]


def test_what_was_answered_before_an_error_is_saved(describe: Describe, endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.says(SENTENCE, SENTENCE)
    endpoint.answers(500, b"out of memory")
    found = describe()
    assert found.code == 2
    assert "skeltext: 127.0.0.1:" in found.err.splitlines()[-1]
    assert "answered 500: out of memory; what was answered before is saved" in found.err
    assert set(saved(tmp_path)) == {MADE_BY, *CLASSES[:2]}
    assert describe().code == 0
    assert endpoint.classes == [*CLASSES[:3], *CLASSES[2:]]


def test_it_goes_on_after_a_kill(describe: Describe, endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.says(SENTENCE, SENTENCE)
    endpoint.misbehaves("hangs")
    words = ["describe", "builtin", "--ask", endpoint.url, "--model", "tiny", "--save", str(file_in(tmp_path))]
    with subprocess.Popen([sys.executable, "-m", "skeltext", *words], stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while len(endpoint.asked) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert set(saved(tmp_path)) == {MADE_BY, *CLASSES[:2]}
    assert describe().code == 0
    assert endpoint.classes == [*CLASSES[:3], *CLASSES[2:]]
    assert set(saved(tmp_path)) == {MADE_BY, *CLASSES}


def test_the_key_is_sent_but_nowhere_to_be_seen(
    describe: Describe, endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    found = describe(CLASSES[0])
    assert "Authorization" not in endpoint.asked[0][1]
    found = describe(CLASSES[1], "--key-variable", "OPENAI_API_KEY")
    assert endpoint.asked[1][1]["Authorization"] == f"Bearer {KEY}"
    endpoint.answers(400, f"bad key {KEY}".encode())
    refused = describe(CLASSES[2], "--key-variable", "OPENAI_API_KEY")
    assert (refused.code, refused.out) == (2, "")
    assert "bad key ..." in refused.err
    assert KEY not in found.out + found.err + refused.err + file_in(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--ask", "http://127.0.0.1:1/v1"], "--ask needs to know which language model"),
        (["--ask", "http://127.0.0.1:1/v1", "--model", "tiny"], "--ask needs to know which language model"),
        (["--ask", "nonsense", "--model", "tiny", "--save", "FILE"], "no plain http or https address"),
        (["--ask", "", "--model", "tiny", "--save", "FILE"], "no plain http or https address"),
        (["--ask", "http://127.0.0.1:1/v1", "--model", "tiny", "--save", "FILE", "--limit", "0"], "limit is 0"),
        (
            ["--ask", "http://127.0.0.1:1/v1", "--model", "tiny", "--save", "FILE", "--kind", "name"],
            "texts of kind 'name' cannot be asked for; choose one of complete, skeleton, parts",
        ),
        (
            ["--ask", "http://127.0.0.1:1/v1", "--model", "a", "--save", "FILE", "--key-variable", "NO_SUCH_KEY"],
            "NO_SUCH_KEY is not set or empty",
        ),
        (["no such class", "--ask", "http://127.0.0.1:1/v1", "--model", "a", "--save", "FILE"], "has no description"),
        (["--save", "FILE"], "--save and --limit go with --ask URL"),
        (["--model", "tiny"], "--save and --limit go with --ask URL"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(file_in(tmp_path)) if word == "FILE" else word for word in words]
    with pytest.raises(SystemExit) as ended:
        main(["describe", "builtin", *given])
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    assert sentence in shown.err
    assert shown.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 3}', '{"_made_by": 3}', '{"_made_by": [3]}'])
def test_a_file_of_something_else_is_left_as_it_is(
    describe: Describe, endpoint: Endpoint, tmp_path: Path, content: str
) -> None:
    file_in(tmp_path).write_text(content, encoding="utf-8")
    found = describe()
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    assert file_in(tmp_path).read_text(encoding="utf-8") == content
    assert endpoint.asked == []


def test_a_file_that_cannot_be_written_is_one_sentence(endpoint: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("no folder", encoding="utf-8")
    model = LanguageModel(url=endpoint.url, name="tiny")
    with pytest.raises(SkeltextError, match="cannot be made"):
        ask_for_descriptions(CLASSES, kind="complete", model=model, save=tmp_path / "in the way" / "texts.json")
    assert endpoint.asked == []


def test_nothing_is_contacted_without_ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something was contacted")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(SystemExit) as ended:
        main(["describe", "builtin", CLASSES[0]])
    assert not ended.value.code
    assert CLASSES[0] in capsys.readouterr().out


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["for people", "json"])
def test_a_reader_that_stops_early_is_no_mistake(form: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "skeltext", "describe", "ntu120", *form]
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
