"""Allocator settings that stop large tensors from being given back to the system after every use."""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # names and numbers of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Let the GNU allocator keep what is freed, so that the next step does not fault every page in again.

    A training step allocates and frees gigabytes; with the default settings each tensor above 32 MiB is a mapping
    of its own, and the page faults cost about a third of the time. Nothing numerical changes. Set
    ``SKELTEXT_MALLOC=default`` to leave the allocator alone. Returns whether the settings were made.
    """
    if sys.platform != "linux" or os.environ.get("SKELTEXT_MALLOC") == "default":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 256 << 20))
    return all(mallopt(option, value) == 1 for option, value in settings)
