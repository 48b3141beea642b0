"""Studies on a tiny set: what is trained once, what is written, and what is said when something is missing."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.adaptation.registry import USUAL, named_steps
from skeltext.benchmark.presets import load_preset
from skeltext.benchmark.reproduce import command as command_module
from skeltext.benchmark.reproduce import workshop as workshop_module
from skeltext.benchmark.reproduce.registry import STUDIES, study_named
from skeltext.benchmark.reproduce.studies import text_spaces
from skeltext.benchmark.reproduce.studies.bank import ORDERS, _goal, streamed
from skeltext.benchmark.reproduce.studies.first_stages import first_stage
from skeltext.benchmark.reproduce.study import (
    COLUMNS,
    Arm,
    Column,
    Found,
    Grid,
    Scope,
    Spread,
    Study,
    bars_of,
    columns_for,
    comparison,
    measured,
    preset_of,
)
from skeltext.benchmark.reproduce.workshop import ASIDE, Measured, Reduction, Workshop, run_name
from skeltext.benchmark.reproduce.writing import Paper, shown, write_study
from skeltext.cli import main
from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.evaluation.results import RULES
from skeltext.progress import ProgressBars
from skeltext.runs.config import TrainingConfig
from skeltext.runs.folder import CONFIG, RunFolder
from skeltext.texts.descriptions import class_texts

Configure = Callable[..., TrainingConfig]
Make = Callable[..., Workshop]
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def prepared(tiny_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of prepared stores in which only the built-in set lies."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "builtin").symlink_to(tiny_store)
    return folder


@pytest.fixture(scope="module")
def workshop(prepared: Path, text_table: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A workshop whose runs take a second, shared by the tests of this file; keyword arguments replace its fields."""
    folder = tmp_path_factory.mktemp("reproduce")
    settings = {
        "text_encoder": str(text_table),
        "encoder_options": {"hidden": 4, "features": 16},
        "device": "cpu",
        "threads": 1,
    }
    quick = Reduction(epochs=2, clips_per_class=2, batch_size=16)

    def make(**changes: Any) -> Workshop:
        plain = Workshop(
            folder=folder, prepared=prepared, bars=ProgressBars(quiet=True), settings=settings, quick=quick
        )
        return replace(plain, **changes)

    return make


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path_factory.getbasetemp() / "features"))


def command(*words: str) -> None:
    """A command that must succeed."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert not ended.value.code


def scope(workshop: Workshop) -> Scope:
    return Scope(workshop=workshop, datasets=("builtin",))


@pytest.mark.parametrize(
    "name", [name for name in STUDIES if name not in ("table2", "table8", "table10", "text-spaces")]
)
def test_every_study_finds_what_it_promises(name: str, workshop: Make, tmp_path: Path) -> None:
    study = study_named(name)
    found = study.conduct(scope(workshop()))
    written = write_study(Paper(study=study, found=found, protocol="Made up.", command="skeltext"), tmp_path)
    assert found.grids or found.pictures
    for grid, table in zip(found.grids, written.tables, strict=True):
        rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
        assert len(rows) == len(grid.rows) + 1 > 1
        if grid.columns == COLUMNS:
            header = rows[0]
            for row in rows[1:]:
                ours = [float(row[header.index(f"{rule} %")]) for rule in RULES]
                assert all(0 <= value <= 100 for value in ours)
                assert ours[2] >= ours[0]  # the oracle is the best epoch
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in written.pictures)
    assert study.title in written.text.read_text(encoding="utf-8")
    page = written.page.read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == len(written.pictures)
    assert page.rstrip().endswith("</html>")


def test_a_run_is_trained_once_and_kept_under_what_decides_it(workshop: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    column = columns_for(scope(workshop()))[0]
    grid = comparison(scope(workshop()), [Arm(label="one")], [column], title="t")
    monkeypatch.setattr(workshop_module, "evaluate_run", None)  # nothing is measured again
    monkeypatch.setattr("skeltext.training.train_run.train", None)  # and nothing trained
    assert comparison(scope(workshop()), [Arm(label="one")], [column], title="t") == grid
    elsewhere = workshop(settings={**workshop().settings, "threads": 2, "cuda_graphs": False})
    assert comparison(scope(elsewhere), [Arm(label="one")], [column], title="t") == grid


def test_the_name_of_a_run_tells_what_decides_it(workshop: Make, tmp_path: Path) -> None:
    (plain,) = workshop().configs(load_preset("demo"), {})
    for name in ASIDE:
        other: Mapping[str, Any] = {"device": "cuda", "threads": 7, "cuda_graphs": False, "alpha": 0.1}
        assert name == "store" or run_name(replace(plain, **{name: other[name]})) == run_name(plain)
    deciding = {
        "seed": 1,
        "epochs": 3,
        "texts": "name",
        "without": ("bow",),
        "clips_per_class": 1,
        "finetune": True,
        "learning_rate": 0.01,
    }
    names = {
        run_name(replace(plain, pretrained=tmp_path if name == "finetune" else None, **{name: value}))
        for name, value in deciding.items()
    }
    words = tmp_path / "words.json"
    for text in ("{}", '{"bow": "bends"}'):
        words.write_text(text)
        names.add(run_name(replace(plain, descriptions=words)))
    names |= {run_name(plain), run_name(replace(plain, pretrained=tmp_path))}
    assert len(names) == len(deciding) + 4


def test_a_kill_in_the_middle_costs_nothing(workshop: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    column, arm = columns_for(scope(workshop()))[0], Arm(label="killed")
    whole = comparison(scope(workshop(folder=tmp_path / "whole")), [arm], [column], title="t")
    saved, plain = [], RunFolder.save_epoch

    def cut(self: RunFolder, epoch: int, **rest: Any) -> None:
        if len(saved) == 1:
            raise KeyboardInterrupt
        saved.append(epoch)
        plain(self, epoch, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_epoch", cut)
        with pytest.raises(KeyboardInterrupt):
            comparison(scope(workshop(folder=tmp_path / "cut")), [arm], [column], title="t")
    assert comparison(scope(workshop(folder=tmp_path / "cut")), [arm], [column], title="t") == whole


def test_a_run_may_be_moved_with_its_store(workshop: Make, prepared: Path, tmp_path: Path) -> None:
    made = workshop(folder=tmp_path / "made")
    (config,) = made.configs(load_preset("demo"), {})
    before = made.measure(config)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "builtin").symlink_to((prepared / "builtin").resolve())
    (tmp_path / "made").rename(tmp_path / "moved")
    moved = workshop(folder=tmp_path / "moved", prepared=tmp_path / "elsewhere")
    (config,) = moved.configs(load_preset("demo"), {})
    assert moved.measure(config).table == before.table
    moved.measure(config, steps=named_steps(["prototype_alignment:alpha=0.2"]))
    held = TrainingConfig.from_yaml(moved.run(config).folder.path / CONFIG)
    assert held.store == tmp_path / "elsewhere" / "builtin"


def test_a_damaged_measurement_is_one_sentence(workshop: Make, tmp_path: Path) -> None:
    made = workshop(folder=tmp_path)
    (config,) = made.configs(load_preset("demo"), {})
    whole = made.measure(config)
    places = sorted((tmp_path / "measured").glob("*.json"))
    assert len(places) == 1 + len(USUAL)  # of the clips, and of every step
    for place in places:
        text = place.read_text()
        place.write_text("{")
        with pytest.raises(SkeltextError, match=f"{place} is damaged .*; remove it and give the command again"):
            made.measure(config)
        place.write_text(text)
    assert made.measure(config).table == whole.table


def test_a_table_is_plain_values_and_a_frame() -> None:
    grid = Grid(title="t", columns=("model", "last %"), rows=[("a", Spread(50.0, 2.0)), ("b", None)])
    assert grid.to_dict() == {"title": "t", "columns": ["model", "last %"], "rows": [["a", [50.0, 2.0]], ["b", None]]}
    frame = grid.to_frame()
    assert list(frame.columns) == ["model", "last %", "last % std"]
    assert frame["last %"].tolist()[0] == 50.0
    assert frame["last %"].isna().tolist() == [False, True]
    assert json.loads(json.dumps(Found(grids=[grid], notes=["n"]).to_dict()))["notes"] == ["n"]


def test_the_reduced_version_says_so_and_reduces(workshop: Make) -> None:
    (config,) = workshop().configs(load_preset("demo"), {})
    assert (config.epochs, config.clips_per_class, config.batch_size) == (2, 2, 16)
    whole = workshop(quick=None, seeds=(3, 4)).configs(load_preset("demo"), {})
    assert [(one.seed, one.epochs, one.clips_per_class) for one in whole] == [(3, 10, None), (4, 10, None)]
    preset = replace(load_preset("demo"), splits=("0", "1"))
    assert [one.split for one in workshop(quick=None).configs(preset, {})] == ["0", "1"]
    assert [one.split for one in workshop(quick=None, most_splits=1).configs(preset, {})] == ["0"]


def test_the_difference_is_taken_from_the_last_epoch(workshop: Make) -> None:
    column = columns_for(scope(workshop()))[0]
    arm = Arm(label="one", paper={"builtin": 12.5})
    (row,) = comparison(scope(workshop()), [arm], [column], title="t").rows
    found = dict(zip(COLUMNS, row, strict=True))
    last = found["last %"]
    assert isinstance(last, Spread)
    assert found["last - paper"] == last.mean - 12.5
    assert last.std is None  # a single run
    assert found["runs"] == 1


def test_what_is_tested_on_the_unseen_classes_of_another_preset(workshop: Make) -> None:
    column = Column(key="a/b", title="to", preset=load_preset("demo"), on=replace(load_preset("demo"), splits=("1",)))
    on = replace(column.on, settings={"dataset": "builtin"})  # type: ignore[type-var]
    (run,) = measured(workshop(), Arm(label="x"), replace(column, on=on))
    assert tuple(run.classes) == dataset_named("builtin").split("1").unseen


def test_first_stages_are_as_published_on_the_papers_data() -> None:
    ours, published = load_preset("kinect20"), load_preset("ntu60-setting1")
    assert "epochs" not in first_stage("classifier")(ours)
    assert first_stage("classifier")(published)["epochs"] == 150
    assert first_stage("logo-clr")(published)["epochs"] == 300
    for name in ("classifier", "skeleton-clr", "logo-clr"):
        TrainingConfig(**{**ours.settings, **first_stage(name)(ours)})


@pytest.mark.parametrize(
    ("cell", "column", "text"),
    [
        (Spread(53.52, 2.04), "last %", "53.5 ± 2.0"),
        (Spread(0.2, None), "silhouette", "0.200"),
        (None, "paper %", "\N{EN DASH}"),
        (-26.93, "last - paper", "-26.9"),
        (0.1, "alpha", "0.1"),
        (12, "runs", "12"),
        ("a | b", "model", "a | b"),
    ],
)
def test_cells_as_people_read_them(cell: Any, column: str, text: str) -> None:
    assert shown(cell, column) == text


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    grid = Grid(
        title="T <b>", columns=("model", "last %"), rows=[("a | b <script>", Spread(1 / 3, 0.5)), ("c, d", None)]
    )
    study = Study(name="made-up", title="Made up", about="Nothing.", conduct=lambda _: Found(grids=[grid]))
    paper = Paper(study=study, found=Found(grids=[grid], notes=["n < m"]), protocol="P.", command="skeltext x")
    written = write_study(paper, tmp_path / "out")
    rows = list(csv.reader(written.tables[0].read_text().splitlines()))
    assert rows == [["model", "last %", "last % std"], ["a | b <script>", str(1 / 3), "0.5"], ["c, d", "", ""]]
    assert "| a \\| b <script> | 0.3 ± 0.5 |" in written.text.read_text()
    page = written.page.read_text()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    told = json.loads((tmp_path / "out" / "made-up.json").read_text())
    assert told["tables"][0]["rows"] == [["a | b <script>", [1 / 3, 0.5]], ["c, d", None]]
    assert not list((tmp_path / "out").glob(".*"))


def test_bars_of_a_comparison_have_a_place_for_everything(tmp_path: Path) -> None:
    rest = (None, None, None, None, 1)
    grid = Grid(
        title="t",
        columns=COLUMNS,
        rows=[("a", "x", None, Spread(10, None), *rest), ("b", "y", None, Spread(20, None), *rest)],
    )
    bars_of(grid)(tmp_path / "bars.png")
    assert (tmp_path / "bars.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["table99"], "there is no study 'table99'; there are table1, table2,"),
        (["table1", "--dataset", "abacus"], "data set 'abacus' is not known"),
        (["table1", "--dataset", "utd-mhad"], "get the data set .* then `skeltext prepare utd-mhad --raw FOLDER"),
        (["table1"], "rose1.*nturgbd_skeletons_s001_to_s017.zip.*skeltext prepare ntu60 .*skeltext prepare pku-mmd"),
        (["table8", "--dataset", "builtin"], "builtin has no preset for oneshot; there is one for utd-mhad,"),
        (["table10", "--dataset", "builtin"], "1 data sets, expected two: `--dataset kinder-gator --dataset utd-mhad`"),
    ],
)
def test_what_is_missing_is_one_sentence(
    words: list[str], sentence: str, prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", *words, "--prepared", str(prepared), "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert error.startswith("skeltext: ")
    assert len(error.strip().splitlines()) == 1
    assert re.search(sentence, error), error
    assert not (tmp_path / "out").exists()


def test_missing_sets_of_the_paper_are_left_out_with_a_word(prepared: Path, tmp_path: Path) -> None:
    seen: list[Scope] = []
    study = Study(
        name="x",
        title="X",
        about="Y.",
        conduct=lambda scope: seen.append(scope) or Found(grids=[]),
        paper_sets=("builtin", "ntu60"),
    )
    made = Workshop(folder=tmp_path, prepared=prepared, bars=ProgressBars(quiet=True), settings={})
    paper = command_module._conduct(study, made, (), ())
    assert seen[0].datasets == ("builtin",)
    assert paper.found.notes[0].startswith(f"Left out: {prepared / 'ntu60'} does not exist; get the data set")


def test_the_command_writes_prints_and_repeats_itself(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "table7", "theorem1", "--quick", "--out", str(tmp_path / "out")]
    command(*words, "--json")
    told = json.loads(capsys.readouterr().out)["studies"]
    assert [one["study"] for one in told] == ["table7", "theorem1"]
    assert told[0]["command"] == "skeltext reproduce table7 --quick"
    sizes = dict(zip(told[0]["tables"][0]["columns"], told[0]["tables"][0]["rows"][0], strict=True))
    assert sizes["parameters"] == 821_380
    assert sizes["with projection to 768"] == 1_018_756
    assert round(sizes["G multiply-adds per clip"], 3) == 0.612
    for one in told:
        assert Path(one["page"]).exists()
        assert all(Path(path).exists() for path in [*one["csv"], *one["pictures"]])
    command(*words)
    printed = capsys.readouterr().out
    assert "Table VII" in printed
    assert "821,380" in printed


def test_the_list_names_every_study(capsys: pytest.CaptureFixture[str]) -> None:
    command("reproduce", "--list", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == list(STUDIES)
    paper = {*(f"table{number}" for number in range(1, 11)), *(f"fig{number}" for number in range(6, 11))}
    assert paper < set(listed)
    command("reproduce")
    assert "table10" in capsys.readouterr().out


def test_presets_by_data_set_and_setting() -> None:
    assert preset_of("ntu120").name == "ntu120-setting1"
    assert preset_of("ntu60", "setting2").name == "ntu60-setting2"
    assert preset_of("builtin").name == "demo"
    with pytest.raises(SkeltextError, match="hdm05 has no preset for setting1"):
        preset_of("hdm05")


def test_centroids_of_the_theorem_beat_texts_with_enough_clips(workshop: Make) -> None:
    grid = study_named("theorem1").conduct(Scope(workshop=workshop(), datasets=())).grids[0]
    clean = [row for row in grid.rows if row[2] == 0 and row[1] == 300]
    texts, centroids = np.array([[row[3], row[4]] for row in clean], float).T
    assert (centroids > texts).all()


def test_orders_of_a_stream_show_every_clip_once() -> None:
    labels = np.repeat(np.arange(5), 30)
    changes = {}
    for name, order in ORDERS.items():
        places = order(np.random.default_rng(1), labels)
        assert sorted(places) == list(range(150))
        changes[name] = int((np.diff(labels[places]) != 0).sum())
    assert changes["class-sorted"] == 4 < changes["drifting"] < changes["random"]


def test_a_stream_is_answered_before_it_is_learnt() -> None:
    rng = np.random.default_rng(0)
    labels, texts = rng.integers(0, 3, 60), np.eye(3, 8, dtype=np.float32)
    run = Measured(
        classes=list("abc"),
        chance=1 / 3,
        table={},
        class_table={},
        labels=labels,
        predicted={"plain": labels, "prototype_alignment": (labels + 1) % 3},
        features=texts[labels],
        texts=texts,
        anchors={},
    )
    one = streamed(run, rng.permutation(60))
    assert one.right[:2].all()
    assert not one.right[2].any()
    assert one.end.tolist() == [1, 1, 0]
    assert one.gains.tolist() == [[0] * 10, [-100] * 10]
    assert one.regret[:, -1].tolist() == [0, 60]


def test_a_goal_is_met_or_missed_by_so_many_points() -> None:
    assert _goal("x", -1.0)[2:] == ("-1.0", "met", None)
    assert _goal("x", -3.25, 0.5)[2:] == ("-3.2", "missed by 2.2", "+0.5")


def test_rows_of_the_text_spaces_and_what_is_left_out() -> None:
    rows, left_out = text_spaces._methods()
    assert {"ridge", "mlp", "ensemble", "devise", "pgfa"} <= set(rows)
    assert not {"dvta", "jpose", "purls", "synse", "smie"} & set(rows)
    assert "JPoSE" in left_out[0]
    assert "SMIE" in left_out[1]


def test_text_spaces_are_compared_by_method_and_by_their_parts(
    workshop: Make,
    embed_offline: Callable[[Sequence[str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind in ("name", "complete", "skeleton"):
        embed_offline(class_texts("builtin", dataset_named("builtin").classes, kind=kind))
    monkeypatch.setattr(text_spaces, "_methods", lambda: (["ridge", "pgfa"], ["Left out: others."]))
    settings = {"text_encoder": "minilm", "label_map": False, "device": "cpu", "threads": 1}
    study = study_named("text-spaces")
    found = study.conduct(scope(workshop(settings=settings)))
    methods, parts = found.grids
    assert [row[:2] for row in methods.rows] == [
        (title, space) for title in ("Ridge", "PGFA") for space in ("sentence", "lexical")
    ]
    assert len(parts.rows) == 6
    assert [row for row in parts.rows if row[1] in ("sentence", "lexical")] == methods.rows[:2]
    for grid in found.grids:
        rows = grid.flat_rows()
        first = {row["method"]: row["last %"] for row in rows if row["text space"] == "sentence"}
        for row in rows:
            assert row["last - sentence, %"] == pytest.approx(row["last %"] - first[row["method"]], abs=1e-5)
            assert row["within %"] is None  # all clips are of one source
    written = write_study(Paper(study=study, found=found, protocol="Made up.", command="skeltext"), tmp_path)
    assert [path.name for path in written.pictures] == ["text-spaces-last-builtin.png"]
    assert "Left out: others." in found.notes
