"""The leaderboard on a tiny set: who takes part, what is measured, what is written, and what a failure leaves."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.benchmark.leaderboard import command as command_module
from skeltext.benchmark.leaderboard.board import board, protocol_of
from skeltext.benchmark.leaderboard.contest import (
    CALIBRATION,
    Contest,
    chosen_recipes,
    one_shot_contest,
    protocol_for,
    zero_shot_contest,
)
from skeltext.benchmark.leaderboard.grids import published_grids
from skeltext.benchmark.leaderboard.listing import listed_methods, markdown_listing
from skeltext.benchmark.leaderboard.significance import bootstrap_interval, sign_flip_probability
from skeltext.benchmark.leaderboard.standings import Standing, size_of, standings, trained_seconds
from skeltext.benchmark.presets import Preset, load_preset
from skeltext.benchmark.recipes import Recipe, load_recipe, recipe_names
from skeltext.benchmark.reproduce import workshop as workshop_module
from skeltext.benchmark.reproduce.study import Grid, Spread
from skeltext.benchmark.reproduce.workshop import Workshop
from skeltext.cli import main
from skeltext.datasets import registry
from skeltext.datasets.dataset import ClassSplit, Protocol, Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.registry import dataset_named
from skeltext.datasets.store_writing import write_store
from skeltext.errors import SkeltextError
from skeltext.methods.registry import METHODS
from skeltext.progress import ProgressBars
from skeltext.recognizer.card import load_card

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).resolve().parents[2]
BUILTIN = dataset_named("builtin")
FEW = ClassSplit(
    name="few",
    seen=BUILTIN.classes[:8],
    unseen=BUILTIN.classes[8:11],
    source="made for this test",
    view=BUILTIN.split("0").view,
)
SUBJECTS, TRAINING_SUBJECTS = 5, 3
DIVIDED = replace(
    BUILTIN,
    splits={"few": FEW, "shown": replace(FEW, name="shown", shots=1)},
    protocols={"cross-subject": Protocol("subject", frozenset(range(TRAINING_SUBJECTS)), "made for this test")},
)
DEVISE = load_recipe("devise")
BROKEN = Recipe(
    name="broken",
    about="Cannot be built.",
    settings={"method": "devise", "method_options": {"margin": -1}},
    first_stage="classifier",
)


def _samples(originals: Originals) -> Iterator[Sample]:
    """One clip of every class of the split by every subject."""
    wanted, shown = {BUILTIN.classes.index(name) for name in FEW.seen + FEW.unseen}, set()
    for sample in BUILTIN.samples(originals):
        key = (sample.label, sample.subject)
        if sample.label in wanted and sample.subject < SUBJECTS and key not in shown:
            shown.add(key)
            yield sample


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setitem(registry.DATASETS, "builtin", DIVIDED)
    monkeypatch.setenv("SKELTEXT_CACHE", str(cache))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    store = folder / "builtin"
    write_store(store, DIVIDED, ((sample, sample.read()) for sample in _samples(Originals(store, store))))
    return folder


@pytest.fixture(scope="module")
def workshop(prepared: Path, text_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop whose runs take less than a second, shared by the tests of this file."""
    settings = {
        "text_encoder": str(text_table),
        "encoder_options": {"hidden": 4, "features": 16},
        "epochs": 2,
        "steps_per_epoch": 3,
        "batch_size": 16,
        "warmup": 0,
        "device": "cpu",
        "threads": 1,
    }
    folder = tmp_path_factory.mktemp("leaderboard")
    return Workshop(folder=folder, prepared=prepared, bars=ProgressBars(quiet=True), settings=settings)


PRESET = Preset(name="tiny", about="Tiny.", settings={"dataset": "builtin"}, splits=("few",), seeds=(0, 1))
SHOWN = replace(PRESET, name="tiny-oneshot", splits=("shown",), seeds=(0,))


def zero_shot(*recipes: Recipe) -> Contest:
    return zero_shot_contest(PRESET, recipes, splits=(), protocol=None)


def column(grid: Grid, name: str) -> list[Any]:
    return [row[grid.columns.index(name)] for row in grid.rows]


def test_a_board_has_every_recipe_and_why_one_is_missing(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [load_recipe("pgfa"), BROKEN, DEVISE]
    contests = [zero_shot(*recipes)]
    found = board(contests, workshop)
    accuracy, together, cost = found.grids
    assert set(column(accuracy, "method")) == {"PGFA", "DeViSE", "DeViSE (broken)"}
    last = column(accuracy, "last %")
    assert [cell.mean for cell in last[:-1]] == sorted((cell.mean for cell in last[:-1]), reverse=True)
    assert accuracy.rows[-1][0] == "DeViSE (broken)"
    assert last[-1] is None
    assert "margin -1" in column(accuracy, "why not")[-1]
    assert column(accuracy, "runs") == [2, 2, 0]
    assert column(accuracy, "behind the first %")[0] is None
    for behind, cell, p in zip(
        *(column(accuracy, name)[1:2] for name in ("behind the first %", "last %", "p")), strict=True
    ):
        assert behind == pytest.approx(last[0].mean - cell.mean, abs=1e-4)
        assert p in (0.5, 1.0)  # two pairs
    for part in ("S", "U"):
        assert all(0 <= cell.mean <= 100 for cell in column(together, f"gate, {part} %")[:-1])
    assert all(isinstance(cell, Spread) for cell in column(together, "stacking, H %")[:-1])
    stages = dict(zip(column(cost, "method"), column(cost, "first stage s"), strict=True))
    assert stages["PGFA"] is None
    assert stages["DeViSE"] > 0
    assert len(list((workshop.folder / "runs").glob("builtin_classifier_*"))) == len(PRESET.seeds)
    monkeypatch.setattr(workshop_module, "evaluate_run", None)  # nothing is measured again
    monkeypatch.setattr("skeltext.training.train_run.train", None)  # and nothing trained
    monkeypatch.setattr("skeltext.benchmark.leaderboard.standings.generalised_result", None)
    assert board(contests, workshop).grids == found.grids


def test_alignment_is_a_dash_where_nothing_can_be_aligned(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    devise = METHODS["devise"]
    monkeypatch.setattr(devise, "embed_features", lambda self, features: self.head(features).unsqueeze(1))  # N 1 D
    monkeypatch.setattr(devise, "scores", lambda self, embedded, texts: embedded.squeeze(1) @ texts.T)
    contest, once = zero_shot_contest(PRESET, [DEVISE], splits=(), protocol="all"), replace(workshop, seeds=(0,))
    assert not contest.generalised
    (config,) = contest.configs(once, DEVISE)
    assert (config.protocol, config.calibration) == ("all", 0)
    grid = board([contest], once).grids[0]
    assert column(grid, "prototype_alignment, last %") == [None]
    assert isinstance(column(grid, "last %")[0], Spread)


def test_what_a_run_cost_is_read_from_it(workshop: Workshop) -> None:
    (standing,) = standings(zero_shot(DEVISE), replace(workshop, seeds=(0,)))
    (run,) = standing.runs
    config = zero_shot(DEVISE).configs(workshop, DEVISE)[0]
    folder = workshop.run(config).folder
    assert run.seconds == pytest.approx(sum(line["seconds"] for line in folder.metrics()))
    assert run.second_run == trained_seconds([folder.held_out]) > 0
    card = load_card(folder.checkpoint)
    assert standing.size == size_of(card)
    assert standing.size is not None
    assert standing.size.head == 16 * 16 + 16  # features by the width of the texts, and the offset
    assert standing.size.multiply_adds is not None
    assert config.calibration == CALIBRATION


def test_a_head_that_asks_for_values_has_no_multiply_adds(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    config = zero_shot(DEVISE).configs(workshop, DEVISE)[0]
    card = load_card(workshop.run(config).folder.checkpoint)
    monkeypatch.setattr(METHODS["devise"], "embed_features", lambda self, x: x if x.sum() > 0 else -x)
    size = size_of(card)
    assert size.multiply_adds is None
    assert size.head == 16 * 16 + 16


def test_signs_are_flipped_exactly() -> None:
    assert sign_flip_probability([0.1, 0.2, 0.3]) == 2 / 8  # all of one sign, either way
    assert sign_flip_probability([0.1, -0.2, 0.3]) == 6 / 8  # |sum| 0.2, below which are only +-(0.1 + 0.2 - 0.3)
    assert sign_flip_probability([0.0, 0.0]) == 1
    assert sign_flip_probability([0.3]) == 1
    many = np.random.default_rng(0).normal(1, 1, 30).tolist()
    assert sign_flip_probability(many) == sign_flip_probability(many) < 0.01
    assert 0 < sign_flip_probability([1.0] * 30) < 1e-4  # never zero
    assert sign_flip_probability(np.random.default_rng(1).normal(0, 1, 30).tolist()) > 0.05


def test_clips_are_drawn_anew_once_for_all_seeds() -> None:
    ones, none = np.ones(50), np.zeros(50)
    assert bootstrap_interval({"0": [ones], "1": [none]}) == (0.5, 0.5)
    half = np.repeat([1.0, -1.0], 200)
    low, high = bootstrap_interval({"0": [half]})
    assert (low, high) == pytest.approx((-1.96 / 20, 1.96 / 20), abs=0.01)  # the normal limit, deviation 1 / sqrt(400)
    assert bootstrap_interval({"0": [half, half]}) == (low, high)  # a second seed with the same answers tells nothing
    apart = bootstrap_interval({"0": [half], "1": [half]})
    assert apart == pytest.approx((low / 2**0.5, high / 2**0.5), abs=0.01)


def test_the_protocol_is_the_splits_own_else_the_first_of_the_data_set() -> None:
    assert protocol_for(load_preset("utd-mhad"), ["0"], None) == "cross-subject"
    assert protocol_for(load_preset("utd-mhad"), ["0"], "all") == "all"
    assert protocol_for(load_preset("kinect20"), ["0"], None) is None
    assert protocol_for(load_preset("ntu60-setting1"), ["smie_split_1"], None) is None  # the split says cross-subject
    with pytest.raises(SkeltextError, match="utd-mhad has no protocol 'cross-view'; it has all, cross-subject"):
        protocol_for(load_preset("utd-mhad"), ["0"], "cross-view")


def test_recipes_are_named_by_themselves_or_by_their_method() -> None:
    names = [recipe.name for recipe in chosen_recipes([], [BROKEN])]
    assert set(names[:-1]) == {
        name for name in recipe_names() if METHODS[load_recipe(name).method].route != "first stage"
    }
    assert names[-1] == "broken"
    assert [recipe.name for recipe in chosen_recipes(["pgfa-names", "devise"], [])] == ["devise", "pgfa-names"]
    with pytest.raises(SkeltextError, match="classifier is a first stage and recognises nothing by itself"):
        chosen_recipes(["classifier"], [])
    with pytest.raises(SkeltextError, match="recipe 'abacus' is not known; known are"):
        chosen_recipes(["abacus"], [])


def test_a_row_names_its_recipe_where_its_method_has_several() -> None:
    assert Standing(recipe=load_recipe("pgfa")).label == "PGFA"
    assert Standing(recipe=load_recipe("pgfa-names")).label == "PGFA (pgfa-names)"


def test_published_figures_stand_by_protocol() -> None:
    for grid in published_grids():
        assert grid.title.startswith("Published: ")
        first = [row[2] for row in grid.rows if row[2] is not None]
        assert first == sorted(first, reverse=True)
    told = METHODS["pgfa"].about.published
    assert sum(row[0] == "PGFA" for grid in published_grids() for row in grid.rows) == len(told) > 3


def test_the_protocol_in_words(workshop: Workshop) -> None:
    contest = zero_shot(load_recipe("pgfa"))
    words = protocol_of([contest, one_shot_contest(SHOWN, [load_recipe("pgfa")])], workshop)
    assert "splits few with 8 seen and 3 unseen classes, seeds 0, 1." in words
    assert "Protocol cross-subject (made for this test): training clips are of the training subjects" in words
    assert "20 % of the training clips" in words
    assert "An exemplar clip of every unseen class" in words


@pytest.fixture
def command(
    workshop: Workshop, prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What `skeltext leaderboard` prints on the tiny set."""

    def preset(dataset: str, setting: str = "setting1") -> Preset:
        return {"setting1": PRESET, "oneshot": SHOWN}[setting]

    def narrow(*, settings: dict[str, Any], **fields: Any) -> Workshop:
        return Workshop(settings={**settings, **workshop.settings}, **fields)

    monkeypatch.setattr(command_module, "preset_of", preset)
    monkeypatch.setattr(command_module, "Workshop", narrow)

    def call(*words: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["leaderboard", *map(str, words)])
        assert not ended.value.code
        return capsys.readouterr().out

    return partial(call, "builtin", "--prepared", prepared, "--out", workshop.folder)


def test_the_command_writes_everything(command: Callable[..., str], workshop: Workshop) -> None:
    words = ["--methods", "devise", "pgfa", "--seeds", "0"]
    told = json.loads(command(*words, "--json"))
    assert told["study"] == "leaderboard-tiny"
    assert told["command"] == "skeltext leaderboard builtin --seeds 0 --methods devise pgfa"
    assert [Path(path).name for path in told["pictures"]] == [
        "leaderboard-tiny-zero-shot.png",
        "leaderboard-tiny-one-shot.png",
    ]
    assert all(Path(path).exists() for path in [told["text"], *told["csv"], *told["pictures"]])
    header, *rows = csv.reader(Path(told["csv"][0]).read_text(encoding="utf-8").splitlines())
    assert {row[header.index("method")] for row in rows} == {"DeViSE", "PGFA"}
    page = Path(told["page"]).read_text(encoding="utf-8")
    assert "Methods compared under one protocol" in page
    assert page.count("<script>") == 1
    assert "script-src 'unsafe-inline'" in page
    assert not re.search(r"https?://", page)
    assert any("figures of two protocols do not compare" in note for note in told["notes"])
    assert told["tables"][-1]["title"].startswith("Published: ")
    shown = next(table for table in told["tables"] if table["title"].startswith("One-shot: accuracy"))
    assert [row[0] for row in shown["rows"]] == ["PGFA"]
    printed = command(*words)
    assert "Published: " not in printed  # which stands on the page
    assert "DeViSE" in printed
    assert "leaderboard-tiny.html" in printed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["builtin", "--methods", "abacus"], "recipe 'abacus' is not known"),
        (["builtin", "--method", "absent.py"], "there is no Python file absent.py"),
        (["builtin", "--route", "one-shot", "--methods", "devise"], "builtin has no preset for oneshot"),
        (["builtin", "--preset", "utd-mhad"], "preset utd-mhad is about utd-mhad, not builtin"),
        (["abacus"], "data set 'abacus' is not known"),
        (["utd-mhad"], "get the data set .* then `skeltext prepare utd-mhad --raw FOLDER"),
        (["utd-mhad", "--splits", "9"], "has no class split '9'|split '9'"),
        (["utd-mhad", "--protocol", "cross-view"], "utd-mhad has no protocol 'cross-view'"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match="2"):
        main(["leaderboard", *words, "--prepared", str(tmp_path), "--out", str(out)])
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert re.search(sentence, error), error
    assert not out.exists()


def test_the_list_names_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["leaderboard", "--list", "--json"], ["leaderboard", "--list"]):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert not ended.value.code
    assert {entry["name"] for entry in listed_methods()} == set(METHODS)
    assert "RelationNet" in capsys.readouterr().out


def test_the_page_of_the_methods_is_what_the_command_prints() -> None:
    page = (ROOT / "docs" / "method-list.md").read_text(encoding="utf-8")
    assert page == markdown_listing(), "`skeltext leaderboard --list --markdown > docs/method-list.md` writes it anew"
