"""A preparation that is killed goes on where it was, and nothing of it is left when it is done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.datasets import unfinished
from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.originals import Originals
from skeltext.datasets.prepare import prepare
from skeltext.datasets.registry import DATASETS
from skeltext.datasets.store import open_store
from skeltext.datasets.unfinished import PART_CLIPS, Parts, Read
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

COUNT = 5 * PART_CLIPS + 40
PROGRAM = """
import os, sys, time
from functools import partial
from pathlib import Path

import numpy as np

from skeltext.datasets.dataset import Dataset, Sample
from skeltext.datasets.prepare import prepare
from skeltext.datasets.registry import DATASETS
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import KINECT20

COUNT, HALT, LOG = int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])


def read(path, number):
    with LOG.open("a") as log:
        log.write(f"{number} {os.getpid()}\\n")
    if number == HALT:
        time.sleep(600)
    if number % 10 == 3:
        raise SkeltextError(f"{path} is empty")
    positions = np.random.default_rng(number).normal(size=(1 + number % 2, 5, 20, 3))
    return Clip(positions=positions.astype(np.float32), layout=KINECT20, fps=None if number % 3 else 15.0)


def samples(originals):
    for path, name in originals.files(r"(\\d+)\\.dat", like="7.dat"):
        yield Sample(id=name[1], label=0, subject=int(name[1]) % 4, read=partial(read, path, int(name[1])))


DATASETS["toy"] = Dataset(
    name="toy", title="", layout=KINECT20, fps=30.0, classes=("a",), source="", citation="", licence="",
    readings={"files": samples},
)
if __name__ == "__main__":
    prepare("toy", raw=sys.argv[1], out=sys.argv[2], workers=int(sys.argv[6]))
"""


class Toy:
    """A data set of COUNT files, read by a program that can be told to halt at one of them for good."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "raw").mkdir()
        for number in range(COUNT):
            (folder / "raw" / f"{number}.dat").touch()
        (folder / "program.py").write_text(PROGRAM)

    def start(self, out: str, *, halt: int = -1, workers: int = 1, raw: str = "raw") -> subprocess.Popen[bytes]:
        """Start a run that makes the store `out` and sleeps at recording `halt`."""
        words = [self.folder / raw, self.folder / out, COUNT, halt, self.folder / f"{out}.log", workers]
        return subprocess.Popen([sys.executable, self.folder / "program.py", *map(str, words)])

    def finish(self, out: str, *, workers: int = 1, raw: str = "raw") -> str:
        """Run to the end; the hash of the store."""
        assert self.start(out, workers=workers, raw=raw).wait(timeout=60) == 0
        open_store(self.folder / out).verify()
        return open_store(self.folder / out).hash

    def kill_at(self, out: str, halt: int, *, workers: int = 1, raw: str = "raw") -> None:
        """Kill a run that reads recording `halt`, as soon as it has written all parts it can before."""
        running = self.start(out, halt=halt, workers=workers, raw=raw)
        try:
            wait_until(lambda: halt in self.read(out) and len(self.parts(out)) == halt // PART_CLIPS)
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait()

    def parts(self, out: str) -> list[Path]:
        """The parts that wait beside the store `out`."""
        return sorted((self.folder / f".{out}.unfinished").glob("clips-*/*.safetensors"))

    def log(self, out: str) -> list[list[int]]:
        """Number and process of every reading."""
        path = self.folder / f"{out}.log"
        return [[int(word) for word in line.split()] for line in path.read_text().splitlines()] if path.exists() else []

    def read(self, out: str) -> list[int]:
        """The numbers of all readings so far, by all runs."""
        return [number for number, _ in self.log(out)]


def wait_until(true: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{process}/status").read_text()  # a zombie waits for its parent only


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal here")
def test_a_killed_preparation_goes_on_and_ends_alike(toy: Toy) -> None:
    toy.kill_at("store", halt=3 * PART_CLIPS + 50)
    assert not (toy.folder / "store").exists()
    assert len(toy.parts("store")) == 3
    written = {path: path.stat().st_mtime_ns for path in toy.parts("store")}
    before = len(toy.log("store"))
    toy.kill_at("store", halt=4 * PART_CLIPS + 50)
    assert {path: path.stat().st_mtime_ns for path in toy.parts("store")[:3]} == written
    assert min(toy.read("store")[before:]) == 3 * PART_CLIPS
    before = len(toy.log("store"))
    ended = toy.finish("store")
    assert toy.read("store")[before:] == list(range(4 * PART_CLIPS, COUNT))
    assert ended == toy.finish("straight")
    assert [dict(entry) for entry in open_store(toy.folder / "store").bad][:2] == [
        {"id": "3", "reason": "3.dat is empty"},
        {"id": "13", "reason": "13.dat is empty"},
    ]
    names = {"store", "straight"}
    assert {path.name for path in toy.folder.iterdir()} == names | {"raw", "program.py", "store.log", "straight.log"}
    for name in ("manifest.json", "index.json", "clips.safetensors"):
        assert (toy.folder / "store" / name).read_bytes() == (toy.folder / "straight" / name).read_bytes()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="processes are looked up in /proc")
def test_workers_end_with_the_process_that_was_killed(toy: Toy) -> None:
    toy.kill_at("store", halt=2 * PART_CLIPS + 5, workers=2)
    processes = {process for _, process in toy.log("store")}
    assert processes
    wait_until(lambda: not any(runs(process) for process in processes), seconds=10)


def test_unpacked_archives_are_kept_until_the_end(toy: Toy) -> None:
    shutil.make_archive(str(toy.folder / "packed" / "all"), "zip", toy.folder / "raw")
    toy.kill_at("store", halt=2 * PART_CLIPS + 5, raw="packed")
    (unpacked,) = (toy.folder / ".store.unfinished").glob("originals-*/all.zip/7.dat")
    changed = unpacked.stat().st_ctime_ns
    (toy.folder / "packed" / "more").mkdir()  # folders are no originals
    toy.kill_at("store", halt=3 * PART_CLIPS + 5, raw="packed")
    assert unpacked.stat().st_ctime_ns == changed
    assert toy.finish("store", raw="packed") == toy.finish("straight")
    assert not (toy.folder / ".store.unfinished").exists()


def toy_clip(number: int) -> Clip:
    positions = np.random.default_rng(number).normal(size=(1, 4, 20, 3)).astype(np.float32)
    return Clip(positions=positions, layout=KINECT20, fps=30.0)


class Counted:
    """A data set in this process that is interrupted at a recording, and tells what it was asked to read."""

    def __init__(self, count: int) -> None:
        self.count, self.stop, self.asked = count, -1, list[int]()
        self.errors: list[object] = []

    def read(self, number: int) -> Clip:
        """Read recording `number`; every fifth is unusable."""
        if number == self.stop:
            raise KeyboardInterrupt
        self.asked.append(number)
        if number % 5 == 1:
            raise SkeltextError(f"recording {number} is empty")
        return toy_clip(number)

    def samples(self, originals: Originals) -> Iterator[Sample]:
        """All recordings; there are no originals."""
        return (Sample(id=str(n), label=0, read=partial(self.read, n)) for n in range(self.count))

    def dataset(self, **changes: object) -> Dataset:
        """The data set, some of its facts changed."""
        facts = {"name": "toy", "title": "", "layout": KINECT20, "fps": 30.0, "classes": ("a",), "source": ""}
        facts |= {"citation": "", "licence": "", "made_here": True, "readings": {"all": self.samples}}
        return Dataset(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Forty recordings in parts of eight."""
    monkeypatch.setattr(unfinished, "PART_CLIPS", 8)
    made = Counted(40)
    monkeypatch.setitem(DATASETS, "toy", made.dataset())
    return made


def stop_at(counted: Counted, number: int, out: Path, **options: object) -> None:
    counted.stop = number
    with pytest.raises(KeyboardInterrupt) as error:
        prepare("toy", out=out, workers=1, **options)  # type: ignore[arg-type]
    counted.errors.append(error)  # whoever holds on to the error holds no lock
    counted.stop, counted.asked = -1, []


@settings(max_examples=15, deadline=None)
@given(stops=st.lists(st.integers(0, 39), max_size=3))
def test_wherever_it_stops_the_end_is_the_same(stops: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, counted = tmp_path_factory.mktemp("stops"), Counted(40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unfinished, "PART_CLIPS", 8)
        patch.setitem(DATASETS, "toy", counted.dataset())
        wanted = prepare("toy", out=folder / "straight", workers=1).hash
        done = 0
        for stop in sorted(stops):
            stop_at(counted, stop, folder / "store")
            done = stop // 16 * 16  # recordings are read in batches of 16
        seen: list[int] = []
        made = prepare("toy", out=folder / "store", workers=1, progress=lambda now, _: seen.append(now))
        assert made.hash == wanted
        assert seen == list(range(done + 1, 41))
        assert sorted(path.name for path in folder.iterdir()) == ["store", "straight"]


def test_what_was_read_counts_only_for_the_same_job(
    counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, everything = tmp_path / "store", list(range(40))

    def asked(**options: object) -> list[int]:
        """What is read by a run that follows one stopped at recording 20."""
        prepare("toy", out=out, workers=1, **options)  # type: ignore[arg-type]
        return counted.asked

    stop_at(counted, 20, out)
    assert asked() == everything[16:]
    stop_at(counted, 20, out)
    assert asked(fresh=True) == everything
    stop_at(counted, 20, out)
    monkeypatch.setattr("skeltext.datasets.prepare.__version__", "0.0.0")
    assert asked() == everything
    stop_at(counted, 20, out)
    monkeypatch.setitem(DATASETS, "toy", counted.dataset(readings={"other": counted.samples}))
    assert asked() == everything
    stop_at(counted, 20, out)
    counted.count = 39
    assert asked() == everything[:39]
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.dat").write_text("one")
    stop_at(counted, 20, out, raw=raw)
    assert asked(raw=raw) == everything[16:39]
    stop_at(counted, 20, out, raw=raw)
    (raw / "a.dat").write_text("two")
    os.utime(raw / "a.dat", ns=(0, 0))
    assert asked(raw=raw) == everything[:39]


def test_the_working_folder_may_lie_among_the_originals(counted: Counted, tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("one")
    stop_at(counted, 20, tmp_path / "prepared" / "toy", raw=tmp_path)
    prepare("toy", out=tmp_path / "prepared" / "toy", raw=tmp_path, workers=1)
    assert counted.asked == list(range(16, 40))


def test_a_damaged_part_is_read_again(counted: Counted, tmp_path: Path) -> None:
    straight = prepare("toy", out=tmp_path / "straight", workers=1).hash
    for damage in (lambda data: data[:-9], lambda data: b"", lambda data: bytes(len(data))):
        stop_at(counted, 30, tmp_path / "store")
        part = sorted((tmp_path / ".store.unfinished").glob("clips-*/*"))[1]
        part.write_bytes(damage(part.read_bytes()))
        assert prepare("toy", out=tmp_path / "store", workers=1).hash == straight
        assert counted.asked == list(range(8, 40))


def test_two_at_a_time_are_refused(counted: Counted, tmp_path: Path) -> None:
    stop_at(counted, 20, tmp_path / "store")
    with (
        FileLock(tmp_path / ".store.unfinished" / "lock"),
        pytest.raises(SkeltextError, match="is being prepared by another process"),
    ):
        prepare("toy", out=tmp_path / "store", workers=1)
    assert prepare("toy", out=tmp_path / "store", workers=1).clips == 32
    assert counted.asked == list(range(16, 40))


def test_a_mistake_leaves_no_folder_behind(counted: Counted, tmp_path: Path) -> None:
    stop_at(counted, 0, tmp_path / "new" / "place" / "store")
    assert not list(tmp_path.iterdir())


@given(
    shapes=st.lists(st.one_of(st.text(max_size=9), st.tuples(st.integers(1, 3), st.integers(1, 4))), max_size=30),
    large=st.booleans(),
)
def test_parts_give_back_what_they_were_given(
    shapes: Sequence[str | tuple[int, int]], large: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    given_: list[Read] = [
        shape
        if isinstance(shape, str)
        else Clip(
            positions=np.full((*shape, 20, 3), number, np.float32), layout=KINECT20, fps=None if number % 2 else 7.5
        )
        for number, shape in enumerate(shapes)
    ]
    parts = Parts(tmp_path_factory.mktemp("parts") / "clips", KINECT20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unfinished, "PART_CLIPS", 100 if large else 7)
        patch.setattr(unfinished, "PART_BYTES", 4000 if large else 1 << 30)
        parts.add(0, given_)
    assert parts.count() == len(given_)
    for ours, theirs in zip(parts, given_, strict=True):
        if isinstance(ours, Clip) and isinstance(theirs, Clip):
            np.testing.assert_array_equal(ours.positions, theirs.positions)
            assert ours.fps == theirs.fps
        else:
            assert ours == theirs
