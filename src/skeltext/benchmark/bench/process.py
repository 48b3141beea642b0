"""The side of a measured process that starts it and asks it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from skeltext.benchmark.bench.child import PREPARE
from skeltext.benchmark.bench.settings import BenchSettings
from skeltext.benchmark.bench.stage import Contender
from skeltext.errors import SkeltextError

_THREADS = tuple(f"{library}_NUM_THREADS" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA"))
_MALLOC = "SKELTEXT_MALLOC"


def environment(contender: Contender, settings: BenchSettings) -> dict[str, str]:
    """The environment of a measured process: its number of threads and its allocator."""
    inherited = {name: value for name, value in os.environ.items() if name != _MALLOC}
    threads = dict.fromkeys((*_THREADS, "SKELTEXT_THREADS"), str(settings.threads))
    return inherited | threads | ({_MALLOC: "default"} if contender.allocator == "shipped" else {})


class MeasuredProcess:
    """A fresh interpreter that measures one contender of a stage, as a context that ends it.

    ``missing`` is the sentence why it cannot measure, empty if it can. A process that dies raises
    :class:`SkeltextError` with the last line that it wrote.
    """

    def __init__(self, stage: str, contender: Contender, settings: BenchSettings, folder: Path) -> None:
        self.what = f"{stage} ({contender.variant})"
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        words = (stage, contender.variant, str(folder), json.dumps(asdict(settings)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "skeltext.benchmark.bench.child", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(contender, settings),
        )
        self.missing = ""

    def __enter__(self) -> MeasuredProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def started(self) -> MeasuredProcess:
        """Wait until the process is warm, or says what is missing."""
        self.missing = self._answer().get("missing", "")
        return self

    def ask(self, order: str) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        assert self._process.stdin is not None
        try:
            print(order, file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise self._death() from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _death(self) -> SkeltextError:
        code = self._process.wait()
        self._errors.seek(0)
        said = [line.strip() for line in self._errors.read().splitlines() if line.strip()]
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        last = said[-1] if said else "it said nothing; with less memory taken by a smaller --batch it may live"
        return SkeltextError(f"the process that measured {self.what} died with {how}: {last}")


def prepared(stage: str, settings: BenchSettings, folder: Path) -> str:
    """Make what the processes of a stage read; returns the sentence why that cannot be, empty if it was."""
    with MeasuredProcess(stage, Contender(PREPARE), settings, folder) as process:
        return process.started().missing
