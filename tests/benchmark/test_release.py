"""A model that people are given: small, usable, and with a page that says what was measured on which runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skeltext.benchmark import release as release_module
from skeltext.cli import main
from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation.as_answered import AS_RECORDED, as_answered
from skeltext.progress import ProgressBars
from skeltext.recognizer.recognizer import Recognizer
from skeltext.runs.config import TrainingConfig
from skeltext.runs.run import Run
from skeltext.texts.descriptions import class_texts
from skeltext.texts.phrase_bank import describe_label

LABELS = ["sit down", "juggle three balls"]


def typed_texts() -> list[str]:
    """The names of the built-in actions, and what is proposed for them."""
    names = class_texts("builtin", dataset_named("builtin").classes, kind="name")
    return [*names, *(describe_label(name).text for name in names)]


def test_a_release_predicts_like_its_run_and_says_what_it_can_do(
    tiny_run: Path,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    embed_offline([*LABELS, *typed_texts()])
    with pytest.raises(SystemExit) as ended:
        main(["release", str(tiny_run), "--tested", str(tiny_run), "--out", str(tmp_path / "out"), "--json"])
    assert not ended.value.code
    said = json.loads(capsys.readouterr().out)
    assert said["files"].keys() >= {"README.md", "weights.safetensors", "config.json"}
    assert said["files"]["weights.safetensors"] < 0.7 * (tiny_run / "checkpoint/weights.safetensors").stat().st_size
    clip = builtin_clip(action=0, subject=0, repetition=0)
    whole, small = (Recognizer.load(folder).predict(clip, LABELS) for folder in (tiny_run, tmp_path / "out"))
    assert [guess.label for guess in small.guesses] == [guess.label for guess in whole.guesses]
    assert small.guesses[0].score == pytest.approx(whole.guesses[0].score, abs=5e-3)
    page = (tmp_path / "out" / "README.md").read_text()
    measured = as_answered(Run.open(tiny_run), ["h36m17"])
    assert f"| all | {100 * measured.layouts[AS_RECORDED]:.1f} | {100 * measured.layouts['h36m17']:.1f} |" in page
    raw, standard = measured.labels["name"]
    assert f"| name | {100 * raw:.1f} | {100 * standard:.1f} |" in page
    assert re.search(r"\| 1 run, % \| last .*\n.*\n\| plain \| [\d.]+ \|", page)
    assert "Licence" in page


def test_other_layouts_and_sources_add_up(tiny_run: Path, embed_offline: Callable[[Sequence[str]], None]) -> None:
    embed_offline(typed_texts())
    found = as_answered(Run.open(tiny_run), ["ntu25", "kinect20", "kinect20"])
    assert list(found.layouts) == [AS_RECORDED, "kinect20"]
    assert sum(found.clips.values()) > 0
    parts = [found.by_source[name][AS_RECORDED] * count for name, count in found.clips.items()]
    assert sum(parts) / sum(found.clips.values()) == pytest.approx(found.layouts[AS_RECORDED])
    assert found.labels["description"][0] == found.layouts[AS_RECORDED]
    assert np.isfinite(list(found.labels.values())).all()


def test_a_release_that_fails_leaves_nothing(
    tiny_run: Path,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(folder: Path, path: Path, *, alone: bool) -> None:
        raise SkeltextError("its scores are no cosines")

    embed_offline(typed_texts())
    monkeypatch.setattr(release_module, "export_onnx", refuse)
    run = Run.open(tiny_run)
    with pytest.raises(SkeltextError, match="no cosines"):
        release_module.release(run, tested=[run], out=tmp_path / "out", bars=ProgressBars(quiet=True))
    assert not list(tmp_path.iterdir())


def test_figures_of_another_model_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(tiny_run, tmp_path / "other"))
    config = TrainingConfig.from_yaml(other / "config.yaml")
    replace(config, learning_rate=0.01).to_yaml(other / "config.yaml")
    run = Run.open(tiny_run)
    with pytest.raises(SkeltextError, match="was trained with another learning_rate than"):
        release_module.release(run, tested=[Run.open(other)], out=tmp_path / "out", bars=ProgressBars(quiet=True))
    assert not (tmp_path / "out").exists()
