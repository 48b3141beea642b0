"""Every class of every data set is described, in all kinds, in words of its own."""

from __future__ import annotations

from collections import Counter

import pytest

from skeltext.datasets.registry import DATASETS
from skeltext.errors import SkeltextError
from skeltext.texts.descriptions import (
    KINDS,
    PARTS,
    class_text,
    class_texts,
    described_classes,
    described_sets,
    description,
)

LENGTHS = {"name": (2, 8), "complete": (20, 40), "skeleton": (45, 70), "part": (3, 15)}  # words


def words(dataset: str, name: str) -> dict[str, str]:
    """All texts of a class, the parts one by one."""
    found = description(dataset, name)
    assert tuple(sorted(found)) == tuple(sorted(KINDS))
    parts = found["parts"]
    assert isinstance(parts, dict)
    assert tuple(parts) == PARTS
    return {kind: str(found[kind]) for kind in KINDS if kind != "parts"} | {
        f"part {part}": parts[part] for part in PARTS
    }


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
        for kind in KINDS:
            assert len(class_texts(dataset, split.unseen, kind=kind)) == len(split.unseen)


@pytest.mark.parametrize("dataset", described_sets())
def test_no_two_classes_share_their_words(dataset: str) -> None:
    names = described_classes(dataset)
    for kind in ("complete", "skeleton", "parts"):
        texts = Counter(class_text(dataset, name, kind=kind).casefold() for name in names)
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


def test_a_set_that_borrows_has_the_classes_it_borrows() -> None:
    assert described_classes("ntu60") == described_classes("ntu120")[:60]
    assert set(described_classes("pku-mmd2")) == set(DATASETS["pku-mmd2"].classes) < set(described_classes("pku-mmd"))
    union = described_classes("kinect20")
    assert len(union) == len(set(union))
    assert set(DATASETS["kinect20"].classes) <= set(union)


@pytest.mark.parametrize(
    ("dataset", "name", "kind", "sentence"),
    [
        ("nothing", "Clapping", "complete", r"no descriptions of 'nothing' here; there are those of builtin, .*ntu60"),
        ("ntu60", "nothing", "complete", r"class 'nothing' of ntu60 has no description; `skeltext describe ntu60`"),
        ("ntu60", "Clapping", "nothing", r"texts of kind 'nothing' do not exist; the kinds are name, parts, complete"),
    ],
)
def test_what_is_not_there_is_one_sentence(dataset: str, name: str, kind: str, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        class_text(dataset, name, kind=kind)
    if dataset == "nothing":
        with pytest.raises(SkeltextError, match="no descriptions of 'nothing'"):
            described_classes(dataset)
