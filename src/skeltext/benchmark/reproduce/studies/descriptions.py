"""Tables III and IV: which words describe a class best, and who writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from skeltext.benchmark.reproduce.study import Arm, Cell, Found, Grid, Scope, Study, columns_for, compared

_KINDS = (
    Arm(label="class names", changes={"texts": "name"}, paper={"ntu60": 65.17, "ntu120": 57.56}),
    Arm(label="body parts", changes={"texts": "parts"}, paper={"ntu60": 75.65, "ntu120": 52.73}),
    Arm(label="complete descriptions", changes={"texts": "complete"}, paper={"ntu60": 80.45, "ntu120": 60.22}),
    Arm(label="skeleton-focused descriptions", changes={"texts": "skeleton"}, paper={"ntu60": 77.25, "ntu120": 62.22}),
)
_SOURCES: list[tuple[Cell, ...]] = [
    ("MiniCPM3-4B", "complete", 71.60, 52.29),
    ("DeepSeek-V3", "complete", 78.75, 59.08),
    ("ChatGPT", "complete", 80.45, 60.22),
    ("MiniCPM3-4B", "skeleton-focused", 76.59, 52.42),
    ("DeepSeek-V3", "skeleton-focused", 75.41, 57.26),
    ("ChatGPT", "skeleton-focused", 77.25, 62.22),
]


def _kinds(scope: Scope) -> Found:
    return compared(scope, _KINDS, columns_for(scope), title="Kinds of description, without alignment")


def _sources(scope: Scope) -> Found:
    arms = [*_arms("our own", None), *(arm for path in scope.descriptions for arm in _arms(path.stem, path))]
    published = Grid(
        title="Published, % (NTU-60, NTU-120)",
        columns=("source", "kind", "NTU-60 %", "NTU-120 %"),
        rows=_SOURCES,
    )
    notes = (
        []
        if scope.descriptions
        else [
            "Only our own descriptions were compared; `skeltext describe DATASET --ask URL --model NAME --save FILE`"
            " has a language model write others, and --descriptions FILE adds them here."
        ]
    )
    found = compared(scope, arms, columns_for(scope), title="Sources of descriptions, without alignment", notes=notes)
    return replace(found, grids=[*found.grids, published])


def _arms(source: str, path: Path | None) -> list[Arm]:
    return [
        Arm(label=f"{source}, {words}", changes={"texts": kind, "descriptions": path})
        for kind, words in (("complete", "complete"), ("skeleton", "skeleton-focused"))
    ]


TABLE3 = Study(
    name="table3",
    title="Table III: kinds of description",
    about="Class names against body parts, complete and skeleton-focused descriptions.",
    conduct=_kinds,
    paper_sets=("ntu60", "ntu120"),
)
TABLE4 = Study(
    name="table4",
    title="Table IV: sources of descriptions",
    about="Descriptions by different authors, people or language models.",
    conduct=_sources,
    paper_sets=("ntu60", "ntu120"),
)
