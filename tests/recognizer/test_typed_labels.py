"""What takes the place of labels that somebody types: learned in a training, kept, shown, and switched off."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from wrist_model import wrist_recognizer

from skeltext.cli import main
from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation.as_answered import as_answered
from skeltext.formats.npz import write_npz
from skeltext.progress import ProgressBars
from skeltext.recognizer.answer import Answer
from skeltext.recognizer.card import load_card
from skeltext.recognizer.export import export_onnx
from skeltext.recognizer.label_set import Label, LabelSet
from skeltext.recognizer.model import unit
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.table import answer_lines, guess_table
from skeltext.recognizer.text_space import TypedTexts
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.skeletons.clip import Clip
from skeltext.texts.descriptions import class_text
from skeltext.texts.phrase_bank import describe_label
from skeltext.training.train_run import train_run

FILE = "label_map.safetensors"
Offline = Callable[[Sequence[str]], None]
TYPED = ["stir a pot", "fold a towel"]
LONG = "one hand goes round and round above the hips"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def recognizer(tiny_run: Path, embed_offline: Offline) -> Recognizer:
    embed_offline([*TYPED, LONG, "standing still", "a sentence of my own"])
    return Recognizer.load(tiny_run)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return builtin_clip(action=0, subject=0, repetition=0)


def sources(answer: Answer) -> dict[str, str]:
    return {guess.label: guess.source for guess in answer.guesses}


def shown(answer: Answer) -> str:
    console = Console(width=300)
    with console.capture() as capture:
        console.print(guess_table(answer.guesses))
    return capture.get() + "\n".join(answer_lines(answer))


def test_a_training_keeps_a_map_of_what_it_learns_and_of_nothing_that_is_unseen(
    tiny_run: Path, embed_offline: Offline
) -> None:
    run = Run.open(tiny_run)
    assert run.held_out is not None
    for part in run.parts:
        encoder = Recognizer.load(part.folder.path).encoder
        assert isinstance(encoder, TypedTexts)
        assert encoder.label_map is not None
        known = encoder.label_map.state["names"].tobytes().decode().casefold().split("\n")
        assert set(known) > {name.casefold() for name in part.split.seen}
        assert set(known).isdisjoint(name.casefold() for name in part.split.unseen)
        assert (part.folder.checkpoint / FILE).stat().st_size < 1e6


def test_a_training_may_do_without(
    tiny_config: Callable[..., TrainingConfig], embed_offline: Offline, tmp_path: Path
) -> None:
    plain = tiny_config(epochs=1, pseudo_unseen=0.0)
    for name, config in {"table": plain, "off": replace(plain, text_encoder="minilm", label_map=False)}.items():
        train_run(config, RunFolder(tmp_path / name), watcher=ProgressBars(quiet=True))
        assert not (tmp_path / name / "checkpoint" / FILE).exists()
        assert not load_card(tmp_path / name / "checkpoint").label_map
    assert Recognizer.load(tmp_path / "off").wording(Label("stir a pot")).source == "as typed"


def test_every_label_has_its_source(recognizer: Recognizer, clip: Clip) -> None:
    known = dataset_named("builtin").classes[3]
    labels = LabelSet.of({"mine": "a sentence of my own"}).joined(LabelSet.of([known.upper(), *TYPED, LONG]))
    labels = labels.with_examples("shown", [clip])
    answer = recognizer.predict(clip, labels)
    assert sources(answer) == {
        "mine": "described",
        known.upper(): "described",
        TYPED[0]: "mapped",
        TYPED[1]: "mapped",
        LONG: "as typed",
        "shown": "examples",
    }
    texts = {guess.label: guess.text for guess in answer.guesses}
    assert texts[known.upper()] == class_text("builtin", known, kind="complete")
    assert texts[TYPED[0]] == describe_label(TYPED[0]).text
    assert texts["shown"] == ""
    for guess in answer.guesses:
        assert len(guess.nearest) == (2 if guess.source == "mapped" else 0)
    best = next(guess for guess in answer.guesses if guess.label == TYPED[0])
    plain = json.loads(json.dumps(best.to_dict()))
    assert plain["nearest"][0] == {"action": best.nearest[0].action, "similarity": best.nearest[0].similarity}
    assert plain["nearest"][0]["similarity"] >= plain["nearest"][1]["similarity"]


def test_a_mapped_label_is_scored_by_the_map(recognizer: Recognizer, clip: Clip) -> None:
    assert recognizer.label_map is not None
    embedded = recognizer.embed([clip])
    expected = recognizer.model.scores(embedded, recognizer.label_map.encode(TYPED))
    np.testing.assert_allclose(recognizer.scores(embedded, TYPED), expected, atol=1e-6)
    as_typed = recognizer.scores(embedded, LabelSet.of(TYPED, verbatim=True))
    np.testing.assert_allclose(as_typed, recognizer.model.scores(embedded, recognizer.encoder.encode(TYPED)), atol=1e-6)
    assert not np.allclose(expected, as_typed, atol=1e-4)


def test_short_negatives_are_mapped_as_labels_are(recognizer: Recognizer, clip: Clip) -> None:
    embedded = recognizer.embed([clip])
    asked = LabelSet.of(TYPED, ["standing still"])
    both = recognizer.scores(embedded, LabelSet.of([*TYPED, "standing still"]))
    np.testing.assert_allclose(recognizer.scores(embedded, asked), both, atol=1e-6)
    sentence = recognizer.scores(embedded, replace(asked, verbatim=True))
    assert not np.allclose(sentence[0, 2], both[0, 2], atol=1e-4)


def test_what_a_label_was_taken_for_is_printed(recognizer: Recognizer, clip: Clip) -> None:
    mapped = shown(recognizer.predict(clip, TYPED))
    near = recognizer.wording(Label(TYPED[0])).nearest[0]
    assert (
        f"{TYPED[0]} was taken for: {describe_label(TYPED[0]).text} Near: {near.action} ({near.similarity:.2f})"
        in mapped
    )
    assert "Names were mapped to likely descriptions; a description beside each name" in mapped
    as_typed = shown(recognizer.predict(clip, LabelSet.of(TYPED, verbatim=True)))
    assert "as typed" in as_typed
    assert "taken for" not in as_typed
    assert "Words were taken as they are" in as_typed


def test_a_text_encoder_of_your_own_reads_labels_as_they_are() -> None:
    answers = wrist_recognizer().predict(builtin_clip(action=0, subject=0, repetition=0), ["left hand", "right hand"])
    assert set(sources(answers).values()) == {"as typed"}


def test_verbatim_belongs_to_a_label_set(tmp_path: Path) -> None:
    labels = LabelSet.of(["wave", "sit"], verbatim=True)
    assert labels != LabelSet.of(["wave", "sit"])
    edited = labels.with_texts("wave", "a hand waves").with_negatives("standing").without("sit")
    assert edited.verbatim
    assert LabelSet.of(["walk"]).joined(labels).verbatim
    edited.save(tmp_path / "labels.json")
    assert LabelSet.load(tmp_path / "labels.json") == edited
    assert LabelSet.of(labels, ["still"]).verbatim
    plain = json.loads((tmp_path / "labels.json").read_text())
    (tmp_path / "labels.json").write_text(json.dumps(plain | {"verbatim": "yes"}))
    with pytest.raises(SkeltextError, match=r"\"verbatim\" is 'yes', expected true or false"):
        LabelSet.load(tmp_path / "labels.json")
    LabelSet.of(["wave"]).save(tmp_path / "usual.json")
    assert "verbatim" not in json.loads((tmp_path / "usual.json").read_text())


def test_the_commands_map_labels_unless_they_are_told_not_to(
    recognizer: Recognizer, tiny_run: Path, clip: Clip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clips").mkdir()
    write_npz(clip, tmp_path / "clips" / "clip.npz")
    file, model = str(tmp_path / "clips" / "clip.npz"), ["--model", str(tiny_run), "--json"]
    asked = ["--labels", *TYPED]

    def said(*words: str) -> dict[str, object]:
        with pytest.raises(SystemExit) as ended:
            main([*words, *model])
        out, err = capsys.readouterr()
        assert not ended.value.code, err
        return dict(json.loads(out))

    commands = {
        "predict": ["predict", file, *asked],
        "timeline": ["timeline", file, *asked, "--window", "1"],
        "explain": ["explain", file, *asked, "--of", TYPED[0]],
        "search": ["search", TYPED[0], str(tmp_path / "clips")],
    }
    for words in commands.values():
        assert said(*words) != said(*words, "--verbatim")
    (answer,) = said(*commands["predict"])["answers"]  # type: ignore[misc]
    assert {guess["source"] for guess in answer["guesses"]} == {"mapped"}


def test_a_map_that_is_not_there_or_of_another_model_is_one_sentence(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run / "checkpoint", tmp_path / "copy")
    (tmp_path / "copy" / FILE).write_bytes(b"something else")
    with pytest.raises(SkeltextError, match=r"label_map.safetensors is missing, damaged or of another model"):
        load_card(tmp_path / "copy")
    (tmp_path / "copy" / FILE).unlink()
    with pytest.raises(SkeltextError, match=r"label_map.safetensors is missing"):
        load_card(tmp_path / "copy")


def test_the_evaluation_measures_mapped_labels(tiny_run: Path, embed_offline: Offline) -> None:
    names = [class_text("builtin", name, kind="name") for name in dataset_named("builtin").classes]
    embed_offline(names)
    assert list(as_answered(Run.open(tiny_run)).labels) == [
        "description",
        "name",
        "proposed text",
        "typed label, mapped",
    ]


def test_an_exported_model_maps_labels_as_its_run_does(
    recognizer: Recognizer, tiny_run: Path, clip: Clip, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    export_onnx(tiny_run, tmp_path / "model.onnx")
    exported = Recognizer.load(tmp_path / "model.onnx")
    (own, theirs) = (sorted(one.predict(clip, TYPED).guesses, key=str) for one in (recognizer, exported))
    assert [replace(guess, score=0, probability=0) for guess in theirs] == [
        replace(guess, score=0, probability=0) for guess in own
    ]
    for one, other in zip(theirs, own, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)


def test_the_name_of_a_described_label_counts_where_it_is_an_action(recognizer: Recognizer, clip: Clip) -> None:
    assert recognizer.label_map is not None
    embedded, said = recognizer.embed([clip]), "a sentence of my own"
    alone = recognizer.encoder.encode([said])[0]
    mapped = recognizer.label_map.encode(["stir a pot"])[0]

    def scores(label: str, *, verbatim: bool = False) -> np.ndarray:
        return recognizer.scores(embedded, LabelSet.of({label: said}, verbatim=verbatim))

    def of(row: np.ndarray) -> np.ndarray:
        return recognizer.model.scores(embedded, row[None])

    both = unit(alone) + unit(mapped)
    np.testing.assert_allclose(scores("stir a pot"), of(np.linalg.norm(alone) * unit(both)), atol=1e-5)
    assert not np.allclose(scores("stir a pot"), of(alone), atol=1e-4)
    for label in ("class 7", LONG):  # no name of an action
        np.testing.assert_allclose(scores(label), of(alone), atol=1e-5)
    np.testing.assert_allclose(scores("stir a pot", verbatim=True), of(alone), atol=1e-5)


def test_a_doubt_whether_a_label_was_understood_is_said(
    recognizer: Recognizer, clip: Clip, embed_offline: Offline
) -> None:
    typed = ["stir a pot", "strech", "not moving", "fold a towel"]
    embed_offline(typed)
    answer = recognizer.predict(clip, typed)
    hints = {guess.label: guess.hint for guess in answer.guesses}
    assert (hints["stir a pot"], hints["fold a towel"]) == ("", "")
    assert hints["strech"].startswith("did you mean stretch")
    assert "a negation is not understood" in hints["not moving"]
    assert f"strech: {hints['strech']}" in shown(answer)
    assert json.loads(json.dumps(answer.to_dict()))["guesses"][0]["hint"] == answer.guesses[0].hint


def test_names_beside_descriptions_are_warned_of(recognizer: Recognizer, clip: Clip) -> None:
    warning = "Some of the labels are described and the others are names alone"
    described = dict.fromkeys(TYPED, "a sentence of my own")
    assert warning in shown(recognizer.predict(clip, described | {TYPED[1]: ()}))
    assert warning not in shown(recognizer.predict(clip, described))
    assert warning not in shown(recognizer.predict(clip, TYPED))
