"""Progress bars stand on the error stream and tell how fast it goes."""

from __future__ import annotations

import time

import pytest

from skeltext.progress import ProgressBars


def test_a_counter_tells_the_speed_of_this_run(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as bars:
        count = bars.counter("reading", unit="clips")
        began = time.monotonic()
        count(1_000_000, 2_000_000)  # done by an earlier run
        time.sleep(0.05)
        count(1_000_100, 2_000_000)
        fastest, slowest = 100 / 0.05, 100 / (time.monotonic() - began)
    shown = capsys.readouterr()
    assert shown.out == ""
    speed = float(shown.err.split("clips/s")[0].split()[-1].replace(",", ""))
    assert slowest - 1 <= speed <= fastest + 1
    assert "50%" in shown.err


def test_a_quiet_counter_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars(quiet=True) as bars:
        bars.counter("reading", unit="clips")(1, 2)
    assert capsys.readouterr() == ("", "")
