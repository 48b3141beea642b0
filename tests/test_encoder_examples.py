"""The examples of encoders and of a head with a closed form: they are right, they train by command, and they learn."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import lstsq

import skeltext
from skeltext.benchmark.recipes import own_recipe
from skeltext.cli import app, main
from skeltext.datasets.store import open_store
from skeltext.encoders.registry import ENCODERS
from skeltext.methods.method import Batch, Method
from skeltext.methods.registry import METHODS
from skeltext.recognizer.export import export_onnx
from skeltext.skeletons.layouts import NTU25

ROOT = Path(__file__).resolve().parents[1]
TRANSFORMER, DESCRIPTOR, RIDGE = (
    ROOT / "examples" / f"{name}.py" for name in ("transformer_encoder", "kinematic_descriptor", "closed_form_ridge")
)
DOCS = ROOT / "docs" / "encoders.md"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What a test adds is not known to the next."""
    yield
    for table, path in ((ENCODERS, TRANSFORMER), (ENCODERS, DESCRIPTOR), (METHODS, RIDGE)):
        table.pop(path.stem, None)  # type: ignore[attr-defined]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """A command in this process, and the JSON object that it prints."""

    def run(*words: object) -> Any:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*map(str, words), "--json"])
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    return run


def last(evaluation: Any) -> float:
    """The share of clips that are recognized after the last epoch, without alignment."""
    return float(evaluation["plain"]["last"])


def test_the_docs_say_what_the_files_do() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    assert RIDGE.with_suffix(".yaml").read_text(encoding="utf-8") in docs
    excerpts = re.findall(r"```python\n(.*?)```", docs, flags=re.DOTALL)
    assert len(excerpts) == 3
    for path, excerpt in zip((TRANSFORMER, DESCRIPTOR, RIDGE), excerpts, strict=True):
        assert excerpt in path.read_text(encoding="utf-8")
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 75
    for target in re.findall(r"\]\(([^)#]+)\)", docs):
        assert (DOCS.parent / target).exists(), target
    for file in re.findall(r"`((?:src/skeltext/)?[a-z_]+/[a-z_/]+\.py)`", docs):
        assert (ROOT / file).exists() or (ROOT / "src" / "skeltext" / file).exists(), file
    lines = [line for block in re.findall(r"```sh\n(.*?)```", docs, flags=re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 4
    for line in lines:
        assert app.parse_args(shlex.split(line)[1:], exit_on_error=False), line


def test_they_import_no_more_than_the_docs_tell_to_read() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    for path in (TRANSFORMER, DESCRIPTOR, RIDGE):
        modules = re.findall(r"^from skeltext\.([a-z_.]+) import", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert all(f"{module.replace('.', '/')}.py`" in docs for module in modules)


def test_the_transformer_knows_joints_and_the_order_of_frames() -> None:
    encoder: Any = ENCODERS[skeltext.add_encoder(TRANSFORMER)]
    torch.manual_seed(0)
    encoder = encoder(layout=NTU25, features=16, every=1).eval()
    clips = torch.randn(2, 3, 8, 25, 1)
    features = encoder(clips)
    for changed in (clips.flip(2), clips.flip(3)):
        assert (encoder(changed) - features).abs().max() > 1e-3
    with pytest.raises(ValueError, match="features 12 and heads 4, expected features that 2 x heads divide"):
        ENCODERS["transformer_encoder"](layout=NTU25, features=12)  # type: ignore[call-arg]


def described(clips: np.ndarray) -> np.ndarray:
    """(N, F, V) by the descriptor with two segments: spread, then mean place and mean speed of each half."""
    encoder: Any = ENCODERS[skeltext.add_encoder(DESCRIPTOR)](layout=NTU25, segments=2)  # type: ignore[call-arg]
    return np.asarray(encoder.encode(clips.astype(np.float32)).reshape(len(clips), -1, NTU25.V))


def test_the_descriptor_tells_where_joints_are_and_how_fast_they_go() -> None:
    clips = np.zeros((1, 3, 10, 25, 2))
    clips[0, 1, :, 7, 0] = np.arange(10)  # a joint of the first body rises by one in every frame; there is no other
    found = described(clips + 5.0 * (np.arange(2) == 0))[0]  # wherever the body stands
    spread, (y, speed), (y_later, speed_later) = found[:3], found[[4, 6]], found[[8, 10]]
    np.testing.assert_allclose(spread[:, 7], [0, np.arange(10).std(), 0], atol=1e-5)
    np.testing.assert_allclose([y[7], y_later[7]], [2.0, 7.0], atol=1e-5)
    np.testing.assert_allclose([speed[7], speed_later[7]], [0.8, 1.0], atol=1e-5)  # the first frame has no step
    assert np.abs(np.delete(found, 7, axis=1)).max() < 1e-5


def test_a_body_that_is_not_there_does_not_count() -> None:
    clips = np.random.default_rng(0).normal(size=(2, 3, 9, 25, 1))
    absent = np.concatenate([clips, np.zeros_like(clips)], axis=4)
    np.testing.assert_allclose(described(absent), described(clips), rtol=1e-5)
    assert np.isfinite(described(np.zeros((1, 3, 9, 25, 2)))).all()


def solved(features: torch.Tensor, labels: torch.Tensor, texts: torch.Tensor, **options: Any) -> tuple[Any, float]:
    """The ridge of the example on features of one class each, and its loss."""
    cls: Any = METHODS[skeltext.add_method(RIDGE)]
    method = cls(encoder=fixed_width(features.shape[1]), text_width=texts.shape[1], **options)
    return method, method.solve(Batch(labels=labels, texts=texts, features=features))["loss"].item()


def fixed_width(width: int) -> Any:
    """An encoder that is not asked for anything but its width."""
    encoder: Any = ENCODERS[skeltext.add_encoder(DESCRIPTOR)](layout=NTU25).as_module()  # type: ignore[call-arg]
    encoder.width = width
    return encoder


@pytest.mark.parametrize(("n", "d"), [(60, 8), (12, 40)], ids=["more clips", "more features"])
def test_the_ridge_is_that_of_least_squares(n: int, d: int) -> None:
    """The same minimum by scipy, as plain least squares with a row for every weight that is to be small."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(4), rng.integers(0, 2, n - 4)])  # classes of very different size
    features, texts, strength = rng.normal(3, 2, (n, d)), rng.normal(size=(4, 6)), 0.3
    features[:, 0] = 1.5  # says nothing
    weights = 1 / np.bincount(labels)[labels] / 4
    mean = weights @ features
    scale = np.sqrt(weights @ (features - mean) ** 2)
    z = (features - mean) / np.where(scale > 1e-6, scale, np.inf)
    targets = (texts / np.linalg.norm(texts, axis=1, keepdims=True))[labels]
    offset, root = weights @ targets, np.sqrt(weights)[:, None]
    rows = np.concatenate([root * z, np.sqrt(strength) * np.eye(d)])
    expected, *_ = lstsq(rows, np.concatenate([root * (targets - offset), np.zeros((d, 6))]))

    f, t = (torch.from_numpy(x).float() for x in (features, texts))
    method, loss = solved(f, torch.from_numpy(labels), t, strength=strength)
    np.testing.assert_allclose(method.map.numpy(), expected, atol=2e-5)
    np.testing.assert_allclose(method.embed_features(f).numpy(), z @ expected + offset, atol=2e-5)
    assert loss == pytest.approx(weights @ ((z @ expected + offset - targets) ** 2).sum(axis=1), rel=1e-4)
    assert (method.map[0] == 0).all()


def test_every_class_counts_the_same() -> None:
    """A class shown twice as often changes nothing, if its clips are the same."""
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(20, 5, generator=generator), torch.arange(20) % 4
    texts = torch.randn(4, 6, generator=generator)
    method, _ = solved(features, labels, texts)
    more = torch.cat([torch.arange(20), torch.arange(20)[labels == 2]])
    other, _ = solved(features[more], labels[more], texts)
    torch.testing.assert_close(other.map, method.map, rtol=1e-4, atol=1e-5)


def test_it_recognizes_classes_that_it_was_not_shown() -> None:
    torch.manual_seed(0)
    texts = torch.nn.functional.normalize(torch.randn(20, 6), dim=1)
    labels = torch.arange(20).repeat(12)
    features = texts[labels] @ torch.randn(6, 8) + 0.1 * torch.randn(240, 8)
    seen = labels < 10
    method, loss = solved(features[seen], labels[seen], texts[:10], strength=1e-3)
    guessed = method.scores(method.embed_features(features[~seen]), texts[10:]).argmax(dim=1)
    assert loss < 0.1
    assert (guessed == labels[~seen] - 10).float().mean() > 0.7  # chance is 0.1
    assert method.anchors(texts) is texts
    with pytest.raises(ValueError, match="strength 0, expected a positive number"):
        solved(features, labels, texts, strength=0)


def test_its_recipe_names_the_descriptor_beside_it() -> None:
    recipe = own_recipe(RIDGE)
    assert recipe.settings["encoder"] == "kinematic_descriptor"
    assert "kinematic_descriptor" in ENCODERS


def test_both_are_trained_and_tested_by_command(
    call: Callable[..., Any], tiny_store: Path, text_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "cache"))
    words = [
        "train",
        "--recipe",
        RIDGE,
        "--store",
        tiny_store,
        "--text-encoder",
        text_table,
        "--out",
        tmp_path / "runs",
    ]
    words += ["--device", "cpu", "--threads", 1]
    (run,) = call(*words)["runs"]
    assert run["epochs"] == 1
    assert call(*words)["runs"] == [run]
    assert 0 <= last(call("evaluate", tmp_path / "runs", "--device", "cpu")) <= 1


def test_the_transformer_is_trained_and_tested_by_command(
    call: Callable[..., Any], tiny_store: Path, text_table: Path, tmp_path: Path
) -> None:
    words = ["train", "--encoder", TRANSFORMER, "--encoder-options.features", 16, "--store", tiny_store]
    words += ["--text-encoder", text_table, "--optimizer", "adam", "--learning-rate", 0.003, "--warmup", 0]
    words += ["--epochs", 4, "--batch-size", 16, "--pseudo-unseen", 0, "--device", "cpu", "--threads", 1]
    (run,) = call(*words, "--out", tmp_path / "runs")["runs"]
    losses = [json.loads(line)["loss"] for line in (Path(run["path"]) / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.9 * losses[0]
    assert 0 <= last(call("evaluate", tmp_path / "runs", "--device", "cpu")) <= 1


def test_a_trained_descriptor_is_a_recognizer(
    call: Callable[..., Any],
    tiny_store: Path,
    embed_offline: Callable[[list[str]], None],
    tmp_path: Path,
) -> None:
    embed_offline(["sit down", "take a bow"])
    words = ["train", "--recipe", RIDGE, "--store", tiny_store, "--device", "cpu", "--out", tmp_path / "runs"]
    (run,) = call(*words)["runs"]
    model = skeltext.Recognizer.load(run["path"])
    clip = open_store(tiny_store).clip(3)
    first = model.predict(clip, labels=["sit down", "take a bow"])
    assert first.label in ("sit down", "take a bow")
    parity = export_onnx(Path(run["path"]), tmp_path / "model.onnx")
    assert parity.inside == ()
    exported = skeltext.Recognizer.load(tmp_path / "model.onnx").predict(clip, labels=["sit down", "take a bow"])
    assert exported.label == first.label
    assert [guess.score for guess in exported.guesses] == pytest.approx(
        [guess.score for guess in first.guesses], abs=1e-4
    )


@pytest.mark.slow
def test_the_descriptor_beats_chance_on_the_built_in_motions(call: Callable[..., Any], tmp_path: Path) -> None:
    call("prepare", "builtin", "--out", tmp_path / "builtin")
    call("train", "--recipe", RIDGE, "--store", tmp_path / "builtin", "--device", "cpu", "--out", tmp_path / "runs")
    evaluation = call("evaluate", tmp_path / "runs", "--device", "cpu")
    assert last(evaluation) > 3 / 12  # chance among its unseen classes is one in twelve


def test_it_is_a_method_as_others_are() -> None:
    cls = METHODS[skeltext.add_method(RIDGE)]
    assert issubclass(cls, Method)
    assert cls.closed_form
    assert not Method.closed_form
