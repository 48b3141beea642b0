"""Answers, timelines, explanations and search hits as plain values for JSON and as tables of pandas."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wrist_model import LABELS, acted, wrist_recognizer

from skeltext.data_frame import data_frame
from skeltext.errors import SkeltextError
from skeltext.formats.npz import write_npz
from skeltext.recognizer.motion_folder import embed_folder
from skeltext.recognizer.search import Hits, search

CLIP = acted("right", "left", frames=60)


def answer() -> Any:
    return wrist_recognizer().predict(CLIP, LABELS)


def timeline() -> Any:
    return wrist_recognizer().timeline(CLIP, LABELS)


def explanation() -> Any:
    return wrist_recognizer().explain(CLIP, LABELS)


@pytest.fixture
def hits(tmp_path: Path) -> Hits:
    """Two files that were searched."""
    for side in ("left", "right"):
        write_npz(acted(side, frames=90), tmp_path / f"{side}.npz")
    return search(wrist_recognizer(), embed_folder(wrist_recognizer(), tmp_path), ["the left hand"])


KEYS = {
    answer: "label guesses person calibrated rejected quality label_set coverage adapted confidence margin",
    timeline: "spans labels centres probabilities duration fps person calibrated source",
    explanation: "label score joints limbs frames",
}


@pytest.mark.parametrize("make", KEYS, ids=lambda make: make.__name__)
def test_plain_values_survive_json(make: Callable[[], Any]) -> None:
    found = make().to_dict()
    assert " ".join(found) == KEYS[make]
    assert json.loads(json.dumps(found)) == found


def test_an_answer_as_plain_values() -> None:
    whole = answer()
    found = whole.to_dict(top=1)
    assert found["guesses"] == [whole.guesses[0].to_dict()]
    assert (found["confidence"], found["margin"]) == (whole.confidence, whole.margin)
    assert found["margin"] < 1
    assert found["quality"]["frames"] == CLIP.T
    assert len(whole.to_dict()["guesses"]) == len(LABELS)


def test_an_explanation_as_plain_values() -> None:
    whole = explanation()
    found = whole.to_dict()
    assert list(found["joints"].items()) == whole.ranked_joints
    assert list(found["limbs"].items()) == whole.ranked_limbs
    assert [part["drop"] for part in found["frames"]] == whole.frames.tolist()
    assert (found["frames"][0]["start"], found["frames"][-1]["end"]) == (0, CLIP.seconds)


def test_hits_are_a_tuple_with_plain_values(hits: Hits) -> None:
    assert [hit.rank for hit in hits] == [1, 2]
    assert hits[0].path.endswith("left.npz")
    assert hits == tuple(hits)
    found = hits.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert [set(hit) for hit in found["hits"]] == [
        {"rank", "path", "start", "end", "first_frame", "end_frame", "score"}
    ] * 2


def test_tables(hits: Hits) -> None:
    pytest.importorskip("pandas")
    guesses, spans, joints, files = (made.to_frame() for made in (answer(), timeline(), explanation(), hits))
    assert guesses.to_dict("records") == answer().to_dict()["guesses"]
    assert spans.to_dict("records") == timeline().to_dict()["spans"]
    assert files.to_dict("records") == hits.to_dict()["hits"]
    assert dict(zip(joints["joint"], joints["carried"], strict=True)) == explanation().to_dict()["joints"]
    assert joints["alone"].max() == pytest.approx(explanation().alone.max())
    assert joints["limb"].max() == pytest.approx(explanation().limbs.max())
    assert list(Hits().to_frame().columns) == list(files.columns)


def test_without_pandas_a_table_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for make in KEYS:
        with pytest.raises(SkeltextError, match=r"the package pandas: pip install 'skeltext\[frame\]'"):
            make().to_frame()


def test_a_table_without_rows_has_its_columns() -> None:
    pytest.importorskip("pandas")
    assert list(data_frame([], columns=("start", "end")).columns) == ["start", "end"]
