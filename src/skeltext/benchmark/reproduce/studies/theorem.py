"""Theorem 1 by simulation: when centroids of pseudo-labelled clips are better anchors than texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from skeltext.benchmark.pictures.lines import draw_lines
from skeltext.benchmark.reproduce.study import Cell, Found, Grid, Picture, Scope, Study
from skeltext.evaluation.von_mises_fisher import Confusion, clips_to_match, sweep

_SETTING: dict[str, Any] = {"classes": 10, "dimension": 384, "anchor_kappa": 100.0, "seed": 0}
_KAPPAS = (50.0, 100.0, 200.0)
_NS = (1, 3, 10, 30, 100, 300)
_NOISES = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8)
_CONFUSIONS: dict[Confusion, str] = {
    "uniform": "with clips of any other class",
    "neighbour": "with clips of one other class",
}
_SERIES = ("anchors", "centroids", "oracle")
_COLUMNS = ("kappa", "clips per centroid", "wrong pseudo-labels", "texts %", "centroids %", "optimum %")


def _theorem(scope: Scope) -> Found:
    trials = 3 if scope.workshop.quick else 20
    by_n = sweep(kappas=_KAPPAS, ns=_NS, noises=(0.0, 0.4), trials=trials, **_SETTING)
    by_noise = {
        confusion: sweep(kappas=_KAPPAS[1:2], ns=(100,), noises=_NOISES, trials=trials, confusion=confusion, **_SETTING)
        for confusion in _CONFUSIONS
    }
    pictures: dict[str, Picture] = {
        "clips": _lines([row for row in by_n if row["noise"] == 0 and row["kappa"] == _KAPPAS[1]], "n", log_x=True),
        **{f"noise-{confusion}": _lines(rows, "noise", log_x=False) for confusion, rows in by_noise.items()},
    }
    matches = [round(clips_to_match(dimension=384, kappa=kappa, anchor_kappa=100.0), 1) for kappa in _KAPPAS]
    return Found(
        grids=[
            Grid(title="As clips grow in number and in spread", columns=_COLUMNS, rows=_rows(by_n)),
            *(
                Grid(title=f"As pseudo-labels get worse, {_CONFUSIONS[confusion]}", columns=_COLUMNS, rows=_rows(rows))
                for confusion, rows in by_noise.items()
            ),
        ],
        pictures=pictures,
        notes=[
            f"{_SETTING['classes']} mean directions at random in {_SETTING['dimension']} dimensions, clips drawn from"
            " von Mises-Fisher distributions around them with concentration kappa, texts drawn once with concentration"
            f" {_SETTING['anchor_kappa']:.0f}; mean over {trials} trials. The optimum classifies by the mean directions"
            " themselves.",
            "By the closed form a centroid of rightly labelled clips is as near to the optimum as a text from"
            f" {', '.join(map(str, matches))} clips on, for kappa {', '.join(f'{kappa:.0f}' for kappa in _KAPPAS)}.",
        ],
    )


def _rows(found: Sequence[dict[str, float]]) -> list[tuple[Cell, ...]]:
    return [
        (row["kappa"], int(row["n"]), row["noise"], *(round(100 * row[name], 2) for name in _SERIES)) for row in found
    ]


def _lines(found: Sequence[dict[str, float]], by: str, *, log_x: bool) -> Picture:
    series = {
        label: [100 * row[name] for row in found]
        for name, label in zip(_SERIES, ("texts", "centroids", "optimum"), strict=True)
    }
    label = {"n": "clips per centroid", "noise": "share of wrong pseudo-labels"}[by]
    return partial(draw_lines, [row[by] for row in found], series, x_label=label, y_label="accuracy, %", log_x=log_x)


THEOREM1 = Study(
    name="theorem1",
    title="Theorem 1 by simulation",
    about="Texts against centroids of pseudo-labelled clips, by the number of clips, their spread and wrong labels.",
    conduct=_theorem,
    paper_sets=(),
    trains=False,
)
