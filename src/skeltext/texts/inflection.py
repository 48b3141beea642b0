"""English inflection, as far as matching the words of a label needs it."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib.resources import files

_DOUBLED = re.compile(r"(?:un|side|upper|eaves)?(?:qu|[^aeiou])*[aeiou][bdglmnprtz]")  # clap, squat, sidestep: clapping
_ENDINGS = {  # what a word can end in, and what stands there in the base form
    "ies": ("y",),
    "ying": ("ie", "y"),
    "ing": ("", "e"),
    "ied": ("y",),
    "ed": ("", "e"),
    "es": ("", "e"),
    "s": ("",),
}


@cache
def _irregular() -> dict[str, str]:
    text = files("skeltext.texts").joinpath("phrases", "words.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


@lru_cache(maxsize=10_000)
def forms(word: str) -> frozenset[str]:
    """A word and the base forms that it may be an inflection of; two words are the same if they share one.

    >>> sorted(forms("hopping"))
    ['hop', 'hopp', 'hoppe', 'hopping']
    >>> bool(forms("threw") & forms("throws")), bool(forms("sitting") & forms("set"))
    (True, False)
    """
    found = {word, _irregular().get(word, word)}
    for ending, bases in _ENDINGS.items():
        if word.endswith(ending) and not word.endswith("ss") and len(stem := word.removesuffix(ending)) > 1:
            found |= {stem + base for base in bases}
            if ending in ("ing", "ed") and stem[-1] == stem[-2]:
                found.add(stem[:-1])
    return frozenset(found)


def gerund(verb: str) -> str:
    """The form of a verb that ends in -ing.

    >>> [gerund(verb) for verb in ("throw", "wave", "sit", "lie", "kneel", "tiptoe", "unzip", "open")]
    ['throwing', 'waving', 'sitting', 'lying', 'kneeling', 'tiptoeing', 'unzipping', 'opening']
    """
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and verb[-2:] not in ("ee", "oe", "ye"):
        return verb[:-1] + "ing"
    if _DOUBLED.fullmatch(verb):
        return verb + verb[-1] + "ing"
    return verb + "ing"
