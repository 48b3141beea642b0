"""The published preprocessing recipe on clips in memory. It has no second formulation to be compared with."""

from __future__ import annotations

from pathlib import Path

from skeltext.benchmark.bench.inputs import builtin_store
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task
from skeltext.skeletons.preprocessing import preprocessing_named

RECIPE = "published50"


def _prepare(settings: BenchSettings, folder: Path) -> None:
    builtin_store(settings, folder)


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    store = builtin_store(settings, folder)
    clips = [store.clip(index) for index in range(len(store))]
    recipe = preprocessing_named(RECIPE, layout=store.layout.name, bodies=1)
    out = recipe(clips[0])

    def preprocess_all() -> None:
        for clip in clips:
            recipe(clip)

    moved = sum(clip.positions.nbytes for clip in clips) + len(clips) * out.nbytes
    return Task(run=preprocess_all, items=len(clips), moved=moved)


STAGE = Stage(
    name="preprocess",
    unit="clips",
    rows=(Row(name="preprocess", subject="ours"),),
    task=_task,
    prepare=_prepare,
    roof="memory",
)
