"""From the shell to an answer: the help, and a first prediction; beside them what Python and torch take alone."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Row, Stage, Task
from skeltext.errors import SkeltextError

LABELS = ("sit down", "wave the right hand")
# On Linux a process inherits the peak of the one that starts it, so the one that asks is as small as Python can be.
_ASK_FOR_PEAK = "import os, sys; print(os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)[2].ru_maxrss)"


def _prepare(settings: BenchSettings, folder: Path) -> None:
    """An untrained checkpoint, a clip, and cached texts of the labels."""
    from skeltext.benchmark.bench.stages.text import WIDTH, keep_made_up_rows
    from skeltext.datasets.builtin.actions import builtin_clip
    from skeltext.formats.npz import write_npz
    from skeltext.methods.building import build_method
    from skeltext.methods.model_config import ModelConfig
    from skeltext.recognizer.card import WEIGHTS, Card, save_card
    from skeltext.recognizer.checkpoint import write_tensors
    from skeltext.skeletons.preprocessing import preprocessing_named
    from skeltext.texts.cache import EmbeddingCache
    from skeltext.texts.encoder import EMBEDDED

    clip = builtin_clip(action=0, subject=0, repetition=0)
    write_npz(clip, folder / "clip.npz")
    model = ModelConfig(method="pgfa", encoder=settings.encoder, layout=clip.layout.name, text_width=WIDTH)
    card = Card(
        model=model,
        preprocessing=preprocessing_named("published50", layout=clip.layout.name, bodies=1),
        text_encoder=EMBEDDED,
        texts="name",
        dataset="",
        labels={},
    )
    save_card(folder / "checkpoint", card)
    write_tensors(folder / "checkpoint" / WEIGHTS, build_method(model).state_dict())
    keep_made_up_rows(EmbeddingCache(folder / "embeddings"), LABELS)


def _start(words: tuple[str, ...], folder: Path) -> str:
    """What Python with `words` prints until its end."""
    done = subprocess.run(
        [sys.executable, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SKELTEXT_CACHE": str(folder)},
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise SkeltextError(f"`python {' '.join(words)}` ended with exit code {done.returncode}: {said[-1]}")
    return done.stdout


def _cpu_of_children() -> float:
    """Seconds of the processor that ended processes took."""
    import resource  # which not every system has

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_of_start(words: tuple[str, ...], folder: Path) -> int | None:
    """The most memory in bytes that Python with `words` held, in one more start; None where Linux does not tell."""
    if sys.platform != "linux":
        return None
    printed = _start(("-I", "-S", "-c", _ASK_FOR_PEAK, sys.executable, *words), folder)
    return int(printed.splitlines()[-1]) * 1024


def _task(variant: str, settings: BenchSettings, folder: Path) -> Task:
    if importlib.util.find_spec("resource") is None:
        raise SkeltextError("starts are not measured: this system does not tell what a started process took")
    predict = ("predict", str(folder / "clip.npz"), "--model", str(folder / "checkpoint"), "--labels", *LABELS)
    words = {
        "python": ("-c", "pass"),
        "torch": ("-c", "import torch"),
        "help": ("-m", "skeltext", "--help"),
        "predict": ("-m", "skeltext", *predict),
    }[variant]
    return Task(
        run=partial(_start, words, folder),
        items=1,
        cpu_clock=_cpu_of_children,
        peak=partial(_peak_of_start, words, folder),
    )


STAGE = Stage(
    name="start",
    unit="starts",
    rows=(
        Row(name="python -c pass", subject="python"),
        Row(name="import torch", subject="torch"),
        Row(name="skeltext --help", subject="help"),
        Row(name="skeltext predict", subject="predict"),
    ),
    task=_task,
    prepare=_prepare,
)
