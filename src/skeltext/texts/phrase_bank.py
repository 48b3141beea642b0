"""Fuller texts for labels that somebody types, from a bank of phrases about how bodies move.

The bank (``phrases/*.json``) knows a few hundred actions, such as "throw" or "sit down", each with the phrases that
name it and a physical account of it; objects, which shape the hands; circumstances ("while sitting") and manners
("quickly", "to the left"). A label is read as one or two actions with sides of the body, an object and modifiers. The
bank is about actions: it knows nothing of the classes of any data set.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from skeltext.texts.inflection import forms, gerund
from skeltext.texts.lexicon import ACTION_GAP, AND, HEADS, OR, Match, best_match, entries, words_of

_LONGEST_NAME = 300  # characters of a label that are kept
_MOST_WORDS = 64  # of a label that are read
_MOST_MODIFIERS = 4
_NAMELESS = "moving the body"  # the text of a label in which there is nothing to read
_SPELT_ALIKE = 0.7  # ratio of difflib

_LIMBS = {
    **dict.fromkeys(("hand", "arm", "fist", "elbow", "wrist", "palm", "shoulder", "finger", "thumb", "handed"), "arm"),
    **dict.fromkeys(("leg", "foot", "knee", "thigh", "heel", "ankle", "toe"), "leg"),
}
_PLACES = {"hand": "arm", "arm": "arm", "leg": "leg", "foot": "leg"}  # of an account, to fill with a sided limb
_CALLED = {  # how the limb on a side is called, and the opposite one
    "one": ("one", "the other"),
    "left": ("the left", "the right"),
    "right": ("the right", "the left"),
    "both": ("each", "the other"),
    "two": ("each", "the other"),
    "other": ("the other", "the opposite"),
}


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A fuller text for a label.

    `head` is the action of the bank that the label was read as; where none is `known`, the text is the label itself and
    `hints` are phrases of the bank that are spelt alike.
    """

    label: str
    text: str
    head: str | None
    known: bool
    hints: tuple[str, ...]


def describe_label(label: str) -> Suggestion:
    """What an action is called, and how the body moves to do it.

    Any text is taken; one in which the bank finds no action stays as it is, with hints. No more than the first 300
    characters are read.

    >>> describe_label("throw a ball with the left hand").text  # doctest: +NORMALIZE_WHITESPACE
    'throwing a ball with the left hand. The left arm is drawn back past the shoulder and swung over to the front with
    speed, the trunk turning along, until the open hand lets go. The fingers are curved round a ball.'
    >>> describe_label("hugg").hints
    ('hug',)
    """
    name = "".join(character if character.isprintable() else " " for character in label)
    name = " ".join(name.split())[:_LONGEST_NAME].rstrip(" .,;:!?")
    words = words_of(name)[:_MOST_WORDS]
    sides = list(_sides(words))
    whole = list(words)
    circumstances = _take_modifiers(words, "circumstances")
    actions = _actions(words)
    if not actions and circumstances:  # "sit on a chair" is an action by itself
        words, circumstances, actions = whole, [], _actions(whole)
    if not actions:
        return Suggestion(label=label, text=name or _NAMELESS, head=None, known=False, hints=_spelt_alike(words))
    for action in actions:
        name = _with_gerund(name, action, first_word=words[action.at[0]])
    _blank(words, [position for action in actions for position in action.at])
    _blank(words, [position for position, _, _ in sides])
    accounts = _accounts(actions, {group: side for _, group, side in sides})
    details = [*_grip(words, accounts[0], after=actions[0].at[0]), *circumstances, *_take_modifiers(words, "manners")]
    sentences = [*accounts, *([", and ".join(details) + "."] if details else [])]
    text = " ".join([f"{name}.", *(sentence[0].upper() + sentence[1:] for sentence in sentences)])
    return Suggestion(label=label, text=text, head=actions[0].entry.name, known=True, hints=())


def _sides(words: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Where a label puts a side to limbs: position, group of limbs, side. Limbs in the plural are both."""
    for position, word in enumerate(words):
        group = next((_LIMBS[form] for form in forms(word) if form in _LIMBS), None)
        before = words[position - 1] if position else ""
        if group and before in _CALLED:
            yield position - 1, group, before
        elif group and word not in _LIMBS:
            yield position, group, "both"


def _take_modifiers(words: list[str], kind: str) -> list[str]:
    """The accounts of the modifiers among some words, which are blanked."""
    found: list[str] = []
    while len(found) < _MOST_MODIFIERS and (match := best_match(words, range(len(words)), kind)):
        _blank(words, match.at)
        if match.entry.account not in found:
            found.append(match.entry.account)
    return found


def _blank(words: list[str], positions: Iterable[int]) -> None:
    """Take words away without moving the others."""
    for position in positions:
        words[position] = ""


def _actions(words: Sequence[str]) -> list[Match]:
    """The one or two actions of that alternative of a label which is best known: "punch/slap a person" is a slap."""
    readings = [_sequence(words, part) for part in _parts(words, range(len(words)), (OR,))]
    return min(filter(None, readings), key=lambda actions: -len(actions[0].at), default=[])


def _sequence(words: Sequence[str], span: range) -> list[Match]:
    """The first two different actions that are joined by a word such as "and"."""
    found: list[Match] = []
    for part in _parts(words, span, AND):
        starts = range(max(part.start, found[-1].at[-1] + 1), part.stop) if found else part
        match = best_match(words, starts, *HEADS, gap=ACTION_GAP)
        if match and match.entry not in [action.entry for action in found]:
            found.append(match)
    return found[:2]


def _parts(words: Sequence[str], span: range, dividers: Sequence[str]) -> Iterator[range]:
    begin = span.start
    for position in span:
        if words[position] in dividers:
            yield range(begin, position)
            begin = position + 1
    yield range(begin, span.stop)


def _with_gerund(name: str, action: Match, *, first_word: str) -> str:
    """The name with "throw" turned to "throwing", where an action begins with a verb in its base form."""
    if action.phrase not in action.entry.verbs or first_word != action.phrase.split()[0]:
        return name
    verb = re.compile(rf"(^|\b(?:and|then|while) ){first_word}\b", re.IGNORECASE)
    return verb.sub(lambda found: found[1] + gerund(first_word), name, count=1)


def _accounts(actions: Sequence[Match], sides: dict[str, str]) -> list[str]:
    """What the body does, with the sides of the label put to its limbs."""
    limbs: dict[str, str] = {}
    for limb, group in _PLACES.items():
        limb_of_side, opposite = _CALLED[sides.get(group, "one")]
        limbs |= {limb: f"{limb_of_side} {limb}", f"other {limb}": f"{opposite} {limb}"}
    return [action.entry.account.format_map(limbs) for action in actions]


def _grip(words: Sequence[str], account: str, *, after: int) -> list[str]:
    """How the hands hold what is named after the action, if they do it; a person is met by the whole body."""
    match = best_match(words, range(after, len(words)), "objects")
    if match is None:
        return []
    person = match.entry.name == "person"
    fits = not re.search("person|people", account) if person else re.search("hand|palm|finger|fist", account)
    return [match.entry.account] if fits else []


@cache
def _phrases() -> tuple[list[str], list[str]]:
    """All phrases of actions, and those of one word."""
    phrases = list(dict.fromkeys(phrase for entry in entries(*HEADS) for phrase in entry.phrases))
    return phrases, [phrase for phrase in phrases if " " not in phrase]


def _spelt_alike(words: Sequence[str]) -> tuple[str, ...]:
    """Up to three phrases of the bank that are spelt like the first words of a label or like one of them."""
    phrases, single = _phrases()
    close = difflib.get_close_matches(" ".join(words[:4])[:30], phrases, cutoff=_SPELT_ALIKE)
    for word in words[:3]:
        if len(word) > 2:
            close += difflib.get_close_matches(word[:20], single, cutoff=_SPELT_ALIKE)
    return tuple(dict.fromkeys(close))[:3]
