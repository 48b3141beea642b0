"""The rule for the epoch, and several runs as one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.adaptation.plain import Plain
from skeltext.adaptation.registry import USUAL
from skeltext.adaptation.step import Unlabeled
from skeltext.evaluation.metrics import accuracy
from skeltext.evaluation.results import RULES, Curves, RunResult, Table
from skeltext.evaluation.selection import choose_epochs
from skeltext.evaluation.summary import evaluation_of, per_source, summarize, within_source
from skeltext.evaluation.within_source import ALONE, within_sources

SHARES = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=12)


@settings(max_examples=80)
@given(SHARES, st.data())
def test_each_rule_takes_the_epoch_it_is_named_after(test: list[float], data: st.DataObject) -> None:
    pseudo = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(test), max_size=len(test)))
    chosen = choose_epochs(test, pseudo)
    assert chosen == {
        "last": len(test) - 1,
        "pseudo-unseen": pseudo.index(max(pseudo)),
        "oracle": test.index(max(test)),
    }
    assert tuple(chosen) == RULES
    if len(test) > 1:
        assert choose_epochs(test, pseudo[:-1])["pseudo-unseen"] is None
    assert choose_epochs(test, [])["pseudo-unseen"] is None


def table(value: float | None) -> Table:
    return {kind: dict.fromkeys(RULES, value) for kind in USUAL}


def test_mean_and_spread_over_runs() -> None:
    summary = summarize([table(0.2), table(0.4), table(0.9)])
    assert summary.mean["plain"]["last"] == pytest.approx(0.5)
    assert summary.std["prototype_alignment"]["oracle"] == pytest.approx(np.std([0.2, 0.4, 0.9]))
    alone = summarize([table(0.3)])
    assert (alone.mean["plain"]["last"], alone.std["plain"]["last"]) == (0.3, 0.0)


def test_a_cell_that_one_run_lacks_is_nothing() -> None:
    lacking = table(0.5)
    lacking["plain"]["pseudo-unseen"] = None
    summary = summarize([table(0.1), lacking])
    assert summary.mean["plain"]["pseudo-unseen"] is None
    assert summary.std["plain"]["pseudo-unseen"] is None
    assert summary.mean["prototype_alignment"]["pseudo-unseen"] == pytest.approx(0.3)


def result(seed: int, **changes: Any) -> RunResult:
    """A run with predictions at random."""
    random = np.random.default_rng(seed)
    labels, plain, aligned = random.integers(0, 3, (3, 50))
    plain_result = RunResult(
        name=f"run-{seed}",
        dataset="builtin",
        method="pgfa",
        split="0",
        seed=seed,
        classes=["a", "b", "c"],
        descriptions=["", "", ""],
        chance=1 / 3,
        table=table(accuracy(labels, plain)),
        class_table=table(0.5),
        chosen={kind: dict.fromkeys(RULES, 0) for kind in USUAL},
        curves=Curves(
            epochs=[0], loss=[1.0], unseen={step: [0.5] for step in USUAL}, pseudo_unseen={step: [] for step in USUAL}
        ),
        steps=list(USUAL),
        ids=[str(number) for number in range(50)],
        labels=labels,
        predicted={"plain": plain, "prototype_alignment": aligned},
        sources=[("north", "south", "west")[number] for number in random.integers(0, 3, 50)],
        within={"plain": plain, "prototype_alignment": aligned},
        features=np.zeros((50, 2), np.float32),
        texts=np.zeros((3, 2), np.float32),
        anchors={"prototype_alignment": np.zeros((3, 2), np.float32)},
        samples=[],
    )
    return replace(plain_result, **changes)


def test_sources_add_up_to_the_whole() -> None:
    runs = [result(0), result(1)]
    found = per_source(runs)
    assert list(found) == ["north", "south", "west"]
    assert sum(entry["clips"] for entry in found.values()) == 100
    for kind in USUAL:
        right = sum(entry["clips"] * entry[kind] for entry in found.values())
        assert right == pytest.approx(sum((run.predicted[kind] == run.labels).sum() for run in runs))
    alone = per_source([result(0, sources=["here"] * 50)])
    assert alone["here"]["plain"] == pytest.approx(accuracy(runs[0].labels, runs[0].predicted["plain"]))


def test_within_a_source_only_its_own_classes_are_candidates() -> None:
    scores = np.array([[0.1, 0.2, 0.9], [0.3, 0.2, 0.9], [0.9, 0.3, 0.2], [0.9, 0.2, 0.1]], np.float32)
    labels, sources = np.array([1, 0, 2, 2]), np.array([0, 0, 1, 1])
    clips = Unlabeled(features=scores, scores=scores, anchors=np.eye(3, dtype=np.float32))
    found = within_sources(clips, labels=labels, sources=sources, steps={"plain": Plain()})["plain"]
    assert found.tolist() == [1, 0, ALONE, ALONE]  # the third class, which is elsewhere, would have won the first two
    union = result(0, labels=labels, sources=["a", "a", "b", "b"], within={"plain": found})
    assert within_source([union]) == {"clips": 2.0, "chance": 0.5, "plain": 1.0}
    assert within_source([result(0, sources=["here"] * 50)]) == {}


def test_the_confusion_counts_every_clip_once() -> None:
    run = result(2)
    for kind in USUAL:
        confusion = run.confusion(kind)
        assert confusion.shape == (3, 3)
        assert confusion.sum(axis=1).tolist() == [int((run.labels == k).sum()) for k in range(3)]
        assert np.trace(confusion) == (run.labels == run.predicted[kind]).sum()


def test_the_json_has_the_documented_keys() -> None:
    evaluation = evaluation_of([result(0), result(1)], title="title", protocol="protocol", command="command")
    figures = json.loads(json.dumps(evaluation.to_dict()))
    assert set(figures) == {
        *("title", "protocol", "command", "chance", "steps", *USUAL, "aligned", "std"),
        *("per_class", "per_class_std", "per_source", "within_source", "runs"),
    }
    for cells in (figures, figures["std"], figures["per_class"], figures["per_class_std"], *figures["runs"]):
        for kind in USUAL:
            assert set(cells[kind]) == set(RULES)
    assert figures["plain"]["last"] == pytest.approx(np.mean([run["plain"]["last"] for run in figures["runs"]]))
    assert figures["aligned"] == figures["prototype_alignment"]  # as it was called before
    assert figures["steps"] == list(USUAL)
    assert [run["seed"] for run in figures["runs"]] == [0, 1]
    assert set(figures["runs"][0]) == {
        *("name", "dataset", "split", "seed", "unseen", "clips", "chance", *USUAL, "aligned"),
        *("per_class", "chosen_epochs"),
    }


def test_the_frame_has_every_figure_of_the_tables() -> None:
    runs = [result(0), result(1)]
    frame = evaluation_of(runs, title="title", protocol="protocol", command="command").to_frame()
    assert len(frame) == len(runs) * len(USUAL) * len(RULES)
    for run in runs:
        own = frame[(frame.run == run.name) & (frame.step == "plain") & (frame.rule == "last")]
        assert own.accuracy.tolist() == [run.table["plain"]["last"]]
        assert own.epoch.tolist() == [0]
