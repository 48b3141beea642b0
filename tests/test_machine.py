"""What is asked of the machine: set where nobody else decided, left alone on request, true to what is granted."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from skeltext.cli import main
from skeltext.errors import SkeltextError
from skeltext.machine import available_cores, configure_threads, keep_freed_memory

SOURCE = Path(__file__).resolve().parents[1] / "src"
VARIABLES = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "SKELTEXT_THREADS", "SKELTEXT_MALLOC")


def settled(code: str = "import skeltext; skeltext.configure_threads()", **environment: str) -> dict[str, str]:
    """The variables of a fresh interpreter after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, os; print(json.dumps(dict(os.environ)))"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name not in VARIABLES}
        | {"PYTHONPATH": str(SOURCE)}
        | environment,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: value for name, value in found.items() if name in (*VARIABLES, "FOUND")}


COMMAND = """
from skeltext.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
"""
MEASURED = """
import os, runpy, sys
stdout = os.dup(1)
sys.argv = ["child", "start", "python", ".", "{}"]
runpy.run_module("skeltext.benchmark.bench.child", run_name="__main__")
os.dup2(stdout, 1)
"""


@pytest.mark.parametrize("code", ["import skeltext; skeltext.configure_threads()", COMMAND], ids=["python", "command"])
def test_how_threads_wait_and_how_many_there_are(code: str) -> None:
    assert settled(code) == {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(available_cores())}


def test_threads_of_a_measured_process_wait_asleep() -> None:
    assert settled(MEASURED)["OMP_WAIT_POLICY"] == "PASSIVE"


def test_whoever_decided_is_left_alone() -> None:
    decided = {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "3"}
    assert settled(**decided) == decided
    assert settled(**decided, SKELTEXT_THREADS="2")["OMP_NUM_THREADS"] == "2"
    assert settled(OMP_NUM_THREADS="")["OMP_NUM_THREADS"] == str(available_cores())


def test_torch_obeys() -> None:
    ask = "import os, skeltext; {}; import torch; os.environ['FOUND'] = str(torch.get_num_threads())"
    given = {"SKELTEXT_THREADS": "1", "OMP_NUM_THREADS": "2"}
    assert settled(ask.format("skeltext.configure_threads()"), **given)["FOUND"] == "1"
    given = {"SKELTEXT_THREADS": "2", "OMP_NUM_THREADS": "2"}
    assert settled(ask.format("skeltext.configure_threads(1)"), **given)["FOUND"] == "1"
    assert settled(ask.format("import torch; skeltext.configure_threads(1)"), **given) == given | {"FOUND": "1"}


def test_torch_decides_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # undone at the end, whatever is set between
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    configure_threads()
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_once_torch_is_loaded_it_is_asked_and_no_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    asked: list[int] = []
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=asked.append))
    configure_threads()
    assert asked == []
    configure_threads(2)
    assert not set(VARIABLES) & set(os.environ)
    monkeypatch.setenv("SKELTEXT_THREADS", "5")
    configure_threads()
    configure_threads(3)
    assert asked == [2, 5, 3]


@pytest.mark.parametrize("wish", [0, -1, 1.5, True, "many"])
def test_a_count_of_threads_that_is_none_is_one_sentence(wish: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_THREADS", "1")
    before = dict(os.environ)
    with pytest.raises(SkeltextError, match=f"^count is {wish!r}, expected a whole number of at least one; omit it"):
        configure_threads(wish)  # type: ignore[arg-type]
    assert dict(os.environ) == before


@pytest.mark.parametrize("wish", ["many", "0", "-1", "1.5", " "])
def test_a_number_of_threads_that_is_none_is_one_sentence(
    wish: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKELTEXT_THREADS", wish)
    with pytest.raises(SkeltextError, match="expected a whole number of at least one"):
        configure_threads()
    with pytest.raises(SystemExit) as ended:
        main(["describe", "builtin"])
    assert ended.value.code == 2
    assert f"SKELTEXT_THREADS is {wish!r}" in " ".join(capsys.readouterr().err.split())


def test_a_number_of_threads_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=lambda _: None))
    for wish in ("1", "16", ""):
        monkeypatch.setenv("SKELTEXT_THREADS", wish)
        configure_threads()


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def eight_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a machine on which processors 0 to 7 are four cores with two threads each."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    put(tmp_path, {topology.format(number): f"{number % 4},{number % 4 + 4}\n" for number in range(8)})
    return tmp_path


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 4),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "25000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "900000 100000\n"}, 4),
        (
            {
                "proc/self/cgroup": "0::/pod/box\n",
                "sys/fs/cgroup/pod/box/cpu.max": "max 100000\n",
                "sys/fs/cgroup/pod/cpu.max": "250000 100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": "9:name=systemd:/\n2:cpu,cpuacct:/docker/box\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "50000\n",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        ({"proc/self/cgroup": "nonsense"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "0 0\n"}, None),
    ],
)
def test_cores_are_counted_once_and_no_more_than_granted(
    eight_processors: Path, files: dict[str, str], cores: int | None
) -> None:
    put(eight_processors, files)
    assert available_cores(root=eight_processors) == cores


def test_cores_that_are_not_ours_do_not_count(eight_processors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 5, 6})
    assert available_cores(root=eight_processors) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert available_cores(root=eight_processors) is None


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


def test_the_allocator_can_be_left_alone(calls: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_MALLOC", "default")
    assert not keep_freed_memory()
    assert calls == []


def test_the_allocators_of_other_systems_are_left_alone(
    calls: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    assert not keep_freed_memory()
    assert calls == []
