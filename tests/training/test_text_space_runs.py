"""Runs in a text space that is fitted: what it is fitted on, what is kept of it, and what it does to answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file
from training_data import Watcher

from skeltext.cli import main
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store import open_store
from skeltext.evaluation import confidence
from skeltext.evaluation.as_answered import AS_RECORDED, as_answered
from skeltext.evaluation.confidence import calibrate
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.formats.npz import write_npz
from skeltext.recognizer.card import Card, card_from_texts, card_texts, load_card
from skeltext.recognizer.export import export_onnx
from skeltext.recognizer.loading import sentence_encoder
from skeltext.recognizer.recognizer import Recognizer
from skeltext.recognizer.text_space import packed_state
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import RunFolder
from skeltext.runs.run import Run
from skeltext.texts.descriptions import class_texts, description
from skeltext.texts.embedding import text_encoder
from skeltext.texts.encoder import TextEncoder
from skeltext.texts.phrase_bank import describe_label
from skeltext.texts.registry import TEXT_SPACES
from skeltext.training.seen_data import card_and_texts
from skeltext.training.train_run import train_run

STATE = "text_space.safetensors"
BUILTIN = dataset_named("builtin").classes
LABELS = ["sit down", "juggle three balls", "take a bow"]
Configure = Callable[..., TrainingConfig]
Offline = Callable[[Sequence[str]], None]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def centered_run(tiny_config: Configure, made_up_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run in the space `centered`."""
    folder = tmp_path_factory.mktemp("runs") / "split-0_seed-0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKELTEXT_CACHE", str(made_up_cache))
        config = tiny_config(text_encoder="minilm", text_space="centered", epochs=2)
        train_run(config, RunFolder(folder), watcher=Watcher())
    return folder


def directions(names: Sequence[str]) -> np.ndarray:
    """What the text encoder makes of the descriptions of classes, as directions."""
    rows = text_encoder("minilm", all_classes=()).encode(class_texts("builtin", names, kind="complete")).astype(float)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_each_training_keeps_the_mean_of_the_classes_that_it_learns(centered_run: Path, embed_offline: Offline) -> None:
    run = Run.open(centered_run)
    assert len(run.parts) == 2
    for part in run.parts:
        card = load_card(part.folder.checkpoint)
        assert (card.text_space, card.text_kinds) == ("centered", ())
        mean = directions(part.split.seen).mean(axis=0)
        np.testing.assert_allclose(load_file(part.folder.checkpoint / STATE)["mean"], mean, atol=1e-7)
        expected = directions(part.split.unseen) - mean
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(part.embedded_classes(part.split.unseen), expected, atol=1e-6)


def test_such_a_run_is_evaluated_and_calibrated(
    centered_run: Path, embed_offline: Offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = class_texts("builtin", BUILTIN, kind="name")
    embed_offline([*names, *(describe_label(name).text for name in names)])
    run = Run.open(centered_run)
    result, answered = evaluate_run(run), as_answered(run)
    assert answered.labels["description"][0] == answered.layouts[AS_RECORDED] == result.table["plain"]["last"]
    states = []

    def told(card: Card) -> TextEncoder:
        states.append(card.text_space_state)
        return sentence_encoder(card)

    monkeypatch.setattr(confidence, "sentence_encoder", told)
    calibration, _ = calibrate(run)
    assert set(states) == {(run.folder.held_out.checkpoint / STATE).read_bytes()}  # that of the second training
    assert np.isfinite(calibration.temperature)


def described_in(path: Path, changed: str, embed_offline: Offline) -> Path:
    """A file of all descriptions, in which those of one class are others."""
    texts = {name: dict(description("builtin", name)) for name in BUILTIN}
    texts[changed] |= {"complete": "nothing like it", "skeleton": "altogether different", "name": "another"}
    path.write_text(json.dumps(texts), encoding="utf-8")
    embed_offline(class_texts("builtin", [changed], kind="complete", source=path))
    return path


@pytest.mark.parametrize("space", ["centered", "lexical"])
def test_no_text_of_an_unseen_class_has_a_say_in_what_is_fitted(
    tiny_config: Configure, embed_offline: Offline, tmp_path: Path, space: str
) -> None:
    def fitted(*, changed: str | None) -> list[bytes]:
        """Of the run and of its second training."""
        source = described_in(tmp_path / "texts.json", changed, embed_offline) if changed else None
        config = tiny_config(text_encoder="minilm", text_space=space, descriptions=source)
        run = Run.of(config, RunFolder(tmp_path / "nowhere"))
        return [packed_state(part.fitted_text_space()) for part in run.parts]

    run = Run.of(tiny_config(), RunFolder(tmp_path))
    assert run.held_out is not None
    before = fitted(changed=None)
    assert fitted(changed=run.split.unseen[0]) == before
    whole, second = fitted(changed=run.held_out.split.unseen[0])
    assert second == before[1]
    assert whole != before[0]
    whole, second = fitted(changed=run.held_out.split.seen[0])
    assert (whole != before[0], second != before[1]) == (True, True)


def test_the_command_predicts_in_the_space_and_an_exported_file_does_so_too(
    centered_run: Path,
    tiny_store: Path,
    tiny_run: Path,
    embed_offline: Offline,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embed_offline(LABELS)
    export_onnx(centered_run, tmp_path / "model.onnx")
    clip = open_store(tiny_store).clip(0)
    write_npz(clip, tmp_path / "clip.npz")
    found = []
    for model in (centered_run, tmp_path / "model.onnx"):
        with pytest.raises(SystemExit) as ended:
            main(
                [
                    "predict",
                    str(tmp_path / "clip.npz"),
                    "--model",
                    str(model),
                    "--json",
                    "--verbatim",
                    "--labels",
                    *LABELS,
                ]
            )
        assert not ended.value.code
        (answer,) = json.loads(capsys.readouterr().out)["answers"]
        found.append({guess["label"]: guess["score"] for guess in answer["guesses"]})
    np.testing.assert_allclose(*([scores[label] for label in LABELS] for scores in found), atol=1e-4)
    recognizer = Recognizer.load(centered_run)
    mean = load_file(centered_run / "checkpoint" / STATE)["mean"]
    rows = Recognizer.load(tiny_run).encoder.encode([recognizer.text_of(label) for label in LABELS]) - mean
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    expected = recognizer.model.scores(recognizer.embed([clip]), rows.astype(np.float32))
    np.testing.assert_allclose([found[0][label] for label in LABELS], expected[0], atol=1e-4)


def test_a_release_takes_what_was_fitted_along(centered_run: Path, embed_offline: Offline, tmp_path: Path) -> None:
    names = class_texts("builtin", BUILTIN, kind="name")
    embed_offline([*LABELS, *names, *(describe_label(name).text for name in names)])
    with pytest.raises(SystemExit) as ended:
        main(["release", str(centered_run), "--tested", str(centered_run), "--out", str(tmp_path / "out"), "--json"])
    assert not ended.value.code
    assert (tmp_path / "out" / STATE).read_bytes() == (centered_run / "checkpoint" / STATE).read_bytes()
    one, other = (Recognizer.load(path).encoder.encode(LABELS) for path in (centered_run, tmp_path / "out"))
    np.testing.assert_array_equal(one, other)
    assert "text_space: centered" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_several_kinds_of_text_have_a_space_each(
    tiny_config: Configure, tiny_store: Path, embed_offline: Offline, tmp_path: Path
) -> None:
    kinds = ("verb", "noun")
    for kind in kinds:
        embed_offline(class_texts("builtin", BUILTIN, kind=kind))
    embed_offline(LABELS)
    config = tiny_config(text_encoder="minilm", method="jpose", text_space="centered", epochs=1, pseudo_unseen=0.0)
    train_run(config, RunFolder(tmp_path / "run"), watcher=Watcher())
    run = Run.open(tmp_path / "run")
    assert set(load_file(run.folder.checkpoint / STATE)) == {f"{kind}/mean" for kind in kinds}
    assert run.embedded_classes(run.split.unseen).shape == (len(run.split.unseen), 2, 16)
    assert np.isfinite(evaluate_run(run).table["plain"]["last"])
    recognizer = Recognizer.load(tmp_path / "run")
    assert recognizer.encoder.encode(LABELS).shape == (len(LABELS), 2, 16)
    answer = recognizer.predict(open_store(tiny_store).clip(0), {"sit": LABELS[:2], "bow": LABELS[2:]})
    assert np.isfinite([guess.score for guess in answer.guesses]).all()


def test_a_space_of_another_width_than_the_text_encoder_goes_the_same_way(
    tiny_config: Configure, tiny_store: Path, embed_offline: Offline, tmp_path: Path
) -> None:
    config = tiny_config(
        text_encoder="minilm", text_space="lexical", text_space_options={"most": 9}, epochs=1, pseudo_unseen=0.0
    )
    train_run(config, RunFolder(tmp_path / "run"), watcher=Watcher())
    run = Run.open(tmp_path / "run")
    assert load_card(run.folder.checkpoint).model.text_width == 9
    assert run.embedded_classes(run.split.unseen).shape == (len(run.split.unseen), 9)
    assert np.isfinite(evaluate_run(run).table["plain"]["last"])
    export_onnx(tmp_path / "run", tmp_path / "model.onnx")
    embed_offline(LABELS)
    one, other = (Recognizer.load(path) for path in (tmp_path / "run", tmp_path / "model.onnx"))
    np.testing.assert_array_equal(one.encoder.encode(LABELS), other.encoder.encode(LABELS))
    a, b = (recognizer.predict(open_store(tiny_store).clip(0), LABELS) for recognizer in (one, other))
    assert [guess.label for guess in a.guesses] == [guess.label for guess in b.guesses]


def test_a_run_of_old_means_the_plain_sentence(tiny_config: Configure, embed_offline: Offline, tmp_path: Path) -> None:
    """Its settings and its card say nothing of a space: it goes on, is complete and answers as before."""
    config = tiny_config(text_encoder="minilm", epochs=1)
    train_run(config, RunFolder(tmp_path), watcher=Watcher())
    embed_offline(LABELS)
    before = Recognizer.load(tmp_path).encoder.encode(LABELS)
    plain = yaml.safe_load((tmp_path / "config.yaml").read_text(encoding="utf-8"))
    assert (plain.pop("text_space"), plain.pop("text_space_options")) == ("sentence", {})
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    for checkpoint in (tmp_path / "checkpoint", tmp_path / "pseudo-unseen" / "checkpoint"):
        card = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
        new = {"text_space", "text_space_options", "text_kinds", "text_space_state"}
        assert new <= card.keys()
        (checkpoint / "config.json").write_text(json.dumps({name: card[name] for name in card.keys() - new}))
    watcher = Watcher()
    train_run(config, RunFolder(tmp_path), watcher=watcher)
    assert not watcher.stages
    assert not (tmp_path / "checkpoint" / STATE).exists()
    np.testing.assert_array_equal(Recognizer.load(tmp_path).encoder.encode(LABELS), before)
    assert np.isfinite(evaluate_run(Run.open(tmp_path)).table["plain"]["last"])


def test_another_space_is_another_run(centered_run: Path, tiny_config: Configure) -> None:
    with pytest.raises(Exception, match="holds a run with other settings"):
        train_run(tiny_config(text_encoder="minilm", epochs=2), RunFolder(centered_run), watcher=Watcher())


OWN = """
import numpy as np
from skeltext.texts.space import TextSpace

class Halves(TextSpace):
    kinds = ("name",)
    def __init__(self, width: int = 3) -> None:
        self.width = width
    def encode(self, classes):
        lengths = np.array([len(one.text("name")) for one in classes])
        return (lengths[:, None] % np.arange(2, self.width + 2) + 1).astype(np.float32)
"""


def test_train_runs_the_file_of_a_space(
    tiny_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path))  # in which nothing is: no sentence is embedded
    (tmp_path / "halves.py").write_text(OWN, encoding="utf-8")
    words = ["train", "--store", str(tiny_store), "--epochs", "1", "--batch-size", "16", "--device", "cpu"]
    words += ["--encoder-options.hidden", "4", "--encoder-options.features", "16", "--pseudo-unseen", "0", "--json"]
    words += ["--text-space-options.width", "5", "--out", str(tmp_path / "runs"), "--text-space"]
    with pytest.raises(SystemExit, match="2"):
        main([*words, str(tmp_path / "absent.py")])
    assert "there is no Python file" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([*words, "abacus"])
    assert "text space 'abacus' is not known; known are centered" in capsys.readouterr().err
    try:
        with pytest.raises(SystemExit) as ended:
            main([*words, str(tmp_path / "halves.py")])
        assert not ended.value.code, capsys.readouterr().err
    finally:
        TEXT_SPACES.pop("halves", None)
    card = load_card(tmp_path / "runs" / "split-0_seed-0" / "checkpoint")
    assert (card.text_space, card.text_space_options, card.model.text_width) == ("halves", {"width": 5}, 5)


def test_a_run_learns_the_texts_of_all_authors_if_it_says_so(tmp_path: Path, embed_offline: Offline) -> None:
    """The settings decide, the card says it, and old cards have the first author alone."""
    config = TrainingConfig(dataset="kinect20", label_map=False)
    runs = [Run.of(replace(config, authors=who), RunFolder(tmp_path)) for who in ("first", "all")]
    names = runs[0].split.seen
    embed_offline(
        [text for who in ("first", "second") for text in class_texts("kinect20", names, kind="complete", author=who)]
    )
    (first, one), (both, two) = (card_and_texts(run) for run in runs)
    assert (first.authors, both.authors) == ("first", "all")
    assert first.labels == both.labels
    assert two.shape == one.shape
    assert not np.isclose(one, two, atol=1e-3).all(axis=1).any()
    old = json.loads(card_texts(first)["config.json"])
    del old["authors"]
    assert card_from_texts({**card_texts(both), "config.json": json.dumps(old)}).authors == "first"
