"""The lexical text space: terms, weights, the span of the seen classes, and labels that somebody types."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made_up_encoder import MadeUpEncoder

from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.texts.descriptions import description
from skeltext.texts.embedding import described, text_encoder
from skeltext.texts.registry import text_space
from skeltext.texts.space import ClassTexts, TextSpace
from skeltext.texts.spaces.lexical import terms, terms_of

NAMES = dataset_named("ntu60").classes
SEEN, UNSEEN = NAMES[:20], NAMES[20:26]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def fitted(seen: list[ClassTexts], **options: object) -> TextSpace:
    return text_space("lexical", options, encoder=MadeUpEncoder(), kind="complete").fitted_on(seen)


def of_ntu(names: tuple[str, ...]) -> list[ClassTexts]:
    space = text_space("lexical", {}, encoder=MadeUpEncoder(), kind="complete")
    return described("ntu60", names, kinds=space.kinds)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Raise BOTH arms", ["raise", "both", "arm", "raise both", "both arm"]),
        ("up, down; left: right. end", ["up", "down", "left", "right", "end"]),  # no pair across clauses
        ("the hand is in the air", ["hand", "air", "hand air"]),  # silent words lie in no pair
        ("it's 2 T-shirts", ["s", "t", "shirt", "s t", "t shirt"]),
        (
            "sing. singing. red. agreed. goes. buses. fly. slowly",
            ["sing", "sing", "red", "agre", "goe", "bus", "fly", "slow"],
        ),
        ("the and of", []),
        ("", []),
    ],
)
def test_terms_are_stems_and_pairs_of_a_clause(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_a_document_has_every_text_of_a_description_once() -> None:
    """By the entries of the description itself: name, complete, skeleton, six parts and three phases."""
    for name in SEEN[:5]:
        entry = description("ntu60", name)
        texts = [entry["name"], entry["complete"], entry["skeleton"]]
        texts += [*entry["parts"].values(), *entry["phases"].values()]  # type: ignore[union-attr]
        wanted = Counter(term for text in texts for term in terms(str(text)))
        (one,) = of_ntu((name,))
        assert Counter(terms_of(one)) == wanted
    assert Counter(terms_of(ClassTexts(label="wave wave a flag"))) == Counter(terms("wave wave a flag"))


def test_a_class_is_what_the_formulas_say() -> None:
    seen, unseen = of_ntu(SEEN), of_ntu(UNSEEN)
    documents = {one.label: Counter(terms_of(one)) for one in seen + unseen}
    words = sorted({term for one in seen for term in documents[one.label]})
    df = {word: sum(word in documents[one.label] for one in seen) for word in words}
    words = [word for word in words if " " not in word or df[word] > 1]  # pairs that classes have in common

    def weighted(classes: list[ClassTexts]) -> np.ndarray:
        return unit(
            np.array(
                [
                    [np.log(1 + documents[one.label][word]) * np.sqrt(np.log(len(seen) / df[word])) for word in words]
                    for one in classes
                ]
            )
        )

    def sentences(classes: list[ClassTexts]) -> np.ndarray:
        return unit(MadeUpEncoder().encode([one.texts["complete"] for one in classes]).astype(float))

    def joined(classes: list[ClassTexts]) -> np.ndarray:
        a = unit(weighted(classes) - weighted(seen).mean(axis=0))
        b = unit(sentences(classes) - sentences(seen).mean(axis=0))
        return unit(np.concatenate([a, 0.6 * b], axis=1))

    _, values, vectors = np.linalg.svd(joined(seen), full_matrices=False)
    basis = vectors[values > 1e-3 * values[0]]
    space = fitted(seen)
    for classes in (seen, unseen):
        rows, wanted = space.encode(classes), unit(joined(classes) @ basis.T)
        assert rows.shape == wanted.shape
        np.testing.assert_allclose(rows @ rows.T, wanted @ wanted.T, atol=1e-5)  # the signs of a basis are free


def test_the_seen_classes_keep_their_cosines_and_the_span_can_be_narrower() -> None:
    seen = of_ntu(SEEN)
    whole, narrow = fitted(seen), fitted(seen, most=4)
    assert whole.encode(seen).shape == (len(SEEN), len(SEEN))
    joined = whole._joined(sorted(seen, key=lambda one: one.label))  # type: ignore[attr-defined]
    rows = whole.encode(sorted(seen, key=lambda one: one.label))
    np.testing.assert_allclose(rows @ rows.T, joined @ joined.T, atol=1e-5)
    assert narrow.encode(seen).shape == (len(SEEN), 4)


SMALL = [
    ClassTexts(label="wave", texts={"name": "wave", "complete": "wave. the left hand swings"}),
    ClassTexts(label="kick", texts={"name": "kick", "complete": "kick. the left foot swings"}),
    ClassTexts(label="nod", texts={"name": "nod", "complete": "nod. the head sinks"}),
]


def test_a_typed_label_is_near_the_classes_whose_words_it_has() -> None:
    space = fitted(SMALL, share=0.0)
    seen = space.encode(SMALL)
    typed = space.encode([ClassTexts(label=text) for text in ("Waving hands", "feet that kick", "the nodding head")])
    assert (typed @ seen.T).argmax(axis=1).tolist() == [0, 1, 2]
    assert (typed @ seen.T).max(axis=1).min() > 0.8


def test_a_text_without_a_known_word_is_its_sentence_alone() -> None:
    space = fitted(SMALL)
    one, other = space.encode([ClassTexts(label=text) for text in ("juggle", "yodel")])
    assert np.abs(one - other).max() > 0.01
    assert np.isfinite([one, other]).all()
    assert (fitted(SMALL, share=0.0).encode([ClassTexts(label="juggle")]) == 0).all()


def test_what_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "table.npy", np.ones((2, 3), np.float32))
    table = text_encoder(str(tmp_path / "table.npy"), all_classes=["a", "b"])
    with pytest.raises(SkeltextError, match=r"text space lexical reads the texts of a class, but .*npy is a table"):
        text_space("lexical", {}, encoder=table, kind="complete")
    with pytest.raises(SkeltextError, match="text space lexical cannot be built with share=-1: expected a share"):
        fitted(SMALL, share=-1)
    with pytest.raises(SkeltextError, match=r"lexical reads name, complete, .* but this method reads verb, noun each"):
        text_space("lexical", {}, encoder=MadeUpEncoder(), kind="complete", kinds=("verb", "noun"))


def test_the_document_of_a_class_has_the_texts_of_all_its_authors() -> None:
    again = {"name": "greet", "complete": "greet. an open palm sways"}
    both = ClassTexts(label="wave", texts=SMALL[0].texts, others=(again,))
    alone = [ClassTexts(label="wave", texts=texts) for texts in (SMALL[0].texts, again)]
    assert Counter(terms_of(both)) == Counter(terms_of(alone[0])) + Counter(terms_of(alone[1]))
    space = fitted([both, *SMALL[1:]])
    seen = space.encode([both, *SMALL[1:]])
    for one in alone:  # either pen comes home
        assert (space.encode([one]) @ seen.T).argmax() == 0
    words = fitted([both, *SMALL[1:]], share=0.0)
    typed = words.encode([ClassTexts(label="a palm that sways")])
    assert (typed @ words.encode([both, *SMALL[1:]]).T).argmax() == 0
    assert (fitted(SMALL, share=0.0).encode([ClassTexts(label="a palm that sways")]) == 0).all()
