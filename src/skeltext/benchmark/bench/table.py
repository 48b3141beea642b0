"""What `skeltext bench` prints for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from skeltext.benchmark.bench.results import BenchResult, Measured, RowResult
from skeltext.benchmark.bench.stage import Allocator

_COLUMNS = ("", "per\nsecond", "wall\nms", "cpu\nms", "MB", "% of\npeak", "x ref.\nshipped", "x ref.\nkept")
_ALLOCATORS: tuple[Allocator, ...] = ("shipped", "kept")
_CAPTION = (
    "Clips, texts or starts per second; milliseconds of one call. Medians of {rounds} rounds, in which all processes of"
    " a stage take turns; MB is the most that its process ever held. Rates, shares and ratios are by {basis}."
    "\n% of peak: arithmetic is counted in operations of the published formulation, so one that needs fewer may exceed"
    " 100, and divided by the best square product; reading and preprocessing are bytes read and written, divided by the"
    " best copy."
    "\nx ref.: times the rate of the reference, with the allocator of the C library as shipped, and with one that keeps"
    " what is freed."
)
_BASIS = {"cpu": "processor time, which other work lengthens less", "wall": "the clock on the wall"}


def significant(value: float | None, *, digits: int = 3) -> str:
    """A number with so many digits that mean something, never in powers of ten; a dash where there is none.

    >>> significant(0.012345), significant(1234.5), significant(41.55, digits=2), significant(None)
    ('0.0123', '1,234', '42', '-')
    """
    if value is None:
        return "-"
    if value == 0:
        return "0"
    places = next(place for place in range(digits + 6) if abs(value) * 10**place >= 10 ** (digits - 1) or place > 6)
    return f"{value:,.{places}f}"


def bench_table(result: BenchResult) -> RenderableType:
    """The machine, the table, how far results agree, and why a cell is empty."""
    table = Table(
        title=f"{result.settings['encoder']}, batch {result.settings['batch']}, threads {result.settings['threads']}",
        caption=_CAPTION.format(rounds=result.settings["rounds"], basis=_BASIS[result.basis]),
        title_justify="left",
        caption_justify="left",
    )
    for column in _COLUMNS:
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    shown = set()
    for row in result.rows:
        ratios = [significant(row.ratio(allocator, result.basis)) for allocator in _ALLOCATORS]
        table.add_row(row.name, *_cells(row, row.measured, result), *ratios)
        for allocator, reference in row.references.items():
            if reference not in shown:  # rows of a stage may share their reference
                table.add_row(f"  ref. {allocator}", *_cells(row, reference, result), "", "", style="dim")
            shown.add(reference)
    lines = [Text(line) for row in result.rows for line in _agreement(row)]
    reasons = dict.fromkeys(reason for row in result.rows for reason in row.missing)
    return Group(*_machine(result), table, *lines, *(Text(reason, style="yellow") for reason in reasons))


def _cells(row: RowResult, measured: Measured | None, result: BenchResult) -> list[str]:
    if measured is None:
        return ["-"] * 5
    share = row.share(measured, result.peaks, result.basis)
    return [
        significant(measured.per_second(result.basis)),
        significant(1000 * measured.seconds("wall")),
        significant(1000 * measured.seconds("cpu")),
        "-" if measured.peak is None else f"{measured.peak / 1e6:,.0f}",
        "-" if share is None else f"{100 * share:.0f}",
    ]


def _machine(result: BenchResult) -> Iterator[Text]:
    about = result.machine
    yield Text(
        f"{about['processor']}, cores: {about['cores']}, {about['system']}, Python {about['python']}, torch"
        f" {about['torch']}, numba {about['numba'] or 'not installed'}; load average"
        f" {' and '.join(_load(value) for value in result.load)} before and after",
        style="dim",
    )
    if result.peaks:
        yield Text(
            f"peak: {result.peaks.arithmetic / 1e9:.1f} GFLOP/s in square products of float32,"
            f" {result.peaks.memory / 1e9:.1f} GB/s in copies (read and written)",
            style="dim",
        )


def _load(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _agreement(row: RowResult) -> Iterator[str]:
    found = row.agreement
    if "largest_difference" in found:
        yield (
            f"{row.name}: differs from the reference by at most {found['largest_difference']:.1e} where the largest"
            f" value is {found['largest_value']:.2g}, and chooses the same for {100 * found['same_choice']:.1f} %"
        )
    if "same_class" in found:
        yield f"{row.name}: the same class as the reference for {100 * found['same_class']:.1f} % of the clips"
