"""Pictures: png files of the promised size that are the same every time, whatever the data are called and lack."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from skeltext.benchmark.pictures.bars import draw_bars
from skeltext.benchmark.pictures.canvas import DPI, canvas, colour, marker, wrapped
from skeltext.benchmark.pictures.confusion import draw_confusion
from skeltext.benchmark.pictures.lines import draw_lines
from skeltext.benchmark.pictures.scatter import Panel, draw_scatter
from skeltext.errors import SkeltextError

ODD = ("50 % $x_{$ \\frac & <b>", "日本語 🙂", "tab\tnew\nline\0", "a" * 90, "\ud800", "", "_hidden")
Draw = Callable[[Path], None]


def lines(path: Path, *, names: tuple[str, ...] = ("plain", "aligned"), title: str = "", bad: float = 0.4) -> None:
    """Two or more curves with a spread and a chance line."""
    series = {name: [0.1, bad, 0.2 + 0.1 * number] for number, name in enumerate(names)}
    spread = {names[0]: [0.01, bad, 0.02]}
    draw_lines([1, 10, 100], series, path, x_label=names[0], y_label=names[-1], title=title, spread=spread, chance=0.2)


def bars(path: Path, *, names: tuple[str, ...] = ("plain", "aligned"), title: str = "", bad: float = 0.4) -> None:
    """Groups of two bars."""
    series = {name: [bad] * len(names) for name in names[:2]}
    spread = {names[0]: [0.1] * len(names)}
    draw_bars(names, series, path, y_label=names[0], title=title, spread=spread, chance=-0.1)


def scatter(path: Path, *, names: tuple[str, ...] = ("wave", "clap"), title: str = "", bad: float = 0.4) -> None:
    """A panel of clips and one with anchors."""
    k = len(names)
    labels = np.arange(6 * k) % k
    points = np.random.default_rng(0).normal(size=(6 * k, 2))
    points[0] = bad
    texts = points[:k].copy()
    clips = Panel(title=names[0], points=points, labels=labels)
    anchors = Panel(title="aligned", points=points, labels=labels, texts=texts, prototypes=points[-k:])
    draw_scatter([clips, anchors], path, classes=names, title=title)


def confusion(path: Path, *, names: tuple[str, ...] = ("wave", "clap"), title: str = "", bad: float = 0.0) -> None:
    """Counts with a row that is empty."""
    counts = np.diag(np.arange(len(names)))
    draw_confusion(counts, names, path, title=title)


KINDS = pytest.mark.parametrize("draw", [lines, bars, scatter, confusion])


def pixels(path: Path) -> tuple[int, int]:
    """Width and height that a png file claims."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert head[12:16] == b"IHDR"
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def test_a_canvas_becomes_a_png_of_its_size_without_words_of_its_maker(tmp_path: Path) -> None:
    with canvas(tmp_path / "a.png", width=3.2, height=2.0, title="a title") as figure:
        figure.add_subplot().plot([1, 2])
    assert pixels(tmp_path / "a.png") == (round(3.2 * DPI), 2 * DPI)
    written = (tmp_path / "a.png").read_bytes()
    assert b"tEXt" not in written
    assert b"tIME" not in written
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


@KINDS
def test_the_same_data_make_the_same_bytes_whatever_the_settings(
    draw: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib

    draw(tmp_path / "first.png")
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30.0)
    monkeypatch.setitem(matplotlib.rcParams, "axes.facecolor", "black")
    draw(tmp_path / "second.png")
    assert matplotlib.rcParams["font.size"] == 30.0
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


@KINDS
def test_no_figure_stays_open(draw: Draw, tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


@KINDS
def test_names_and_titles_may_be_anything(draw: Callable[..., None], tmp_path: Path) -> None:
    for names in (ODD, ODD[::-1]):
        draw(tmp_path / "a.png", names=names, title=" ".join(names))
        assert min(pixels(tmp_path / "a.png")) > 200


@KINDS
@pytest.mark.parametrize("count", [1, 5, 24])
def test_pictures_have_room_for_many_classes(draw: Callable[..., None], count: int, tmp_path: Path) -> None:
    draw(tmp_path / "a.png", names=tuple(f"put something inside a pocket {number}" for number in range(count)))
    width, height = pixels(tmp_path / "a.png")
    assert 300 < width <= 16 * DPI
    assert 300 < height <= 14 * DPI


@pytest.mark.parametrize("draw", [lines, bars, scatter])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_left_out(draw: Callable[..., None], bad: float, tmp_path: Path) -> None:
    draw(tmp_path / "gap.png", bad=bad)
    draw(tmp_path / "whole.png")
    assert (tmp_path / "gap.png").read_bytes() != (tmp_path / "whole.png").read_bytes()


def test_a_missing_value_parts_the_line(tmp_path: Path) -> None:
    """With the middle missing the axes are as with it, and nothing is drawn between the ends."""
    drawn = {}
    for name, middle in (("gap", float("nan")), ("line", 1.0)):
        draw_lines([0, 1, 2], {"a": [1.0, middle, 1.0], "b": [0, 2, 0]}, tmp_path / name, x_label="x", y_label="y")
        drawn[name] = _blue(tmp_path / name)
    assert drawn["gap"] < 0.6 * drawn["line"]


def _blue(path: Path) -> int:
    """How many pixels have the colour of the first series."""
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    return int((np.abs(imread(path, format="png")[..., :3] - to_rgb(colour(0))).max(axis=-1) < 0.02).sum())


def test_logarithmic_axes_name_the_values(tmp_path: Path) -> None:
    series = {"centroids": [0.2, 0.5, 0.9]}
    for log_x in (False, True):
        draw_lines([1, 30, 1000], series, tmp_path / f"{log_x}", x_label="clips", y_label="y", log_x=log_x)
    assert (tmp_path / "False").read_bytes() != (tmp_path / "True").read_bytes()


def test_lengths_that_do_not_agree_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(ValueError, match="up has 2 values, expected 3, one for each of x"):
        draw_lines([1, 2, 3], {"up": [1, 2]}, path, x_label="x", y_label="y")
    with pytest.raises(ValueError, match="the spread of up has 1 values, expected 2"):
        draw_bars(["a", "b"], {"up": [1, 2]}, path, y_label="y", spread={"up": [1]})
    with pytest.raises(ValueError, match=r"spread of \['down'\], expected some of the series \['up'\]"):
        draw_lines([1], {"up": [1]}, path, x_label="x", y_label="y", spread={"down": [1]})
    points, labels = np.zeros((2, 2)), np.array([0, 1])
    with pytest.raises(ValueError, match="labels has 1 values, expected 2"):
        draw_scatter([Panel(title="a", points=points, labels=labels[:1])], path, classes=["x", "y"])
    with pytest.raises(ValueError, match="texts has 2 values, expected 3, one for each of the classes"):
        draw_scatter([Panel(title="a", points=points, labels=labels, texts=points)], path, classes=["x", "y", "z"])
    with pytest.raises(ValueError, match="labels from 0 to 1, expected 0 to 0"):
        draw_scatter([Panel(title="a", points=points, labels=labels)], path, classes=["x"])
    with pytest.raises(ValueError, match="no panels"):
        draw_scatter([], path, classes=["x"])
    for counts in (np.eye(3), np.ones((2, 3)), np.ones((3, 2))):
        with pytest.raises(ValueError, match="expected 2, one for each of the classes"):
            draw_confusion(counts.astype(int), ["x", "y"], path)
    assert not path.exists()


def test_an_empty_panel_and_many_panels(tmp_path: Path) -> None:
    empty = Panel(title="nothing", points=np.empty((0, 2)), labels=np.empty(0, np.int64))
    draw_scatter([empty] * 5, tmp_path / "five.png", classes=["wave"])
    draw_scatter([empty] * 3, tmp_path / "three.png", classes=["wave"])
    five, three = (pixels(tmp_path / name) for name in ("five.png", "three.png"))
    assert five[0] == three[0]
    assert five[1] == three[1] + 3.5 * DPI


def test_classes_differ_in_colour_and_marker() -> None:
    pairs = [(colour(number), marker(number)) for number in range(63)]
    assert len(set(pairs)) == 63
    assert all(one[0] != two[0] and one[1] != two[1] for one, two in pairwise(pairs))


def test_words_are_wrapped_and_cut() -> None:
    assert wrapped("drink water", width=40) == "drink water"
    assert wrapped("one two three four five six", width=9, lines=2).count("\n") == 1
    assert wrapped("one two three four five six", width=9, lines=2).endswith("…")


def test_a_file_that_cannot_be_written_and_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SkeltextError, match="cannot be written"):
        confusion(tmp_path / "no" / "a.png")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SkeltextError, match=r"pip install 'skeltext\[plot\]'"):
        confusion(tmp_path / "a.png")
