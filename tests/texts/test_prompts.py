"""What is asked, and which answers are taken."""

from __future__ import annotations

import json

import pytest

from skeltext.texts.description_file import PARTS
from skeltext.texts.prompts import PROMPTS, UnfitAnswerError, objection, question, read_answer

SIX = {part: f"the {part} moves up" for part in PARTS}


@pytest.mark.parametrize("kind", PROMPTS)
def test_the_prompt_names_its_constraints(kind: str) -> None:
    system, user = question(kind, "Drop")
    assert (system["role"], user["role"]) == ("system", "user")
    assert user["content"].endswith("Drop")
    said = system["content"]
    limits = {"complete": "at most 60 words", "skeleton": "fewer than 100 words", "parts": "at most 20 words"}
    assert limits[kind] in said
    assert "no feelings" in said
    assert "no place or scene" in said
    assert "skeleton" not in said
    assert all(part in said for part in PARTS) or kind != "parts"


def test_an_objection_shows_the_answer_and_what_is_wrong() -> None:
    assistant, user = objection("Hi.", UnfitAnswerError("it has 1 words"))
    assert assistant == {"role": "assistant", "content": "Hi."}
    assert "it has 1 words" in user["content"]


@pytest.mark.parametrize(
    "around", ["{}", "```json\n{}\n```", "Here it is: {} Anything else?", "<think>{{}}</think>\n{}"]
)
def test_parts_are_found_in_the_answer(around: str) -> None:
    said = around.replace("{{}}", "{a}").replace("{}", json.dumps(SIX | {"foot": " it \n stays. "}))
    assert read_answer("parts", said) == SIX | {"foot": "it stays"}
    assert list(read_answer("parts", json.dumps(dict(reversed(SIX.items()))))) == list(PARTS)


def test_a_text_becomes_one_line() -> None:
    assert read_answer("complete", "\n One hand\n rises. It\u00a0falls. \n") == "One hand rises. It falls."
    assert read_answer("complete", "<think>Hm. Let me see.</think>\nOne hand rises and falls.").startswith("One")
    assert len(read_answer("skeleton", "word " * 99).split()) == 99
    assert len(read_answer("complete", "word " * 60).split()) == 60


@pytest.mark.parametrize(
    ("kind", "answer", "wrong"),
    [
        ("complete", "", "it is empty"),
        ("skeleton", " \n ", "it is empty"),
        ("complete", "Hand up.", "it has 2 words, expected 5 to 60"),
        ("complete", "word " * 61, "it has 61 words, expected 5 to 60"),
        ("skeleton", "word " * 100, "it has 100 words, expected 10 to 99"),
        ("complete", "One hand rises. It falls! It rests.", "more than two sentences"),
        ("complete", "The skeleton lifts one of its hands.", "mentions a skeleton"),
        ("complete", "一只手 举到 胸前 然后 放下 来", "no English text"),
        ("complete", "One hand \x1b[31m rises and falls.", "no English text"),
        ("complete", "One hand \ud800 rises and falls.", "no English text"),
        ("parts", "The head nods.", "no JSON object"),
        ("parts", "{" * 100_000 + "}", "no JSON object"),
        ("parts", '["head"]', "no JSON object"),
        ("parts", json.dumps({"head": "nods"}), "with a text for each of head, hand"),
        ("parts", json.dumps(SIX | {"tail": "wags"}), "and nothing else"),
        ("parts", json.dumps(SIX | {"foot": ""}), "with a text for each"),
        ("parts", json.dumps(SIX | {"foot": ["rests"]}), "with a text for each"),
        ("parts", json.dumps(SIX | {"foot": "word " * 21}), "it has 21 words in one part, expected 1 to 20"),
    ],
)
def test_an_answer_that_does_not_fit_says_why(kind: str, answer: str, wrong: str) -> None:
    with pytest.raises(UnfitAnswerError, match=wrong):
        read_answer(kind, answer)
