"""Progress bars on the error stream, so that the output stream stays free for results."""

from __future__ import annotations

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

    def counter(self, title: str) -> Callable[[int, int], None]:
        """A bar whose total is told with every call: (done, total)."""
        task = self._progress.add_task(title, total=None, note="")

        def report(done: int, total: int) -> None:
            self._progress.start()
            self._progress.update(task, completed=done, total=total)

        return report

    def preparing(self, total: int) -> Report:
        """The bar of clips being prepared."""
        return self.stage("preparing clips", total)

    def training(self, title: str, total: int) -> Report:
        """The bar of a training."""
        return self.stage(f"training {title}", total)


def _note(figures: dict[str, Any]) -> str:
    if not figures:
        return ""
    return f"epoch {figures['epoch'] + 1} loss {figures['loss']:.3f} {figures['clips_per_second']:.0f} clips/s"
