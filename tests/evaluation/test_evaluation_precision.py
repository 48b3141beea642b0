"""The option of reduced precision, from the command line to the sentence that admits it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skeltext.cli import main
from skeltext.evaluation.zero_shot import evaluate_run
from skeltext.runs.run import Run

pytestmark = pytest.mark.usefixtures("one_thread", "embed_offline")


def test_features_differ_a_little(tiny_run: Path) -> None:
    exact, rounded = (
        evaluate_run(Run.open(tiny_run), samples=0, precision=precision) for precision in ("32-true", "bf16-mixed")
    )
    error = np.linalg.norm(rounded.features - exact.features) / np.linalg.norm(exact.features)
    assert 1e-5 < error < 3e-2
    assert rounded.ids == exact.ids


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_protocol_says_what_was_rounded(
    tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], precision: str
) -> None:
    page = tmp_path / "report.html"
    words = ["--precision", precision, "--device", "cpu", "--report", str(page), "--json"]
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tiny_run), *words])
    assert not ended.value.code
    found = json.loads(capsys.readouterr().out)
    rounded = precision != "32-true"
    assert ("bf16-mixed" in found["protocol"]) == rounded
    assert ("--precision bf16-mixed" in found["command"]) == rounded
    assert ("bf16-mixed" in page.read_text(encoding="utf-8")) == rounded


def test_another_precision_is_refused(tiny_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", str(tiny_run), "--precision", "8-bit"])
    assert ended.value.code == 2
    assert "8-bit" in capsys.readouterr().err
