"""The allocator settings: made where there is the GNU allocator, left alone on request."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace

import pytest

from skeltext.training.memory import keep_freed_memory


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Calls of the allocator's settings, none of which takes effect."""
    made: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda option, value: made.append((option, value)) or 1)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("SKELTEXT_MALLOC", raising=False)
    return made


def test_large_tensors_are_kept(calls: list[tuple[int, int]]) -> None:
    assert keep_freed_memory()
    assert dict(calls) == {-4: 0, -1: 2**31 - 1, -2: 256 * 2**20}


def test_the_environment_can_refuse(calls: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_MALLOC", "default")
    assert not keep_freed_memory()
    assert calls == []


def test_other_systems_are_left_alone(calls: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    assert not keep_freed_memory()
    assert calls == []
