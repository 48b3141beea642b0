"""The command `skeltext bench`."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.benchmark.bench.registry import chosen_stages
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.progress import ProgressBars


def bench(
    *,
    stage: Annotated[list[str] | None, Parameter(negative="")] = None,
    quick: Annotated[bool, Parameter(negative="")] = False,
    settings: Annotated[BenchSettings | None, Parameter(name="*")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Measure how fast this machine does each stage, against the published formulation in the same run.

    Parameters
    ----------
    stage
        A stage to measure, all by default: read, preprocess, train-step, inference, evaluation, alignment, text, start.
        Give it again for another.
    quick
        At most 16 clips a batch, 2 rounds, 100 recordings, 2000 features and 8 sentences: rough figures, soon.
    as_json
        Print one JSON object on stdout and nothing else there.
    """
    names = chosen_stages(stage)
    settings = settings or BenchSettings()
    settings = settings.quick() if quick else settings
    from skeltext.benchmark.bench.measuring import measure
    from skeltext.benchmark.bench.table import bench_table

    with ProgressBars(quiet=as_json) as bars:
        result = measure(names, settings, bars=bars)
    if as_json:
        print(json.dumps(result.to_json(), indent=1))
        return
    Console().print(bench_table(result))
