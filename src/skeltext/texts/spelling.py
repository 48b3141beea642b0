"""Labels as our descriptions would spell them: without what says nothing, and in American words."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

_AROUND = " \t\r\n.,;:!?\"'()"


def plain(label: str) -> str:
    """A label without capitals, needless spaces and marks around it, in the American spelling and word.

    >>> plain("  Wave, with the LEFT hand! ")
    'wave, with the left hand'
    >>> plain("put rubbish in the centre"), plain("anti-clockwise"), plain("answer a mobile phone")
    ('put trash in the center', 'counterclockwise', 'answer a phone')
    """
    found = " ".join(label.casefold().split()).strip(_AROUND) or label
    british, pattern = _british()
    return pattern.sub(lambda word: british[word[0].replace("-", " ")], found)


def mirrored(label: str) -> str:
    """A label with left and right exchanged; the label itself where it has neither, or both alike.

    >>> mirrored("raise the left hand"), mirrored("swipe rightward"), mirrored("lean left and right")
    ('raise the right hand', 'swipe leftward', 'lean left and right')
    """
    other = {"left": "right", "right": "left"}
    if re.search(r"\b(?:left and right|right and left)\b", label):
        return label
    return re.sub(r"\b(left|right)(?=\b|-|ward)", lambda side: other[side[1]], label)


@cache
def _british() -> tuple[dict[str, str], re.Pattern[str]]:
    """The American for what is British or has several spellings, and a pattern of all that, longest first."""
    text = files("skeltext.texts").joinpath("phrases", "spellings.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    either = "|".join(word.replace(" ", "[ -]") for word in sorted(words, key=len, reverse=True))
    return words, re.compile(rf"\b(?:{either})\b")
