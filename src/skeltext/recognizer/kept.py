"""Results that are kept for the next time, by threads that share them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """The results for the keys that were asked for last, `most` of them.

    Any number of threads may ask at the same time: a result is computed by one of them while the others wait, so that
    what computes it need not be safe for threads. It must not ask the same object.

    >>> kept = Kept[str, int](most=1)
    >>> kept("wave", lambda: 1), kept("wave", lambda: 2), kept("sit", lambda: 3), kept("wave", lambda: 4)
    (1, 1, 3, 4)
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._results: OrderedDict[Key, Value] = OrderedDict()  # the last one asked for at the end
        self._lock = Lock()

    def __call__(self, key: Key, compute: Callable[[], Value]) -> Value:
        """The result for a key, computed if it is not kept."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            else:
                self._results[key] = compute()
                if len(self._results) > self._most:
                    self._results.popitem(last=False)
            return self._results[key]
