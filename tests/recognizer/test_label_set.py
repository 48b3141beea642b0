"""Label sets: what people type, edits that return new sets, and files that come back as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exit_code import exit_code
from hypothesis import given, settings
from hypothesis import strategies as st
from wrist_model import acted, wrist_recognizer

from skeltext.errors import SkeltextError
from skeltext.formats.npz import write_npz
from skeltext.recognizer.example import Example
from skeltext.recognizer.label_set import Label, LabelSet
from skeltext.skeletons.layouts import NTU25

CLIP = acted("left", frames=30)
TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: text.strip() and "\0" not in text).map(str.strip)
SETS = st.builds(
    LabelSet,
    st.lists(
        st.builds(Label, TEXTS, st.lists(TEXTS, max_size=2, unique=True).map(tuple)),
        max_size=4,
        unique_by=lambda label: label.name,
    ).map(tuple),
    st.lists(TEXTS, max_size=2, unique=True).map(tuple),
)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["sit", " wave "], {"sit": [], "wave": []}),
        (["wave=hello", "sit", "wave = good=bye", "wave"], {"wave": ["hello", "good=bye"], "sit": []}),
        ({"wave": ["a ", "b", "a"], "sit": "c", "x": ()}, {"wave": ["a", "b"], "sit": ["c"], "x": []}),
        ({"a=b": "c"}, {"a=b": ["c"]}),
        ((), {}),
    ],
)
def test_what_people_type(typed: Any, expected: dict[str, list[str]]) -> None:
    found = LabelSet.of(typed)
    assert {label.name: list(label.texts) for label in found.labels} == expected
    assert found.names == tuple(expected)
    assert LabelSet.of(found) is found
    assert LabelSet.of(typed, negatives=["stand still"]).negatives == ("stand still",)
    assert LabelSet.of(found, negatives=["stand still"]).negatives == ("stand still",)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LabelSet.of(["sit", " "]), "one of the labels is empty"),
        (lambda: LabelSet.of({"sit": ["x", ""]}), "one of the labels is empty"),
        (lambda: LabelSet.of(["sit="]), "the label 'sit=' has no sentence after its sign ="),
        (lambda: LabelSet.of(["=sit"]), "one of the labels is empty"),
        (lambda: LabelSet.of(["sit"], negatives=[" "]), "one of the negatives is empty"),
        (lambda: LabelSet.of(["sit"]).with_negatives(""), "one of the negatives is empty"),
        (lambda: LabelSet((Label("sit"), Label("sit"))), "a label occurs twice"),
        (lambda: LabelSet.of(["sit"]).without("sit", "wave"), "there is no label 'wave' to leave out, only sit"),
        (lambda: LabelSet().with_examples(" ", [CLIP]), "the label of the examples is empty"),
        (lambda: LabelSet().with_examples("sit", []), "no example given for 'sit'"),
        (lambda: LabelSet().with_examples("sit", ["nowhere.npz"]), "nowhere.npz cannot be read"),
        (lambda: LabelSet.for_question(["sit"]), "1 label given, expected at least two"),
        (lambda: LabelSet.for_question(LabelSet.of([], negatives=["sit", "stand"])), "0 label given"),
    ],
)
def test_mistakes_are_one_sentence(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(SkeltextError, match=sentence):
        make()


def test_two_things_to_choose_among_are_asked_for_with_the_question_alone() -> None:
    one = LabelSet.of(["sit"])
    assert one.without("sit") == LabelSet()
    assert LabelSet.for_question(one.with_negatives("stand still")).names == ("sit",)


def test_edits_return_a_new_set() -> None:
    first = LabelSet.of(["sit"])
    edited = first.with_texts("wave", "waving", " waving ").with_examples(" sit ", [CLIP]).with_negatives("stand")
    assert first == LabelSet.of(["sit"])
    assert edited == LabelSet((Label("sit", (), (Example(CLIP),)), Label("wave", ("waving",))), ("stand",))
    assert edited.with_negatives("stand") == edited
    assert edited.without("sit").names == ("wave",)
    both = LabelSet.of(["wave=goodbye", "walk"]).joined(edited)
    assert (both.names, both.labels[0].texts) == (("wave", "walk", "sit"), ("goodbye", "waving"))
    for change in (lambda: setattr(edited, "labels", ()), lambda: setattr(edited.labels[0], "name", "x")):
        with pytest.raises(FrozenInstanceError):
            change()


def test_clips_are_compared_by_identity() -> None:
    one, other = (LabelSet().with_examples("sit", [clip]) for clip in (CLIP, replace(CLIP)))
    assert one == LabelSet().with_examples("sit", [CLIP])
    assert hash(one) == hash(LabelSet().with_examples("sit", [CLIP]))
    assert one != other


@settings(max_examples=60, deadline=None)
@given(labels=SETS)
def test_any_texts_come_back_from_a_file(labels: LabelSet, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("set") / "new" / "actions.json"
    labels.save(path)
    assert LabelSet.load(path) == labels
    assert [file.name for file in path.parent.iterdir()] == ["actions.json"]


def test_examples_come_back_from_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    write_npz(CLIP, tmp_path / "clips" / "left.npz")
    other = replace(acted("right", frames=20), fps=None, confidence=np.full((1, 20, NTU25.V), 0.5, np.float32))
    labels = (
        LabelSet.of({"wave": "waving"}, negatives=["standing still"])
        .with_examples("wave", [tmp_path / "clips" / "left.npz"])
        .with_examples("wave / ..", [other, replace(CLIP, source=str(tmp_path / "clips" / "left.npz"))])
    )
    path = tmp_path / "sets" / "actions.json"
    labels.save(path)
    content = json.loads(path.read_text())
    assert content["labels"]["wave"] == {"texts": ["waving"], "examples": ["../clips/left.npz"]}
    written = content["labels"]["wave / .."]["examples"]
    assert [file.rpartition("-")[0] for file in written] == ["actions.examples/wave"] * 2
    assert len(list((path.parent / "actions.examples").iterdir())) == 2
    (tmp_path / "sets").rename(tmp_path / "moved")
    back = LabelSet.load(tmp_path / "moved" / "actions.json")
    assert (back.names, back.negatives) == (labels.names, labels.negatives)
    for label, again in zip(labels.labels, back.labels, strict=True):
        for one, two in zip(label.examples, again.examples, strict=True):
            np.testing.assert_array_equal(one.clip.positions, two.clip.positions)
            np.testing.assert_array_equal(one.clip.confidence, two.clip.confidence)
            assert (one.clip.fps, one.clip.tracks, one.clip.layout) == (two.clip.fps, two.clip.tracks, two.clip.layout)
    before = (tmp_path / "moved" / "actions.json").read_text()
    back.save(tmp_path / "moved" / "actions.json")  # nothing is written twice
    assert (tmp_path / "moved" / "actions.json").read_text() == before
    assert len(list((tmp_path / "moved" / "actions.examples").iterdir())) == 2
    model = wrist_recognizer()
    rows = model.embed([CLIP, other])
    np.testing.assert_array_equal(model.scores(rows, labels), model.scores(rows, back))


def test_a_clip_that_changed_since_it_was_read_is_written_anew(tmp_path: Path) -> None:
    write_npz(CLIP, tmp_path / "left.npz")
    (example,) = LabelSet().with_examples("sit", [tmp_path / "left.npz"]).labels[0].examples
    half = replace(example.clip, positions=example.clip.positions[:, :9])
    LabelSet().with_examples("sit", [half]).save(tmp_path / "set.json")
    assert LabelSet.load(tmp_path / "set.json").labels[0].examples[0].clip.T == 9
    (tmp_path / "left.npz").unlink()
    LabelSet().with_examples("sit", [example]).save(tmp_path / "set.json")
    assert LabelSet.load(tmp_path / "set.json").labels[0].examples[0].clip.T == 30


def test_a_clip_in_a_layout_of_ones_own_cannot_be_kept(tmp_path: Path) -> None:
    own = replace(CLIP, layout=replace(NTU25, name="my own"))
    with pytest.raises(SkeltextError, match="an example of 'sit' is in layout my own, which is not registered"):
        LabelSet().with_examples("sit", [own]).save(tmp_path / "set.json")
    assert not list(tmp_path.iterdir())


WHOLE = {"format": "skeltext-labels", "version": 1, "labels": {"sit": {"texts": ["x"], "examples": ["no.npz"]}}}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("{", "is no undamaged JSON"),
        ("[" * 10**5, "is no undamaged JSON"),
        ("[1]", "is not a label set: it has no"),
        ('{"sit": "x"}', 'is not a label set: it has no "format": "skeltext-labels"'),
        (WHOLE | {"version": 2}, "it is of version 2, and this skeltext reads 1"),
        (WHOLE | {"negative": ["x"]}, "the file has the key 'negative', expected only format, version, labels"),
        (WHOLE | {"negatives": "x"}, '"negatives" is not a list of texts'),
        (WHOLE | {"negatives": [" "]}, '"negatives" is not a list of texts'),
        (WHOLE | {"labels": ["sit"]}, 'its "labels" are not an object'),
        (WHOLE | {"labels": {"sit": "x"}}, "the label 'sit' is not an object with"),
        (WHOLE | {"labels": {"sit": {"text": ["x"]}}}, "the label 'sit' has the key 'text', expected only texts"),
        (WHOLE | {"labels": {"sit": {"texts": [1]}}}, '"texts" is not a list of texts'),
        (WHOLE | {"labels": {"sit": {"examples": ["a\0b"]}}}, '"examples" is not a list of texts'),
        (WHOLE | {"labels": {" ": {}}}, "one of the labels is empty"),
        (WHOLE, r"set.json is not a label set that can be used: .*no.npz cannot be read"),
    ],
)
def test_damaged_and_other_files_are_one_sentence(content: object, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(SkeltextError, match=sentence) as raised:
        LabelSet.load(path)
    assert "set.json" in str(raised.value)
    with pytest.raises(SkeltextError, match=r"gone.json cannot be read"):
        LabelSet.load(tmp_path / "gone.json")


def test_a_file_written_by_hand_may_be_short(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text('{"format": "skeltext-labels", "version": 1, "labels": {"sit": {}, "wave": {"texts": ["x"]}}}')
    assert LabelSet.load(path) == LabelSet.of(["sit", "wave=x"])


def test_a_set_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    LabelSet.of(["sit"]).save(path)
    with pytest.raises(SkeltextError, match="which is not registered"):
        LabelSet().with_examples("x", [replace(CLIP, layout=replace(NTU25, name="my own"))]).save(path)
    assert LabelSet.load(path) == LabelSet.of(["sit"])


def test_plain_values(tmp_path: Path) -> None:
    write_npz(CLIP, tmp_path / "left.npz")
    labels = LabelSet.of(["wave=waving"], negatives=["x"]).with_examples("sit", [tmp_path / "left.npz", CLIP])
    found = labels.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found == {
        "labels": {
            "wave": {"texts": ["waving"], "examples": []},
            "sit": {"texts": [], "examples": [str(tmp_path / "left.npz"), None]},
        },
        "negatives": ["x"],
    }


def test_the_commands_read_and_write_label_sets(
    tiny_run: Path,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embed_offline(["shrug", "wave", "waving a hand", "standing still", "creep"])
    write_npz(CLIP, tmp_path / "clip.npz")
    monkeypatch.chdir(tmp_path)

    def said(*words: str) -> Any:
        assert exit_code([words[0], "clip.npz", "--model", str(tiny_run), *words[1:], "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    typed = ("--labels", "shrug", "wave=waving a hand", "--examples", "mine=clip.npz", "--negatives", "standing still")
    first = said("predict", *typed, "--save-label-set", "sets/actions.json")
    kept = LabelSet.load("sets/actions.json")
    assert (kept.names, kept.negatives) == (("shrug", "wave", "mine"), ("standing still",))
    assert json.loads(Path("sets/actions.json").read_text())["labels"]["mine"]["examples"] == ["../clip.npz"]
    again = said("predict", "--label-set", "sets/actions.json")
    assert again == first
    more = said("predict", "--label-set", "sets/actions.json", "--labels", "creep", "wave")
    assert {guess["label"] for guess in more["answers"][0]["guesses"]} == {"shrug", "wave", "mine", "creep"}
    (found,) = said("timeline", "--label-set", "sets/actions.json")["timelines"]
    assert found["labels"] == ["shrug", "wave", "mine"]
    assert said("explain", "--label-set", "sets/actions.json", "--of", "mine")["label"] == "mine"
    for wrong in (["--label-set", "clip.npz"], ["--label-set", "gone.json"], [], ["--negatives", "a", "b"]):
        assert exit_code(["predict", "clip.npz", "--model", str(tiny_run), *wrong]) == 2


def test_a_stream_reads_a_label_set(
    tiny_run: Path, embed_offline: Callable[[Sequence[str]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed_offline(["shrug", "creep"])
    LabelSet.of(["shrug", "creep"]).save(tmp_path / "set.json")
    frames = tmp_path / "frames.jsonl"
    frames.write_text("".join(f"{json.dumps(frame.astype(float).tolist())}\n" for frame in CLIP.positions[0]))
    words = ["stream", str(frames), "--model", str(tiny_run), "--label-set", str(tmp_path / "set.json"), "--json"]
    assert exit_code(words) == 0
    assert set(json.loads(capsys.readouterr().out.splitlines()[0])["probabilities"]) == {"shrug", "creep"}
