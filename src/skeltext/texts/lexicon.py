"""The entries of the phrase bank, and how their phrases are found among the words of a label."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from skeltext.texts.inflection import forms

HEADS = ("posture", "gesture", "everyday", "sport", "work", "health", "interaction")
"""The files of actions; ``objects``, ``circumstances`` and ``manners`` lie beside them."""

OR, AND = "/", ("and", "then", "while")
"""Words between alternatives, as which most punctuation is read, and between actions that belong together."""

_LEFT_OUT = {"a", "an", "the", "his", "her", "their", "my", "your", "its", "own", "of", "something", "another"}
_PARTICLES = {"on", "off", "up", "down", "out", "away", "over"}  # which an object can come before: "put the hat on"
_APART = {OR, *AND, "with"}  # never inside a phrase that does not have the word itself
ACTION_GAP = 3
"""Words that may stand between two words of a phrase that names an action, as in "put the big red hat on"."""


@dataclass(frozen=True)
class Entry:
    """Something of the bank: its name, all phrases that mean it, those of them that start with a verb, its account.

    In the account of an action ``{hand}``, ``{arm}``, ``{leg}`` and ``{foot}`` stand for the limb that a label can put
    a side to, ``{other hand}`` and so on for the opposite one.
    """

    name: str
    phrases: tuple[str, ...]
    verbs: frozenset[str]
    account: str


@dataclass(frozen=True)
class Match:
    """A phrase of an entry, found at some positions of a list of words."""

    entry: Entry
    phrase: str
    at: tuple[int, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Least for the best: the most words, then the earliest, then the closest together."""
        return -len(self.at), self.at[0], self.at[-1]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without articles and possessives.

    >>> words_of("Touching other person's pocket (left and right hand)")
    ['touching', 'other', 'person', 'pocket', '/', 'both', 'hand', '/']
    """
    text = re.sub(r"\b(left and right|right and left)\b", "both", text.lower().replace("'s", ""))
    words = re.findall(r"[a-z]+|[/,;()|]", text)
    return [OR if word == "or" or not word.isalpha() else word for word in words if word not in _LEFT_OUT]


@cache
def entries(*names: str) -> tuple[Entry, ...]:
    """The entries of some files of the bank, in their order.

    >>> entries("objects")[0].phrases[:2]
    ('ball', 'football')
    """
    found = []
    for name in names:
        text = files("skeltext.texts").joinpath("phrases", f"{name}.json").read_text(encoding="utf-8")
        for key, entry in json.loads(text).items():
            nouns = entry.get("nouns", ())
            phrases = tuple(dict.fromkeys((key, *entry["also"], *nouns)))
            found.append(Entry(key, phrases, frozenset(phrases) - {*nouns}, entry["account"]))
    return tuple(found)


@cache
def _by_first_word(*names: str) -> dict[str, list[tuple[Entry, str, list[str]]]]:
    """From every form of the first word of a phrase to the phrases: entry, phrase, words in an order that occurs."""
    found: dict[str, list[tuple[Entry, str, list[str]]]] = {}
    for entry in entries(*names):
        for phrase in entry.phrases:
            words = words_of(phrase)
            orders = [words]
            if words[1:2] and words[1] in _PARTICLES:
                orders.append([words[0], *words[2:], words[1]])
            for form in forms(words[0]):
                found.setdefault(form, []).extend((entry, phrase, order) for order in orders)
    return found


def best_match(words: Sequence[str], starts: range, *names: str, gap: int = 0) -> Match | None:
    """The best phrase of some files that starts at one of the positions `starts` of `words`, None for none.

    Up to `gap` words may stand between two words of the phrase.

    >>> words = "putting the red hat on quickly".split()
    >>> best_match(words, range(len(words)), "everyday", gap=2).at
    (0, 3, 4)
    """
    return min(_matches(words, starts, names, gap), key=lambda match: match.rank, default=None)


def _matches(words: Sequence[str], starts: range, names: tuple[str, ...], gap: int) -> Iterator[Match]:
    phrases = _by_first_word(*names)
    for start in starts:
        for form in forms(words[start]):
            for entry, phrase, wanted in phrases.get(form, ()):
                if at := _positions(words, start, wanted, gap):
                    yield Match(entry, phrase, at)


def _positions(words: Sequence[str], start: int, wanted: Sequence[str], gap: int) -> tuple[int, ...] | None:
    """Where the words of a phrase stand, each soon after the one before and none beyond a word that divides."""
    at = [start]
    for word in wanted[1:]:
        for position in range(at[-1] + 1, min(at[-1] + 2 + gap, len(words))):
            if forms(words[position]) & forms(word):
                at.append(position)
                break
            if words[position] in _APART:
                return None
        else:
            return None
    return tuple(at)
