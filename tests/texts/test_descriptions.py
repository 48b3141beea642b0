"""Every class of every data set is described, in all kinds, in words of its own."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from skeltext.datasets.registry import DATASETS
from skeltext.errors import SkeltextError
from skeltext.texts.description_file import ENTRIES, KINDS, PARTS, PHASES, WORDS, DescriptionFile
from skeltext.texts.descriptions import (
    class_text,
    class_texts,
    described_classes,
    described_sets,
    description,
)
from skeltext.texts.embedding import described

LENGTHS = {  # words
    **{"name": (2, 8), "complete": (20, 40), "skeleton": (45, 70), "part": (3, 15)},
    **{"verb": (1, 4), "noun": (1, 5), "phase": (3, 15)},
}
BODY = ("head", "hands", "torso", "legs")


def words(dataset: str, name: str) -> dict[str, str]:
    """All texts of a class, the parts and the phases one by one."""
    found = description(dataset, name)
    assert tuple(found) == ENTRIES
    parts, phases = found["parts"], found["phases"]
    assert isinstance(parts, dict)
    assert isinstance(phases, dict)
    assert (tuple(parts), tuple(phases)) == (PARTS, PHASES)
    return (
        {entry: text for entry, text in found.items() if isinstance(text, str)}
        | {f"part {part}": text for part, text in parts.items()}
        | {f"phase {phase}": text for phase, text in phases.items()}
    )


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_class_of_every_view_is_described(dataset: str) -> None:
    for view in DATASETS[dataset].views.values():
        for name in view.classes:
            for kind, text in words(dataset, name).items():
                low, high = LENGTHS[kind.partition(" ")[0]]
                assert low <= len(text.split()) <= high, (name, kind, text)
                assert text == " ".join(text.split()), (name, kind, text)
                assert text.isascii(), (name, kind, text)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_split_finds_its_classes(dataset: str) -> None:
    known = set(described_classes(dataset))
    for split in DATASETS[dataset].splits.values():
        assert {*split.seen, *split.unseen} <= known
        for kind in (*KINDS, *WORDS, *BODY, *PHASES):
            assert len(class_texts(dataset, split.unseen, kind=kind)) == len(split.unseen)


@pytest.mark.parametrize("dataset", described_sets())
def test_no_two_classes_share_their_words(dataset: str) -> None:
    names = described_classes(dataset)
    for kind in ("complete", "skeleton", "parts"):
        texts = Counter(class_text(dataset, name, kind=kind).casefold() for name in names)
        assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_two_classes_of_a_view_share_verb_and_noun_or_all_phases(dataset: str) -> None:
    for view in DATASETS[dataset].views.values():
        for kinds in (WORDS, PHASES):
            texts = Counter(zip(*(class_texts(dataset, view.classes, kind=kind) for kind in kinds), strict=True))
            assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize("dataset", described_sets())
def test_the_texts_are_what_they_are_called(dataset: str) -> None:
    for name in described_classes(dataset):
        texts = words(dataset, name)
        assert not texts["name"].endswith("."), name
        for kind in ("complete", "skeleton"):
            assert texts[kind].endswith("."), (name, kind)
            assert texts[kind][0].isupper(), (name, kind)
        assert texts["complete"] != texts["skeleton"], name
        for clause in (*WORDS, *(f"phase {phase}" for phase in PHASES)):
            assert texts[clause] == texts[clause].lower(), (name, clause)
            assert not texts[clause].endswith((".", ";", ",")), (name, clause)


def test_the_text_that_is_embedded_starts_with_the_name() -> None:
    found = description("utd-mhad", DATASETS["utd-mhad"].classes[0])
    texts = {kind: class_text("utd-mhad", DATASETS["utd-mhad"].classes[0], kind=kind) for kind in KINDS}
    assert texts["name"] == found["name"]
    assert texts["complete"] == f"{found['name']}. {found['complete']}"
    assert texts["skeleton"] == f"{found['name']}. {found['skeleton']}"
    parts = found["parts"]
    assert isinstance(parts, dict)
    assert texts["parts"].startswith(f"{found['name']}. Head: {parts['head']}. Hand: ")
    assert [texts["parts"].index(f" {part.capitalize()}: ") for part in PARTS] == sorted(
        texts["parts"].index(f" {part.capitalize()}: ") for part in PARTS
    )


def test_a_text_for_a_method_stands_alone() -> None:
    found = description("utd-mhad", "jogging")
    parts, phases = found["parts"], found["phases"]
    assert isinstance(parts, dict)
    assert isinstance(phases, dict)
    texts = {kind: class_text("utd-mhad", "jogging", kind=kind) for kind in (*WORDS, *BODY, *PHASES)}
    assert texts == {
        "verb": "jog",
        "noun": "feet",
        "head": parts["head"],
        "hands": f"{parts['hand']}; {parts['arm']}",
        "torso": parts["hip"],
        "legs": f"{parts['leg']}; {parts['foot']}",
        **phases,
    }


@pytest.mark.parametrize(
    ("name", "verb", "noun"),
    [
        ("Drink water", "drink", "water"),
        ("Wear on glasses", "put on", "glasses"),
        ("Taking a selfie", "take", "self photo"),  # the published table has these two the other way round
        ("Taking a photo of other person", "take", "photo"),
        ("Sitting down", "sit down", "body"),  # which has no noun there
    ],
)
def test_verbs_and_nouns_of_ntu_are_the_published_ones(name: str, verb: str, noun: str) -> None:
    assert [class_text("ntu120", name, kind=kind) for kind in WORDS] == [verb, noun]


def test_a_set_that_borrows_has_the_classes_it_borrows() -> None:
    assert described_classes("ntu60") == described_classes("ntu120")[:60]
    assert set(described_classes("pku-mmd2")) == set(DATASETS["pku-mmd2"].classes) < set(described_classes("pku-mmd"))
    union = described_classes("kinect20")
    assert len(union) == len(set(union))
    assert set(DATASETS["kinect20"].classes) <= set(union)


@pytest.mark.parametrize(
    ("dataset", "name", "kind", "sentence"),
    [
        (
            "nothing",
            "Clapping",
            "complete",
            r"no descriptions of 'nothing' here; there are those of bandai-namco-more, ",
        ),
        ("ntu60", "nothing", "complete", r"class 'nothing' of ntu60 has no description; `skeltext describe ntu60`"),
        ("ntu60", "Clapping", "nothing", r"texts of kind 'nothing' do not exist; the kinds are name, parts, complete"),
        ("ntu60", "Clapping", "phases", r"texts of kind 'phases' do not exist; the kinds are .*, start, middle, end"),
    ],
)
def test_what_is_not_there_is_one_sentence(dataset: str, name: str, kind: str, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        class_text(dataset, name, kind=kind)
    if dataset == "nothing":
        with pytest.raises(SkeltextError, match="no descriptions of 'nothing'"):
            described_classes(dataset)


def test_the_second_author_describes_the_classes_of_the_first_in_other_words() -> None:
    again = described_classes("kinect20", author="second")
    assert set(DATASETS["kinect20"].classes) <= set(again) <= set(described_classes("kinect20"))
    for name in again:
        for kind in ("name", "complete", "skeleton", "hands", "start"):
            one, other = (class_texts("kinect20", [name], kind=kind, author=who)[0] for who in ("first", "second"))
            assert one.casefold() != other.casefold(), (name, kind)


def test_files_of_the_second_author_are_whole_and_of_ours() -> None:
    folder = Path(str(files("skeltext.texts").joinpath("descriptions", "second-author")))
    names = {path.stem for path in folder.iterdir()}
    assert "kinect20" in names
    for path in folder.iterdir():
        for entry in DescriptionFile.read(path).texts.values():
            assert set(entry) == {"name", "parts", "complete", "skeleton", "verb", "noun", "phases"}


def test_classes_that_one_author_describes_are_unchanged_by_the_other() -> None:
    assert described("ntu60", ["Clapping"], kinds=["name"], authors="all") == described(
        "ntu60", ["Clapping"], kinds=["name"]
    )
    (once,) = described("kinect20", ["walk"], kinds=["name", "verb"])
    (twice,) = described("kinect20", ["walk"], kinds=["name", "verb"], authors="all")
    assert (once.texts, once.others) == (twice.texts, ())
    assert [one.text("verb") for one in twice.by_author] == ["walk", "stroll"]
