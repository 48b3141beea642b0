"""Progress bars on the error stream, so that the output stream stays free for results."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

Report = Callable[[int, dict[str, Any]], None]
"""What a stage calls: how much is done, and figures to show beside the bar."""


class ProgressBars:
    """A context that draws a bar for every stage of a run: share done, loss, clips per second, time left (then taken).

    With ``quiet=True`` nothing is drawn, and where the error stream is no terminal nothing before the first report.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, max_width=38)),
            BarColumn(bar_width=12),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(stderr=True),
            disable=quiet,
        )

    def __enter__(self) -> ProgressBars:
        if self._progress.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress.live.is_started:
            self._progress.stop()

    def stage(self, title: str, total: int) -> Report:
        """A new bar; call what it returns with the number done and what to show beside it."""
        task = self._progress.add_task(title, total=total, note="")

        def report(done: int, figures: dict[str, Any]) -> None:
            self._progress.start()
            self._progress.update(task, completed=done, note=_note(figures))

        return report

    def counter(self, title: str, *, unit: str = "") -> Callable[[int, int], None]:
        """A bar whose total is told with every call: (done, total); with a `unit`, how many of it are done per second.

        What was done when it is called first is no work of this run, and its speed is not reckoned with it.
        """
        task, speed = self._progress.add_task(title, total=None, start=False, note=""), Speed(unit)

        def report(done: int, total: int) -> None:
            self._progress.start()
            self._progress.start_task(task)
            self._progress.update(task, completed=done, total=total, note=speed(done) if unit else "")

        return report

    def preparing(self, total: int) -> Report:
        """The bar of clips being prepared."""
        return self.stage("preparing clips", total)

    def training(self, title: str, total: int) -> Report:
        """The bar of a training."""
        return self.stage(f"training {title}", total)


class Speed:
    """How many of `unit` are done per second since the first call.

    >>> speed = Speed("clips", clock=iter([0.0, 10.0]).__next__)
    >>> speed(1000), speed(1250)
    ('', '25 clips/s')
    """

    def __init__(self, unit: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit, self._clock = unit, clock
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int) -> str:
        """The speed in words, nothing where it cannot be known yet."""
        now = self._clock()
        count, began = self._first = self._first or (done, now)
        return f"{(done - count) / (now - began):,.0f} {self._unit}/s" if now > began else ""


def _note(figures: dict[str, Any]) -> str:
    if not figures:
        return ""
    return f"epoch {figures['epoch'] + 1} loss {figures['loss']:.3f} {figures['clips_per_second']:.0f} clips/s"
