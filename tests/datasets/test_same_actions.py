"""Classes that mean the same: real names, one action each, the same answer from both sides."""

from __future__ import annotations

from itertools import permutations

import pytest

from skeltext.datasets.registry import dataset_named
from skeltext.datasets.same_actions import overlapping, same_action
from skeltext.datasets.tables import table
from skeltext.errors import SkeltextError

PAIRS = [("ntu60", "pku-mmd"), ("kinder-gator", "utd-mhad")]
ACTIONS = table("same_actions")["actions"]


def names(dataset: str) -> set[str]:
    """Every class name of every view."""
    return {name for view in dataset_named(dataset).views.values() for name in view.classes}


def test_the_table_holds_real_names_and_each_once() -> None:
    for pair in PAIRS:
        actions = [action for action in ACTIONS if tuple(action) == pair]
        for dataset in pair:
            listed = [name for action in actions for name in action[dataset]]
            assert len(listed) == len(set(listed))
            assert set(listed) <= names(dataset)
    assert {tuple(action) for action in ACTIONS} == set(PAIRS)


@pytest.mark.parametrize(("a", "b"), [order for pair in PAIRS for order in permutations(pair)])
def test_the_answer_is_the_same_from_both_sides(a: str, b: str) -> None:
    found = {name: other for name in names(a) if (other := same_action(a, name, b))}
    assert found
    for name, other in found.items():
        back = same_action(b, other, a)
        assert back is not None
        assert same_action(a, back, b) == other
        assert back == name or a == "kinder-gator"  # whose views have several names for one action
    assert set(overlapping(a, sorted(names(a)), b, sorted(names(b)))) == set(found)


def test_all_pku_classes_were_judged_and_three_have_no_counterpart() -> None:
    pku = dataset_named("pku-mmd").classes
    alone = [name for name in pku if same_action("pku-mmd", name, "ntu60") is None]
    assert alone == ["Bow", "Put something inside pocket", "Take out something from pocket"]
    about = " ".join(table("same_actions")["about"])
    assert all(name in about for name in alone)


def test_an_action_of_kinder_gator_has_all_the_classes_that_its_view_merges() -> None:
    dataset = dataset_named("kinder-gator")
    view = dataset.views["43"]
    for action in ACTIONS:
        if listed := action.get("kinder-gator"):
            merged = [dataset.classes[c] for c, of in enumerate(view.from_class) if view.classes[of] == listed[0]]
            assert set(listed) == {listed[0], *merged}
            for name in merged:
                assert same_action("kinder-gator", name, "utd-mhad") == action["utd-mhad"][0]


def test_overlapping_looks_at_the_classes_of_the_other_set() -> None:
    waves = ["bow", "wave a hand", "punch"]
    assert overlapping("kinder-gator", waves, "utd-mhad", ["right hand wave", "front boxing"]) == ["wave a hand"]
    assert overlapping("kinder-gator", waves, "utd-mhad", ["jogging"]) == []
    finest = dataset_named("kinder-gator").classes
    assert overlapping("utd-mhad", ["walking", "right hand wave"], "kinder-gator", finest) == [
        "walking",
        "right hand wave",
    ]


@pytest.mark.parametrize(
    ("a", "name", "b", "sentence"),
    [
        ("ntu60", "Clapping", "utd-mhad", "ntu60 and utd-mhad were not compared; those of kinder-gator with utd-mhad"),
        ("ntu60", "clap", "pku-mmd", "data set ntu60 has no class 'clap'; `skeltext describe ntu60` lists them"),
        ("ntu60", "Yawning", "pku-mmd", "data set ntu60 has no class 'Yawning'"),
    ],
)
def test_what_was_not_judged_is_one_sentence(a: str, name: str, b: str, sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        same_action(a, name, b)
    with pytest.raises(SkeltextError, match=sentence):
        overlapping(a, [name], b, dataset_named(b).classes[:2])


def test_a_class_that_is_not_there_is_one_sentence_on_either_side() -> None:
    with pytest.raises(SkeltextError, match="data set ntu60 has no class 'clap'"):
        overlapping("pku-mmd", ["Clapping"], "ntu60", ["clap"])
