"""Descriptions from a file: any kinds of them, in place of our own, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from skeltext.errors import SkeltextError
from skeltext.texts.description_file import KINDS, PARTS, PHASES, WORDS, DescriptionFile
from skeltext.texts.descriptions import class_text, class_texts, description

SIX = {part: f"the {part} rests" for part in PARTS}
THREE = {phase: f"the {phase} of it" for phase in PHASES}
CONTENT = {
    "_made_by": [{"model": "half \ud800"}],
    "Clapping": {"name": "clap", "parts": SIX, "complete": "Two hands meet.", "skeleton": "Both wrists meet."},
    "Reading": "A person looks at a page.",
    "Kicking something": {"skeleton": "One ankle swings forward."},
}


def written(folder: Path, content: Any) -> Path:
    path = folder / "texts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_texts_are_those_of_the_file(tmp_path: Path) -> None:
    source = written(tmp_path, CONTENT)
    found = {kind: class_text("ntu60", "Clapping", kind=kind, source=source) for kind in KINDS}
    assert found == {
        "name": "clap",
        "parts": "clap. " + " ".join(f"{part.capitalize()}: the {part} rests." for part in PARTS),
        "complete": "clap. Two hands meet.",
        "skeleton": "clap. Both wrists meet.",
    }
    assert description("ntu60", "Reading", source=source) == {"complete": "A person looks at a page."}
    assert class_texts("ntu60", ["Reading", "Clapping", "Reading"], kind="complete", source=source) == [
        "Reading. A person looks at a page.",
        "clap. Two hands meet.",
        "Reading. A person looks at a page.",
    ]
    kick = class_text("ntu60", "Kicking something", kind="skeleton", source=source)
    assert kick == "Kicking something. One ankle swings forward."
    assert class_text("ntu60", "Clapping", kind="name") != "clap"


def test_what_describe_prints_as_json_is_a_file_of_descriptions(tmp_path: Path) -> None:
    own = {name: description("ntu60", name) for name in ("Clapping", "Reading")}
    source = written(tmp_path, own)
    for kind in (*KINDS, *WORDS, *PHASES, "hands"):
        assert class_texts("ntu60", list(own), kind=kind, source=source) == class_texts("ntu60", list(own), kind=kind)


def test_a_file_may_hold_what_methods_read(tmp_path: Path) -> None:
    source = written(tmp_path, {"Clapping": {"verb": "clap", "noun": "palms", "phases": THREE, "parts": SIX}})
    kinds = ("verb", "noun", "start", "end", "hands", "torso")
    assert [class_text("ntu60", "Clapping", kind=kind, source=source) for kind in kinds] == [
        *("clap", "palms", "the start of it", "the end of it"),
        *("the hand rests; the arm rests", "the hip rests"),
    ]


def test_a_file_comes_back_whole(tmp_path: Path) -> None:
    file = DescriptionFile.read(written(tmp_path, CONTENT))
    assert set(file.texts) == {"Clapping", "Reading", "Kicking something"}
    file.path = tmp_path / "new" / "texts.json"
    file.texts["größer"] = {"complete": "Größer\nals zuvor."}
    file.save()
    again = DescriptionFile.read(file.path)
    assert (again.texts, again.notes) == (file.texts, {"_made_by": [{"model": "half \ud800"}]})
    assert [path.name for path in file.path.parent.iterdir()] == ["texts.json"]


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("Writing", "complete", r"describes 3 classes, but not 'Writing' of ntu60; add it, or .*--ask URL"),
        ("_made_by", "complete", r"but not '_made_by'"),
        ("Reading", "skeleton", r"no text of kind skeleton for class 'Reading' of ntu60, only complete; add it"),
        ("Reading", "name", r"no text of kind name for class 'Reading'"),
        ("Reading", "nothing", r"texts of kind 'nothing' do not exist"),
        ("Reading", "verb", r"no text of kind verb for class 'Reading' of ntu60, only complete; add it"),
        ("Kicking something", "middle", r"no text of kind phases for class 'Kicking something' of ntu60, only skel"),
        ("Reading", "legs", r"no text of kind parts for class 'Reading'"),
    ],
)
def test_a_class_or_kind_that_the_file_lacks_is_one_sentence(
    tmp_path: Path, name: str, kind: str, sentence: str
) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        class_text("ntu60", name, kind=kind, source=written(tmp_path, CONTENT))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ([], r"holds list \[\], expected an object from class names to texts"),
        ("null", "holds NoneType null"),
        ({"a": 3}, r"class 'a' is int 3, expected a text or an object with some of the kinds name, parts"),
        ({"a": None}, "class 'a' is NoneType null"),
        ({"a": {}}, r"class 'a' is dict \{\}"),
        ({"a": ["wave"]}, "class 'a' is list"),
        ({"a": {"Complete": "wave"}}, "class 'a' is dict .*Complete"),
        ({"a": " "}, "complete of class 'a' is str \" \", expected a text"),
        ({"a": "bell \a"}, "complete of class 'a' is str"),
        ({"a": "half \ud800"}, "complete of class 'a' is str"),
        ({"a": {"skeleton": 3}}, "skeleton of class 'a' is int 3, expected a text"),
        ({"a": {"complete": SIX}}, "complete of class 'a' is dict"),
        ({"a": {"parts": "the head"}}, "parts of class 'a' is str .*expected an object with a text for each of head"),
        ({"a": {"parts": {"head": "nods"}}}, "parts of class 'a' is dict"),
        ({"a": {"parts": SIX | {"tail": "wags"}}}, "parts of class 'a' is dict"),
        ({"a": {"parts": SIX | {"foot": 3}}}, "parts of class 'a' is dict"),
        ({"a": {"verb": SIX}}, "verb of class 'a' is dict .*expected a text"),
        ({"a": {"phases": "it ends"}}, "phases of class 'a' is str .*a text for each of start, middle, end"),
        ({"a": {"phases": THREE | {"end": ""}}}, "phases of class 'a' is dict"),
        ({"a": {"start": "it begins"}}, "class 'a' is dict .*verb, noun, phases"),
    ],
)
def test_what_is_no_file_of_descriptions_is_one_sentence(tmp_path: Path, content: Any, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=rf"texts\.json.*{sentence}") as caught:
        class_texts("ntu60", ["a"], kind="complete", source=written(tmp_path, content))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 400


def test_a_path_without_a_file_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.json"):
        with pytest.raises(SkeltextError, match=str(path)):
            class_texts("ntu60", ["Clapping"], kind="complete", source=path)
    (tmp_path / "noise.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SkeltextError, match=r"noise\.json is not utf-8 text"):
        class_texts("ntu60", ["Clapping"], kind="complete", source=tmp_path / "noise.json")
