"""What this machine is and how busy it is, and how much memory a process took."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from skeltext.machine import available_cores

_STATUS, _PROCESSORS = Path("/proc/self/status"), Path("/proc/cpuinfo")


def peak_memory() -> int | None:
    """The most resident memory of this process in bytes since it was started; None where the system does not tell.

    ``ru_maxrss`` would not do: on Linux a new process inherits it from the one that started it.
    """
    found = re.search(r"^VmHWM:\s*(\d+) kB", _STATUS.read_text(), re.MULTILINE) if _STATUS.exists() else None
    return int(found[1]) * 1024 if found else None


def load_average() -> float | None:
    """Processes that wanted to run, over the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def description() -> dict[str, Any]:
    """The processor, how many physical cores this process may use, and the versions that decide the speed."""
    processors = _PROCESSORS.read_text() if _PROCESSORS.exists() else ""
    name = re.search(r"^model name\s*:\s*(.+)$", processors, re.MULTILINE)
    return {
        "processor": name[1] if name else platform.machine(),
        "cores": available_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "numba": _version("numba"),
    }


def _version(package: str) -> str | None:
    """The version that is installed, None without importing anything if there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
