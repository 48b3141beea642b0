"""The contract between a stage of the benchmark and what measures it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy.typing as npt

from skeltext.benchmark.bench.machine import peak_memory
from skeltext.benchmark.bench.settings import BenchSettings

Allocator = Literal["shipped", "kept"]
Roof = Literal["arithmetic", "memory"]
Values = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one measured process does, made once; ``run`` is then called over and over.

    A call handles ``items``. ``moved`` is the number of bytes it has to read and write, each counted once.
    ``published`` counts the floating-point operations that the published formulation takes for a call, and ``result``
    is what a call computes, to be compared between processes; both are asked for when nothing is measured any more.
    ``cpu_clock`` gives seconds of the processor, ``peak`` the most memory in bytes that was used, None if unknown.
    """

    run: Callable[[], object]
    items: int
    moved: int | None = None
    published: Callable[[], int] | None = None
    result: Callable[[], Values] | None = None
    cpu_clock: Callable[[], float] = time.process_time
    peak: Callable[[], int | None] = peak_memory


class Contender(NamedTuple):
    """A measured process: what it does, and whether the C allocator is as shipped or keeps what is freed."""

    variant: str
    allocator: Allocator = "kept"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table: the variant it is about, and the one that it is compared with, under these allocators."""

    name: str
    subject: str
    reference: str = ""
    allocators: tuple[Allocator, ...] = ("shipped",)

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """The subject, then the references."""
        references = self.allocators if self.reference else ()
        return Contender(self.subject), *(Contender(self.reference, allocator) for allocator in references)


def _needs_nothing(settings: BenchSettings, folder: Path) -> None:
    """Most stages make their own inputs."""


def _not_compared(subject: Values, reference: Values) -> Mapping[str, float]:
    """Most results are never made."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage by name: ``unit`` is what it handles, ``roof`` the limit of the machine that its share is taken of.

    ``prepare`` puts into a folder what the measured processes read, in a process of its own; ``task`` makes the task of
    a variant; ``agreement`` compares the results of a subject and its reference.
    """

    name: str
    unit: str
    rows: tuple[Row, ...]
    task: Callable[[str, BenchSettings, Path], Task]
    prepare: Callable[[BenchSettings, Path], None] = _needs_nothing
    roof: Roof | None = None
    agreement: Callable[[Values, Values], Mapping[str, float]] = _not_compared

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Every process that is measured, each once, in the order of the rows."""
        return tuple(dict.fromkeys(contender for row in self.rows for contender in row.contenders))
