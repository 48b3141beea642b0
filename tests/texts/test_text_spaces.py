"""What every text space keeps to, what each of those that ship computes, and how one of your own is added."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from made_up_encoder import WIDTH, MadeUpEncoder
from safetensors.numpy import load

from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.recognizer.text_space import packed_state
from skeltext.texts.embedding import described, embed_classes, text_encoder
from skeltext.texts.registry import TEXT_SPACES, add_text_space, list_text_spaces, text_space
from skeltext.texts.space import ClassTexts, TextSpace, directions

ROOT = Path(__file__).resolve().parents[2]
SEEN, UNSEEN = dataset_named("ntu60").classes[:12], dataset_named("ntu60").classes[12:17]
TYPED = [ClassTexts(label=text) for text in ("juggling three balls", "Waving a large flag with both arms")]
every_space = pytest.mark.parametrize("name", list_text_spaces())


def space_named(name: str, *, kinds: Sequence[str] = ()) -> TextSpace:
    return text_space(name, {}, encoder=MadeUpEncoder(), kind="complete", kinds=kinds)


def classes(names: Sequence[str], space: TextSpace) -> list[ClassTexts]:
    return described("ntu60", names, kinds=space.kinds)


def fitted(name: str, *, kinds: Sequence[str] = ()) -> TextSpace:
    space = space_named(name, kinds=kinds)
    return space.fitted_on(classes(SEEN, space))


@every_space
def test_every_class_has_a_finite_row_of_its_own(name: str) -> None:
    space = fitted(name)
    asked = [*classes(UNSEEN, space), *TYPED]
    rows = space.encode(asked)
    assert rows.ndim == 2
    assert len(rows) == len(asked)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert (np.linalg.norm(rows, axis=1) > 0.5).all()
    assert len(np.unique(rows, axis=0)) == len(asked)


@every_space
def test_a_row_does_not_depend_on_its_neighbours(name: str) -> None:
    space = fitted(name)
    asked = [*classes(UNSEEN, space), *TYPED]
    rows = space.encode(asked)
    np.testing.assert_allclose(space.encode(asked[::-1]), rows[::-1], atol=1e-6)
    for one, row in zip(asked, rows, strict=True):
        np.testing.assert_allclose(space.encode([one]), row[None], atol=1e-6)


@every_space
def test_the_order_of_the_seen_classes_does_not_matter(name: str) -> None:
    space = space_named(name)
    seen = classes(SEEN, space)
    rows = [space.fitted_on(order).encode(TYPED) for order in (seen, seen[::-1], seen[5:] + seen[:5])]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])


@every_space
def test_fitting_leaves_the_space_as_it_was_and_does_not_change_it_twice(name: str) -> None:
    space = space_named(name)
    seen = classes(SEEN, space)
    first = space.fitted_on(seen)
    kept = {part: array.copy() for part, array in first.state.items()}
    assert not space.state
    first.fitted_on(seen[:4])
    assert first.state.keys() == kept.keys()
    for part, array in kept.items():
        np.testing.assert_array_equal(first.state[part], array)


@every_space
@pytest.mark.parametrize("kinds", [(), ("verb", "noun")], ids=["one kind", "two kinds"])
def test_what_was_fitted_comes_back_from_a_file_to_the_bit(name: str, kinds: tuple[str, ...]) -> None:
    if kinds and name == "lexical":
        pytest.skip("it reads many kinds at once")
    space = fitted(name, kinds=kinds)
    asked = [*classes(UNSEEN, space), *TYPED]
    again = space_named(name, kinds=kinds).with_state(load(packed_state(space)) if space.state else {})
    np.testing.assert_array_equal(again.encode(asked), space.encode(asked))


@every_space
def test_what_somebody_types_takes_the_place_of_every_kind(name: str) -> None:
    space = fitted(name)
    (typed,) = TYPED[:1]
    one = ClassTexts(label="anything", texts={space.kinds[0]: typed.label})
    every = ClassTexts(label="anything", texts=dict.fromkeys(space.kinds, typed.label))
    np.testing.assert_array_equal(space.encode([typed]), space.encode([one]))
    np.testing.assert_array_equal(space.encode([typed]), space.encode([every]))


@every_space
def test_no_space_needs_torch(name: str) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_text_spaces import fitted, TYPED
fitted({name!r}).encode(TYPED)
import json
print(json.dumps(sorted(sys.modules)))
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert not {"torch", "scipy", "sentence_transformers"} & set(json.loads(done.stdout))


def test_a_sentence_is_what_the_text_encoder_makes_of_it() -> None:
    space = space_named("sentence")
    asked = classes(UNSEEN, space)
    rows = space.encode(asked)
    np.testing.assert_array_equal(rows, MadeUpEncoder().encode([one.texts["complete"] for one in asked]))
    assert not space.fit(asked)


def test_centered_rows_are_directions_from_the_mean_direction_of_the_seen_classes() -> None:
    space = fitted("centered")
    plain = fitted("sentence")
    seen, unseen = (plain.encode(classes(names, plain)).astype(float) for names in (SEEN, UNSEEN))
    seen, unseen = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (seen, unseen))
    expected = unseen - seen.mean(axis=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(space.encode(classes(UNSEEN, space)), expected, atol=1e-6)
    assert (seen @ seen.T).mean() > 0.3  # which is what all have in common


def test_several_kinds_of_text_are_embedded_each_by_itself() -> None:
    both = fitted("centered", kinds=("verb", "noun"))
    rows = both.encode(classes(UNSEEN, both))
    assert rows.shape == (len(UNSEEN), 2, WIDTH)
    for number, kind in enumerate(("verb", "noun")):
        alone = text_space("centered", {}, encoder=MadeUpEncoder(), kind=kind)
        alone = alone.fitted_on(classes(SEEN, alone))
        np.testing.assert_array_equal(rows[:, number], alone.encode(classes(UNSEEN, alone)))
    assert both.encode(TYPED).shape == (len(TYPED), 2, WIDTH)


def test_a_table_needs_no_descriptions(tmp_path: Path) -> None:
    names = ["one", "two", "three"]
    table = np.random.default_rng(0).normal(size=(3, WIDTH)).astype(np.float32)
    np.save(tmp_path / "table.npy", table)
    encoder = text_encoder(str(tmp_path / "table.npy"), all_classes=names)
    space = text_space("sentence", {}, encoder=encoder, kind="complete")
    np.testing.assert_array_equal(embed_classes(space, "a set of nobody", names[::-1]), table[::-1])
    centered = text_space("centered", {}, encoder=encoder, kind="complete")
    centered = centered.fitted_on(described("a set of nobody", names[:2], kinds=centered.kinds))
    assert embed_classes(centered, "a set of nobody", names).shape == (3, WIDTH)
    with pytest.raises(SkeltextError, match=r"table.npy has one row for each class, but this method reads verb, noun"):
        text_space("sentence", {}, encoder=encoder, kind="complete", kinds=("verb", "noun"))


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("abacus", {}, "text space 'abacus' is not known; known are centered,.* sentence"),
        ("sentence", {"depth": 3}, "text space sentence has no option 'depth'; it has none"),
        ("sentence", {"kind": "verb"}, "text space sentence has no option 'kind'; it has none"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(name: str, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence) as caught:
        text_space(name, options, encoder=MadeUpEncoder(), kind="complete")
    assert "\n" not in str(caught.value)


def test_a_space_that_was_not_fitted_or_on_other_vectors_is_one_sentence() -> None:
    with pytest.raises(SkeltextError, match="the text space has no 'mean' that was fitted; train the model again"):
        space_named("centered").encode(TYPED)
    with pytest.raises(SkeltextError, match="vectors of 6 numbers, but the text space was fitted on vectors of 7"):
        space_named("centered").with_state({"mean": np.zeros(7)}).encode(TYPED)


@pytest.fixture
def own_space(tmp_path: Path) -> Iterator[Path]:
    """A space of somebody else, forgotten after the test; it is the one that the guide shows."""
    guide = (ROOT / "docs" / "text-spaces.md").read_text(encoding="utf-8")
    path = tmp_path / "initials.py"
    path.write_text(guide.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    yield path
    TEXT_SPACES.pop("initials", None)


def test_the_space_of_the_guide_is_one_file(own_space: Path) -> None:
    assert add_text_space(own_space) == "initials"
    assert "initials" in list_text_spaces()
    space = fitted("initials")
    rows = space.encode(classes(UNSEEN, space))
    assert rows.shape == (len(UNSEEN), 26)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    again = space_named("initials").with_state(space.state)
    np.testing.assert_array_equal(again.encode(TYPED), space.encode(TYPED))


def test_a_space_that_reads_many_kinds_is_no_match_for_a_method_that_reads_each_by_itself(own_space: Path) -> None:
    add_text_space(own_space)
    with pytest.raises(SkeltextError, match="initials reads name, complete at once, but this method reads verb, noun"):
        space_named("initials", kinds=("verb", "noun"))


@pytest.mark.parametrize("name", ["sentence", "centered"])
def test_a_class_of_two_authors_lies_between_their_texts(name: str) -> None:
    first, second = {"complete": "One hand swings."}, {"complete": "A palm sways."}
    other = ClassTexts(label="sit", texts={"complete": "The hips sink."})
    both = ClassTexts(label="wave", texts=first, others=(second,))
    alone = [ClassTexts(label="wave", texts=texts) for texts in (first, second)]
    space = text_space(name, {}, encoder=MadeUpEncoder(), kind="complete").fitted_on([other, both])
    rows, apart = directions(space.encode([other, both])), directions(space.encode(alone))
    np.testing.assert_allclose(rows[0], directions(space.encode([other]))[0], atol=1e-6)
    assert (apart @ rows[1]).min() > apart[0] @ apart[1]
    if name == "sentence":
        np.testing.assert_allclose(rows[1], directions(apart.mean(axis=0)), atol=1e-6)
