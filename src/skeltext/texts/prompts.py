"""How a language model is asked to describe an action, and what its answer must look like.

The constraints are those of the PGFA paper (physical, of the body alone, short), in our own words.
"""

from __future__ import annotations

import json
import re
from typing import Any

from skeltext.texts.description_file import PARTS, are_parts, is_text

_RULES = (
    " Tell only what the body does: no feelings, no intentions, no place or scene. Write plain English in the present"
    " tense, in one paragraph without headings or lists, and do not mention recordings, data or stick figures."
)
PROMPTS = {
    "complete": "You describe human actions by the way the body moves. Describe the whole motion of the body, from its"
    " beginning to its end, in one or two sentences of at most 60 words together." + _RULES,
    "skeleton": "You describe human actions by the way the joints move. Say which joints move, in which direction, in"
    " which order and how fast, and which stay still, in fewer than 100 words. Leave out objects and what the person"
    " looks like." + _RULES,
    "parts": "You describe human actions by what each part of the body does. Answer with one JSON object and nothing"
    f" else. Its keys are {', '.join(PARTS)}; every value is one clause of at most 20 words about how this part moves"
    " or keeps still during the action." + _RULES,
}
QUESTION = "The action is called: {}"
_MOST_WORDS = {"complete": 60, "skeleton": 99, "parts": 20}  # of a text, of one part
_FEWEST_WORDS = {"complete": 5, "skeleton": 10, "parts": 1}


class UnfitAnswerError(ValueError):
    """An answer that does not keep to the prompt; the message says what is wrong with it."""


def question(kind: str, class_name: str) -> list[dict[str, str]]:
    """The messages of a chat that ask for the description of a class."""
    return [
        {"role": "system", "content": PROMPTS[kind]},
        {"role": "user", "content": QUESTION.format(class_name)},
    ]


def objection(answer: str, unfit: UnfitAnswerError) -> list[dict[str, str]]:
    """The messages that follow an unfit answer."""
    return [
        {"role": "assistant", "content": answer},
        {"role": "user", "content": f"That does not fit: {unfit}. Answer again, with the description alone."},
    ]


def read_answer(kind: str, answer: str) -> str | dict[str, str]:
    r"""The text of an answer, or its six parts; :class:`UnfitAnswerError` if it does not keep to the prompt.

    >>> read_answer("complete", " One hand rises and\nfalls. ")
    'One hand rises and falls.'
    """
    said = re.sub(r"\A\s*<think>.*?</think>", "", answer, flags=re.DOTALL)  # what some models think aloud
    if kind != "parts":
        return _fit_text(kind, said)
    start, end = said.find("{"), said.rfind("}")  # some models put a fence or a phrase around the object
    try:
        parts: Any = json.loads(said[start : end + 1])
    except (ValueError, RecursionError) as error:
        raise UnfitAnswerError("it is no JSON object") from error
    if isinstance(parts, dict):
        parts = {part: " ".join(text.split()) if isinstance(text, str) else text for part, text in parts.items()}
    if not are_parts(parts):
        raise UnfitAnswerError(f"it is no JSON object with a text for each of {', '.join(PARTS)} and nothing else")
    return {part: _fit_text(kind, parts[part]).removesuffix(".") for part in PARTS}


def _fit_text(kind: str, said: str) -> str:
    text = " ".join(said.split())
    if not text:
        raise UnfitAnswerError("it is empty")
    if not is_text(text) or 10 * sum(map(str.isascii, text)) < 9 * len(text):
        raise UnfitAnswerError("it is no English text")
    count = len(text.split())
    if not _FEWEST_WORDS[kind] <= count <= _MOST_WORDS[kind]:
        where = " in one part" if kind == "parts" else ""
        raise UnfitAnswerError(f"it has {count} words{where}, expected {_FEWEST_WORDS[kind]} to {_MOST_WORDS[kind]}")
    if kind == "complete" and len(re.findall(r"[.!?](?=\s+\S)", text)) > 1:
        raise UnfitAnswerError("it has more than two sentences")
    if re.search(r"\bskelet", text, re.IGNORECASE):
        raise UnfitAnswerError("it mentions a skeleton")
    return text
