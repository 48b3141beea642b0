"""The report: every number is there, nothing in it runs or loads, and the page works in a real browser."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skeltext.benchmark.report.figures import curve_data, moving_figure, moving_figures, worst_confusions
from skeltext.benchmark.report.projection import MAX_POINTS, feature_map
from skeltext.benchmark.report.report import write_report
from skeltext.benchmark.report.words import HUES, NONE, headline, percent
from skeltext.errors import SkeltextError
from skeltext.evaluation.results import RULES, Curves, Evaluation, RunResult, Sample, Summary, Table
from skeltext.skeletons.layouts import KINECT20

CLASSES = {
    "wave with the right hand": "Standing still, the person raises the right hand to head height with a bent elbow"
    " and swings it quickly left and right several times before lowering it.",
    "throw": "The person steps forward, brings the right hand back behind the head, then swings the arm forward"
    " overhead once and quickly until it points down in front.",
    "clap": "With the elbows bent at the sides, both hands meet in front of the chest and part again repeatedly.",
    "sit to stand": "From a seat the person leans the chest forward, pushes up by straightening hips and knees,"
    " and ends upright.",
    "forward lunge": "The left foot steps far forward and both knees bend until the back knee is near the floor,"
    " then the person pushes back to standing.",
    "boxing": "Both fists are held before the chin and shoot forward one after the other in quick straight punches.",
    "draw a circle, clockwise": "The extended right hand draws one large slow circle in front of the body,"
    " from overhead down past the right hip and up again on the left.",
}
FIRST, LAST, ABSENT = "plain", "prototype_alignment", "prototype_bank:capacity=8"
STEPS = [FIRST, LAST]
HOSTILE = [
    '</script><img src=x onerror="window.hacked=1">',
    "\"'><svg onload=window.hacked=1>",
    "größer & 挥手 \u202e {{ 7*7 }}",
]
STANDING = np.array(
    [[0, 1, 0], [0, 1.1, 0], [0, 1.45, 0], [0, 1.65, 0]]
    + [[s * x, y, 0] for s in (-1, 1) for x, y in ((0.18, 1.42), (0.25, 1.15), (0.28, 0.92), (0.28, 0.84))]
    + [
        [s * x, y, z]
        for s in (-1, 1)
        for x, y, z in ((0.1, 0.95, 0), (0.12, 0.5, 0), (0.12, 0.08, 0), (0.13, 0.03, -0.12))
    ]
)


def moving_body(rng: np.random.Generator, *, frames: int = 60) -> np.ndarray[Any, Any]:
    """(1, T, V, 3): the right arm swings up and down, every joint wanders a little, some are missing now and then."""
    body = np.repeat(STANDING[None], frames, axis=0) + rng.normal(0, 0.004, (frames, 20, 3)).cumsum(axis=0)
    angle = rng.uniform(1, 2.6) * np.sin(np.linspace(0, rng.uniform(2, 9), frames)) ** 2
    for joint, reach in ((9, 0.28), (10, 0.5), (11, 0.58)):
        body[:, joint] += np.stack(
            [0.4 * reach * np.sin(angle), reach * (1 - np.cos(angle)), -reach * np.sin(angle)], axis=1
        )
    body[rng.random((frames, 20)) < 0.01] = np.nan
    return np.asarray(body[None], np.float32)


def rising(rng: np.random.Generator, *, end: float, epochs: int = 40) -> list[float]:
    """Accuracies that grow to about `end` with noise."""
    growth = 1 / 7 + (end - 1 / 7) * (1 - np.exp(-np.arange(epochs) / 9))
    return [float(value) for value in np.clip(growth + rng.normal(0, 0.015, epochs), 0, 1)]


def fake_run(
    seed: int = 0,
    *,
    classes: list[str] | None = None,
    each: int = 30,
    samples: int = 8,
    steps: Sequence[str] = STEPS,
) -> RunResult:
    """A run with K classes, `each` clips per class and features that cluster around shifted anchors.

    Every one of the `steps` but the first moves the anchors.
    """
    rng = np.random.default_rng(seed)
    names = classes or list(CLASSES)
    k, d = len(names), 48
    texts = rng.normal(0, 1, (k, d)) + 1.5
    centers = texts * 0.6 + rng.normal(0, 0.8, (k, d))
    labels = np.repeat(np.arange(k), each)
    features = centers[labels] + rng.normal(0, 0.75, (k * each, d))
    wrong = rng.integers(0, k, k * each)
    predicted = {
        step: np.where(rng.random(k * each) < share, labels, np.minimum(wrong, np.roll(wrong, 1)))
        for step, share in zip(steps, np.linspace(0.27, 0.4, len(steps)), strict=True)
    }
    last = {step: float((found == labels).mean()) for step, found in predicted.items()}
    unseen = {step: [*rising(rng, end=last[step], epochs=39), last[step]] for step in steps}
    pseudo = {step: rising(rng, end=last[step] + 0.08) for step in steps}
    chosen: dict[str, dict[str, int | None]] = {
        step: {
            "last": 40,
            "pseudo-unseen": int(np.argmax(pseudo[step])) + 1,
            "oracle": int(np.argmax(unseen[step])) + 1,
        }
        for step in steps
    }
    table: Table = {
        step: {rule: unseen[step][(epoch or 0) - 1] for rule, epoch in chosen[step].items()} for step in steps
    }
    moved = 0.85 * centers + 0.15 * texts
    shown = rng.permutation(k * each)[:samples]
    return RunResult(
        name=f"split {seed // 3 + 1}, seed {seed % 3}",
        dataset="utd-mhad",
        method="pgfa",
        split=str(seed // 3 + 1),
        seed=seed % 3,
        classes=names,
        descriptions=[CLASSES.get(name, f"How {name} looks.") for name in names],
        chance=1 / k,
        steps=list(steps),
        table=table,
        class_table={step: {rule: (value or 0) - 0.01 for rule, value in row.items()} for step, row in table.items()},
        chosen=chosen,
        curves=Curves(
            epochs=list(range(1, 41)),
            loss=(0.4 + 3 * np.exp(-np.arange(40) / 10) + rng.normal(0, 0.03, 40)).tolist(),
            unseen=unseen,
            pseudo_unseen=pseudo,
        ),
        ids=[f"a{clip:03d}_s{seed}" for clip in range(k * each)],
        labels=labels,
        predicted=predicted,
        sources=["utd-mhad" if clip % 3 else "msr-action3d" for clip in range(k * each)],
        within=predicted,
        features=features.astype(np.float32),
        texts=texts.astype(np.float32),
        anchors={step: (moved + 0.4 * i).astype(np.float32) for i, step in enumerate(steps[1:])},
        samples=[
            Sample(
                id=f"a{clip:03d}_s{seed}",
                label=int(labels[clip]),
                predicted={step: int(found[clip]) for step, found in predicted.items()},
                fps=30.0,
                positions=moving_body(rng),
                bones=KINECT20.bones,
            )
            for clip in shown
        ],
    )


def summary_of(tables: list[Table]) -> Summary:
    """Mean and spread of every cell."""
    steps = list(tables[0])
    cells = {step: {rule: [table[step][rule] for table in tables] for rule in RULES} for step in steps}
    known = {step: {rule: None not in values for rule, values in row.items()} for step, row in cells.items()}

    def over(function: Any) -> Table:
        return {
            step: {rule: float(function(values)) if known[step][rule] else None for rule, values in row.items()}
            for step, row in cells.items()
        }

    return Summary(mean=over(np.mean), std=over(np.std))


def fake_evaluation(runs: list[RunResult]) -> Evaluation:
    return Evaluation(
        title="Actions never seen: UTD-MHAD, 7 unseen of 27",
        protocol="Three splits of the 27 actions into 20 seen and 7 unseen, three seeds each. Training uses the clips"
        " of the seen actions alone; the numbers are of all clips of the unseen actions.",
        command="skeltext evaluate --dataset utd-mhad --method pgfa --splits 1,2,3 --seeds 0,1,2",
        steps=runs[0].steps,
        runs=runs,
        micro=summary_of([run.table for run in runs]),
        per_class=summary_of([run.class_table for run in runs]),
        chance=runs[0].chance,
        per_source={
            "utd-mhad": {"clips": 140} | dict.fromkeys(runs[0].predicted, 0.2714),
            "msr-action3d": {"clips": 70} | dict.fromkeys(runs[0].predicted, 0.4019),
        },
        within_source={"clips": 180, "chance": 0.2093} | dict.fromkeys(runs[0].predicted, 0.6137),
    )


class Page(HTMLParser):
    """What a browser would make of the page: tags, attributes, the text of table cells and of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and its attributes, and open a script."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """Text that follows belongs to no script and no style."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Keep scripts apart from what is read."""
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.words += " " + data

    @property
    def data(self) -> Any:
        """What the figures are drawn from."""
        return json.loads(self.scripts[0])


def written(evaluation: Evaluation, folder: Path) -> Page:
    return Page(write_report(evaluation, folder / "report.html").read_text("utf-8"))


@pytest.fixture(scope="module")
def nine() -> Evaluation:
    return fake_evaluation([fake_run(seed) for seed in range(9)])


@pytest.fixture(scope="module")
def nine_file(nine: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(nine, tmp_path_factory.mktemp("report") / "nine runs.html")


def without_pseudo(run: RunResult) -> RunResult:
    """The same run as if no pseudo-unseen classes had been held out."""
    empty: dict[str, Any] = {
        name: {step: {**row, "pseudo-unseen": None} for step, row in getattr(run, name).items()}
        for name in ("table", "class_table", "chosen")
    }
    return replace(run, **empty, curves=replace(run.curves, pseudo_unseen={FIRST: [], LAST: [float("nan")] * 40}))


def with_absent(run: RunResult) -> RunResult:
    """The same run, which was also asked for a step that does not apply to its method, between the others."""
    nothing: dict[str, Any] = {
        name: {**getattr(run, name), ABSENT: dict.fromkeys(RULES)} for name in ("table", "class_table", "chosen")
    }
    unseen, pseudo = run.curves.unseen | {ABSENT: []}, run.curves.pseudo_unseen | {ABSENT: []}
    curves = replace(run.curves, unseen=unseen, pseudo_unseen=pseudo)
    return replace(run, steps=[FIRST, ABSENT, LAST], curves=curves, **nothing)


def test_the_page_refers_to_nothing_outside_itself(nine_file: Path) -> None:
    text = nine_file.read_text("utf-8")
    page = Page(text)
    links = [value for name, value in page.attributes if name in {"src", "href", "srcset", "action", "poster"}]
    assert [link for link in links if not link.startswith(("data:", "#"))] == []
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|WebSocket|import\(", text)
    assert set(re.findall(r"https?://[^\"'\s]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
    }
    assert "default-src 'none'" in text
    assert not {"iframe", "img", "object", "embed"} & set(page.tags)


@pytest.mark.parametrize("runs", [1, 9])
def test_every_number_of_the_tables_is_told(nine: Evaluation, tmp_path: Path, runs: int) -> None:
    evaluation = fake_evaluation(nine.runs[:runs])
    words = written(evaluation, tmp_path).words.split()
    for summary in (evaluation.micro, evaluation.per_class):
        for step in STEPS:
            for rule in RULES:
                assert percent(summary.mean[step][rule]) in words
                if runs > 1:
                    assert percent(summary.std[step][rule]) in words
    for run in evaluation.runs:
        for step in STEPS:
            assert {percent(run.table[step][rule]) for rule in RULES} <= set(words)
            assert {str(run.chosen[step][rule]) for rule in RULES} <= set(words)
    for found in evaluation.per_source.values():
        assert {str(found["clips"]), percent(found[FIRST]), percent(found[LAST])} <= set(words)
    assert {"skeltext", "--splits", "14.3"} <= set(words)
    assert {percent(evaluation.within_source[name]) for name in ("chance", FIRST)} <= set(words)
    assert ("±" in words) == (runs > 1)


def test_the_headline_is_a_sentence_and_one_run_claims_no_spread(nine: Evaluation) -> None:
    cells: Table = {FIRST: dict.fromkeys(RULES, 0.2701), LAST: dict.fromkeys(RULES, 0.33149)}
    spread: Table = {step: dict.fromkeys(RULES, 0.0204) for step in STEPS}
    evaluation = replace(nine, micro=Summary(mean=cells, std=spread), chance=1 / 7)
    assert headline(evaluation).replace("\N{NO-BREAK SPACE}", " ") == (
        "Of clips showing 7 actions never seen in training, 33.1 % ± 2.0 were recognised after the last epoch"
        " with prototype_alignment (27.0 % ± 2.0 before it); guessing gives 14.3 %."
    )
    assert "±" not in headline(replace(evaluation, runs=nine.runs[:1]))
    more = replace(evaluation, runs=[nine.runs[0], replace(nine.runs[1], classes=list("abcde"))])
    assert "5 to 7 actions" in headline(more)


def test_a_rule_without_basis_is_a_dash_that_says_why(nine: Evaluation, tmp_path: Path) -> None:
    evaluation = fake_evaluation([without_pseudo(run) for run in nine.runs[:2]])
    page = written(evaluation, tmp_path)
    reasons = [value for name, value in page.attributes if name == "title"]
    assert reasons.count("no pseudo-unseen classes were held out") == 4 + 2 * 2
    assert page.words.split().count(NONE) == 4 + 2 * 2
    assert page.data["runs"][0]["curves"]["pseudoUnseen"] == {FIRST: [None] * 40, LAST: [None] * 40}
    assert "NaN" not in page.scripts[0]


def test_a_step_that_does_not_apply_is_named_without_numbers(tmp_path: Path) -> None:
    evaluation = fake_evaluation([with_absent(fake_run(seed)) for seed in range(2)])
    page = written(evaluation, tmp_path)
    reasons = [value for name, value in page.attributes if name == "title"]
    assert (
        reasons.count("the step does not apply to this method") == (2 + 2) * len(RULES) + 3
    )  # tables, sources, within one
    assert "does not apply" in page.words
    assert ABSENT in page.words.split()
    run = page.data["runs"][0]
    assert run["steps"] == list(run["confusion"]) == list(run["worst"]) == [FIRST, LAST]
    assert f"with {LAST}" in headline(evaluation)
    first = replace(evaluation, steps=[FIRST, ABSENT])
    assert "with" not in headline(first)
    assert f"{percent(first.micro.mean[FIRST]['last'])}\N{NO-BREAK SPACE}% were recognised" in headline(
        replace(first, runs=first.runs[:1])
    )


def test_colors_of_steps_stand_out_in_light_and_dark(nine_file: Path) -> None:
    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    schemes = re.findall(r":root \{(.*?)\}", nine_file.read_text("utf-8"), re.DOTALL)
    assert len(schemes) == 3  # light, dark and on paper
    for scheme in schemes:
        colors = dict(re.findall(r"--(\w+): #(\w{6})", re.sub(r"#(\w)(\w)(\w);", r"#\1\1\2\2\3\3;", scheme)))
        steps = [luminance(color) for name, color in colors.items() if re.fullmatch(r"s\d", name)]
        assert len(steps) == HUES >= 6
        for back in (luminance(colors["paper"]), luminance(colors["card"])):
            assert min((max(step, back) + 0.05) / (min(step, back) + 0.05) for step in steps) >= 3


def test_hostile_names_are_inert(tmp_path: Path) -> None:
    names = [*HOSTILE, "throw"]
    steps = [FIRST, HOSTILE[0]]
    run = fake_run(classes=names, steps=steps)
    run = replace(run, name=HOSTILE[0], split=HOSTILE[1], dataset=HOSTILE[2], sources=[HOSTILE[0]] * len(run.labels))
    evaluation = replace(
        fake_evaluation([run, fake_run(1, classes=names, steps=steps)]),
        title=HOSTILE[0],
        protocol=HOSTILE[1],
        command=HOSTILE[2],
        per_source={name: {"clips": 3, FIRST: 0.5, HOSTILE[0]: 0.5} for name in HOSTILE},
    )
    page = written(evaluation, tmp_path)
    assert page.tags.count("script") == 2
    assert not {"img", "svg"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert page.data["runs"][0]["classes"] == names
    assert "{{ 7*7 }}" in page.words


def test_a_name_that_is_no_unicode_text_does_not_cost_the_page(nine: Evaluation, tmp_path: Path) -> None:
    assert "odd ? name" in written(replace(nine, runs=nine.runs[:1], title="odd \udc80 name"), tmp_path).words


def test_nine_large_runs_stay_under_five_megabytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    classes = [f"action number {i}" for i in range(24)]
    body = rng.normal(0, 1, (2, 300, 25, 3)).astype(np.float32)
    run = fake_run(classes=classes, each=120)
    run = replace(run, samples=[replace(run.samples[0], positions=body)] * 24)
    path = write_report(fake_evaluation([run] * 9), tmp_path / "report.html")
    assert path.stat().st_size < 5_000_000
    told = Page(path.read_text("utf-8")).data["runs"][0]
    assert 0 < len(told["samples"]) < told["sampleCount"] == 24
    assert len(told["map"]["points"]) == MAX_POINTS < told["map"]["total"] == 2880


def test_a_page_is_written_whole_or_not_at_all(nine: Evaluation, tmp_path: Path) -> None:
    one = replace(nine, runs=nine.runs[:1])
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.html").mkdir()
    for path in (tmp_path / "folder.html", tmp_path / "file" / "report.html", tmp_path / ("n" * 300)):
        with pytest.raises(SkeltextError, match="cannot be written"):
            write_report(one, path)
    with pytest.raises(SkeltextError, match="no file name"):
        write_report(one, Path())
    with pytest.raises(SkeltextError, match="no runs"):
        write_report(replace(nine, runs=[]), tmp_path / "empty.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.html"]
    assert write_report(one, tmp_path / "new" / "report.html").is_file()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]


def test_moving_figures_keep_their_shape_and_their_gaps() -> None:
    sample = fake_run(samples=1).samples[0]
    positions = sample.positions.copy()
    positions[0, 6, 4] = np.nan
    figure = moving_figure(replace(sample, positions=positions))
    assert figure["shape"] == [1, 30, 20]  # 60 frames at 30 fps, every second one
    assert figure["fps"] == 15.0
    steps = np.frombuffer(base64.b64decode(figure["data"]), "<i2").reshape(30, 20, 3)
    kept = positions[0, ::2]
    missing = np.asarray(np.isnan(kept).any(axis=2))
    assert missing[3, 4]
    np.testing.assert_array_equal((steps == -32768).all(axis=2), missing)
    before, after = kept[~missing], steps[~missing].astype(float)
    ratios = np.linalg.norm(np.diff(after, axis=0), axis=1) / np.linalg.norm(np.diff(before, axis=0), axis=1)
    np.testing.assert_allclose(ratios, np.median(ratios), rtol=0.05)


def test_key_points_of_a_picture_stand_upright_in_a_plane() -> None:
    sample = fake_run(samples=1).samples[0]
    picture = sample.positions[..., :2] * np.float32([1, -1])  # y is down
    figure, solid = (moving_figure(replace(sample, positions=x)) for x in (picture, sample.positions))
    assert figure["shape"] == solid["shape"]
    steps = np.frombuffer(base64.b64decode(figure["data"]), "<i2").reshape(30, 20, 3)
    shown = (steps != -32768).all(axis=2)
    assert not steps[shown, 2].any()
    assert np.corrcoef(steps[shown, 1], sample.positions[0, ::2][shown, 1])[0, 1] > 0.999


def test_samples_that_show_nothing_are_left_out() -> None:
    sample = fake_run(samples=1).samples[0]
    empty = replace(sample, positions=np.full_like(sample.positions, np.nan))
    assert len(moving_figures([empty, sample], limit=10**6)) == 1
    assert moving_figures([sample], limit=10) == []


def test_the_worst_confusions_are_counted() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    run = replace(
        fake_run(),
        classes=["a", "b", "c"],
        labels=labels,
        predicted={FIRST: np.array([1, 0, 0, 2, 2, 2]), LAST: np.array([1, 1, 0, 2, 1, 2])},
    )
    assert worst_confusions(run, LAST) == [
        {"truth": 0, "predicted": 1, "count": 2, "before": 1, "clips": 3},
        {"truth": 1, "predicted": 2, "count": 1, "before": 2, "clips": 2},
    ]
    assert [pair["count"] for pair in worst_confusions(run, FIRST)] == [2, 1]
    assert worst_confusions(replace(run, predicted={FIRST: labels}), FIRST) == []


def test_the_map_places_equal_vectors_on_one_spot_and_keeps_distances() -> None:
    run = fake_run()
    run = replace(run, anchors={LAST: 3 * run.texts})  # only the direction counts
    found = feature_map(run)
    assert found["anchors"] == {LAST: found["texts"]}
    assert min(x for x, _ in found["points"] + found["texts"]) == 0
    assert max(x for x, _ in found["points"] + found["texts"]) == 1000
    assert 0.1 < found["share"] < 1


def test_a_run_that_diverged_still_has_its_page(nine: Evaluation, tmp_path: Path) -> None:
    run = nine.runs[0]
    lost = [1.0, float("nan"), float("inf")] + [float("nan")] * 37
    broken = replace(
        run,
        features=np.full_like(run.features, np.nan),
        texts=np.zeros_like(run.texts),
        anchors={LAST: np.zeros_like(run.texts)},
        curves=replace(run.curves, loss=lost),
    )
    told = written(fake_evaluation([broken]), tmp_path).data["runs"][0]
    assert told["curves"]["loss"][:3] == [1.0, None, None]
    assert told["map"]["share"] == 0
    assert curve_data(replace(run.curves, epochs=[], loss=[]))["unseen"] == {FIRST: [], LAST: []}


ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real browser; skipped with a reason where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    executable = os.environ.get("SKELTEXT_CHROMIUM") or shutil.which("chromium")
    if not executable:
        pytest.skip("no browser: install chromium or set SKELTEXT_CHROMIUM to its path")
    with playwright.sync_playwright() as control:
        browser = control.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


class Opened:
    """A page opened from disk that remembers what it complained about and what it asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.page = browser.new_context(**{"reduced_motion": "reduce", **options}).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def close(self, path: Path) -> None:
        """Nothing was complained about and nothing but the page itself was asked for."""
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith("data:")] == [path.as_uri()]
        self.page.context.close()

    def picture(self) -> str:
        """The first stick figure as it is painted now."""
        return str(self.page.evaluate("document.querySelector('canvas').toDataURL()"))


def test_a_browser_draws_every_figure_and_changes_runs(browser: Any, nine: Evaluation, nine_file: Path) -> None:
    opened = Opened(browser, nine_file)
    page = opened.page
    for index in (0, 5):
        page.select_option("#run", str(index))
        run = nine.runs[index]
        assert f"split {run.split}, seed {run.seed}: 210 test clips" in page.inner_text("#summary")
        assert page.locator("#curves .curve").count() == 5
        assert page.locator("#curves .mark:not(.key-mark)").count() == 6
        counts = page.locator("#confusion td.square").all_text_contents()
        assert list(map(int, counts)) == [*run.confusion(FIRST).flat, *run.confusion(LAST).flat]
        assert page.locator("#map .point.of-class").count() == 210
        assert page.locator("#worst article").count() == 5
        assert page.locator("#motion canvas").count() == 8
        assert run.samples[0].id in page.inner_text("#motion")
    opened.close(nine_file)


def test_a_browser_shows_values_and_toggles(browser: Any, nine: Evaluation, nine_file: Path) -> None:
    opened = Opened(browser, nine_file)
    page, run = opened.page, nine.runs[0]
    page.locator("#curves svg[tabindex]").press("Home")
    assert page.inner_text("#curves .readout thead").strip() == "epoch 1\tunseen\tpseudo-unseen"
    values = [f"{percent(values[LAST][0])} %" for values in (run.curves.unseen, run.curves.pseudo_unseen)]
    row = page.locator("#curves .readout tbody tr").nth(1)
    assert [row.locator("th").inner_text(), *row.locator("td").all_inner_texts()] == [LAST, *values]
    page.get_by_label("right or wrong").check(force=True)
    for step in (LAST, FIRST):
        page.get_by_label("Step", exact=True).select_option(step)
        wrong = int((run.predicted[step] != run.labels).sum())
        assert page.locator("#map svg.map .point.wrong").count() == wrong
    page.get_by_label("Step", exact=True).select_option(LAST)
    page.get_by_role("button", name="boxing").click()
    assert page.locator("#map .point.lit").count() == 30
    page.locator("#map .point.lit").first.dispatch_event("pointerover")
    tip = page.inner_text("#tip")
    assert "shown: boxing" in tip
    assert f"{LAST}: {run.classes[run.predicted[LAST][150]]}" in tip
    page.keyboard.press("Escape")
    assert not page.is_visible("#tip")
    opened.close(nine_file)


def test_a_browser_plays_scrubs_and_turns_the_figures(browser: Any, nine_file: Path) -> None:
    opened = Opened(browser, nine_file)
    page = opened.page
    page.locator("#motion").scroll_into_view_if_needed()
    page.wait_for_timeout(150)
    still = opened.picture()
    page.wait_for_timeout(150)
    assert opened.picture() == still  # whoever asked for less motion sees none
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(300)
    moved = opened.picture()
    page.wait_for_timeout(300)
    assert len({still, moved, opened.picture()}) == 3
    page.get_by_role("button", name="Pause").click()
    paused = opened.picture()
    page.locator("#motion canvas").first.press("ArrowRight")
    turned = opened.picture()
    page.locator("#motion input[type=range]").fill("0.5")
    assert "0.5 s" in page.inner_text("#motion .player")
    assert len({paused, turned, opened.picture()}) == 3
    opened.close(nine_file)


def test_figures_move_by_themselves_where_motion_is_welcome(browser: Any, nine_file: Path) -> None:
    opened = Opened(browser, nine_file, reduced_motion="no-preference")
    opened.page.locator("#motion canvas").first.scroll_into_view_if_needed()
    opened.page.get_by_role("button", name="Pause").wait_for()
    before = opened.picture()
    opened.page.wait_for_timeout(300)
    assert opened.picture() != before
    opened.close(nine_file)


SIX = [*STEPS, *(f"prototype_alignment:alpha=0.{i},pseudo_labels=weighted,temperature=0.05" for i in range(4))]


@pytest.mark.parametrize("steps", [STEPS[:1], STEPS, SIX], ids=["one step", "two", "six"])
@pytest.mark.parametrize("width", [360, 1200])
def test_no_width_scrolls_sideways_with_any_number_of_steps(
    browser: Any, tmp_path: Path, steps: list[str], width: int
) -> None:
    path = write_report(fake_evaluation([fake_run(seed, steps=steps) for seed in range(2)]), tmp_path / "report.html")
    opened = Opened(browser, path, viewport={"width": width, "height": 800})
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inner = "nodes => nodes.filter((node) => node.scrollWidth > node.clientWidth).length"
    assert page.locator(".scroll:has(.result, .runs)").evaluate_all(inner) == 0
    looks = page.locator("#curves .curve:not(.loss)").evaluate_all(
        "nodes => nodes.map((node) => [node.getAttribute('class'), node.getAttribute('stroke-dasharray')].join())"
    )
    assert len(set(looks)) == len(looks) == 2 * len(steps)
    opened.close(path)


def test_a_browser_shows_the_chosen_one_of_three_steps_one_of_which_does_not_apply(
    browser: Any, tmp_path: Path
) -> None:
    run = with_absent(fake_run())
    path = write_report(fake_evaluation([run]), tmp_path / "report.html")
    opened = Opened(browser, path)
    page = opened.page
    choice = page.get_by_label("Step", exact=True)
    assert choice.locator("option").all_text_contents() == [FIRST, LAST]
    assert choice.input_value() == LAST
    assert ABSENT in page.inner_text("#summary")
    assert page.locator("#map .arrow").count() > 0
    assert f"(by {FIRST}: " in page.locator("#worst h3").first.inner_text()
    assert page.locator("#motion .clip").first.locator("dt").all_inner_texts() == [FIRST, LAST]
    choice.press("ArrowUp")
    counts = page.locator("#confusion td.square").all_text_contents()
    assert list(map(int, counts)) == list(run.confusion(FIRST).flat)
    assert page.locator("#map .arrow").count() == 0
    assert f"by {FIRST}" not in page.locator("#worst h3").first.inner_text()
    assert page.locator("#motion .clip").first.locator("dt").all_inner_texts() == [FIRST]
    opened.close(path)


def test_a_browser_shows_hostile_names_as_text(browser: Any, tmp_path: Path) -> None:
    bare = without_pseudo(replace(fake_run(classes=[*HOSTILE, "throw"], samples=0), name=HOSTILE[0]))
    path = write_report(fake_evaluation([bare]), tmp_path / "report.html")
    opened = Opened(browser, path)
    assert opened.page.evaluate("window.hacked === undefined")
    assert opened.page.locator("#run option").all_text_contents() == [HOSTILE[0]]
    assert HOSTILE[1] in opened.page.locator("#confusion tbody th").all_text_contents()
    assert "kept no clips" in opened.page.inner_text("#motion")
    assert opened.page.locator("#curves .curve").count() == 3
    opened.close(path)
