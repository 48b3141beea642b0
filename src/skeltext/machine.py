"""Process settings: the number of threads, how they wait for each other, and what the allocator does with freed memory.

- Threads that wait for each other sleep instead of spinning: on a machine that has other work to do, spinning makes two
  threads several times slower than one. Set ``OMP_WAIT_POLICY`` yourself to have it otherwise.
- There is a thread for every physical core that this process may use. ``OMP_NUM_THREADS`` or, for skeltext alone,
  ``SKELTEXT_THREADS`` is another number, and so is ``--threads`` for a training.
- Training and evaluation keep the memory that tensors free. ``SKELTEXT_MALLOC=default`` leaves the allocator alone.

OpenMP reads the first two once, when torch is loaded. The command line therefore calls :func:`configure_threads` before
it does anything else. ``import skeltext`` changes nothing: from Python, call the function before torch is imported.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from skeltext.errors import require

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # names and numbers of glibc's malloc.h


def configure_threads(count: int | None = None) -> None:
    """Set how many threads this process computes with, and let threads that wait sleep; best before torch is imported.

    Without a `count` the number is ``SKELTEXT_THREADS``, else ``OMP_NUM_THREADS``, else that of the physical cores that
    this process may use. Before torch is imported, the variables ``OMP_NUM_THREADS`` and ``OMP_WAIT_POLICY`` of this
    process are set, and the processes that it starts inherit them; an ``OMP_WAIT_POLICY`` that is set already stays.

    Once torch is imported, threads wait as they do: OpenMP has read its variables, and no variable is changed. A
    `count` or ``SKELTEXT_THREADS`` is then given to ``torch.set_num_threads``; without either, torch keeps its number.

    Raises :class:`SkeltextError` if `count` or ``SKELTEXT_THREADS`` is not a whole number of at least one.

    >>> configure_threads(0)
    Traceback (most recent call last):
    ...
    skeltext.errors.SkeltextError: count is 0, expected a whole number of at least one; omit it for one thread per core
    """
    wanted = _wanted_threads(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        if wanted:
            torch.set_num_threads(wanted)
        return
    threads = wanted or os.environ.get("OMP_NUM_THREADS") or available_cores()
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _wanted_threads(count: int | None) -> int | None:
    """The number that the caller or ``SKELTEXT_THREADS`` asks for, None where neither does."""
    name, value = ("count", count) if count is not None else ("SKELTEXT_THREADS", os.environ.get("SKELTEXT_THREADS"))
    if value is None or value == "":
        return None
    require(
        str(value).isdecimal() and int(value) > 0,
        f"{name} is {value!r}, expected a whole number of at least one; omit it for one thread per core",
    )
    return int(value)


def available_cores(*, root: Path = Path("/")) -> int | None:
    """Physical cores that this process may use: those of its affinity, but no more than its control group grants.

    None where the system does not tell, so that torch decides. `root` is where the file system begins.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    try:
        cores = {_threads_of_core(processor, root) for processor in os.sched_getaffinity(0)}
        return max(1, min([len(cores), *map(math.ceil, _quotas(root))]))
    except (OSError, ValueError, ArithmeticError):  # a sandbox may hide the kernel's files or fill them otherwise
        return None


def _threads_of_core(processor: int, root: Path) -> str:
    """The processors that are one core with this one, as the kernel writes them."""
    siblings = root / f"sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list"
    return siblings.read_text(encoding="ascii") if siblings.exists() else str(processor)


def _quotas(root: Path) -> Iterator[float]:
    """Processors' worth of time that the control groups of this process, of either version, and those above grant."""
    membership = root / "proc/self/cgroup"
    for line in membership.read_text(encoding="utf-8").splitlines() if membership.exists() else ():
        _, controllers, path = line.split(":", 2)  # version 2 has one line, without controllers
        mount = root / "sys/fs/cgroup" / controllers
        group = mount / path.lstrip("/")
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if controllers else ("cpu.max",)
        for folder in (group, *group.parents):
            if folder.is_relative_to(mount) and (folder / names[0]).exists():
                quota, period = " ".join((folder / name).read_text(encoding="ascii") for name in names).split()
                if quota not in ("max", "-1"):  # no limit
                    yield int(quota) / int(period)


def keep_freed_memory() -> bool:
    """Let the GNU allocator keep what is freed, so that the next step does not fault every page in again.

    A training step allocates and frees gigabytes; with the default settings each tensor above 32 MiB is a mapping
    of its own, and the page faults cost about a third of the time. Nothing numerical changes. Set
    ``SKELTEXT_MALLOC=default`` to leave the allocator alone. Returns whether the settings were made.
    """
    import ctypes  # here because whoever only imports skeltext does not need it

    if sys.platform != "linux" or os.environ.get("SKELTEXT_MALLOC") == "default":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 256 << 20))
    return all(mallopt(option, value) == 1 for option, value in settings)
