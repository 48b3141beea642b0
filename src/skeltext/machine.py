"""What skeltext asks of the machine: how threads wait, how many there are, and what becomes of freed memory.

- Threads that wait for each other sleep instead of spinning: on a machine that has other work to do, spinning makes two
  threads several times slower than one. Set ``OMP_WAIT_POLICY`` yourself to have it otherwise.
- There is a thread for every physical core that this process may use. ``OMP_NUM_THREADS`` or, for skeltext alone,
  ``SKELTEXT_THREADS`` is another number, and so is ``--threads`` for a training.
- Training and evaluation keep the memory that tensors free. ``SKELTEXT_MALLOC=default`` leaves the allocator alone.

OpenMP reads the first two once, when torch is loaded. ``import skeltext`` therefore sets them unless torch is there
already; whoever imports torch first decides about threads with torch's own functions.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from skeltext.errors import require

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # names and numbers of glibc's malloc.h


def settle_threads() -> None:
    """Set the environment that OpenMP reads, as far as nobody did, unless torch is loaded and has read it."""
    if "torch" in sys.modules:
        return
    threads = os.environ.get("SKELTEXT_THREADS") or os.environ.get("OMP_NUM_THREADS") or available_cores()
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def require_sensible_threads() -> None:
    """Raise :class:`SkeltextError` if ``SKELTEXT_THREADS`` is set to something else than a number of threads."""
    wish = os.environ.get("SKELTEXT_THREADS") or "1"
    require(
        wish.isdecimal() and int(wish) > 0,
        f"SKELTEXT_THREADS is {wish!r}, expected a whole number of at least one; correct it, or unset it for all cores",
    )


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
