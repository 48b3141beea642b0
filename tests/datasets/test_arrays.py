"""Clips of a store as one array: equal to each prepared alone, and no more memory than they need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.store import CLIPS, INDEX, KINDS, open_store
from skeltext.errors import SkeltextError
from skeltext.skeletons.preprocessing import Preprocessing, Step, preprocessing_named

SOURCE = Path(__file__).resolve().parents[2] / "src"
RECIPE = preprocessing_named("published50", layout="ntu25", bodies=2)
REAL, LOUD, HOLE = 100, 400_000, 3_400_000  # real clips; rows of a clip that is heard in memory and of those between


def test_every_clip_has_its_row(tiny_store: Path) -> None:
    store = open_store(tiny_store)
    told: list[int] = []
    arrays = preprocessed_clips(store, [5, 2, 5], RECIPE, progress=told.append)
    assert (arrays.shape, arrays.dtype, told) == ((3, 3, 50, 25, 2), np.float32, [1, 2, 3])
    for row, index in enumerate([5, 2, 5]):
        np.testing.assert_array_equal(arrays[row], RECIPE(store.clip(index)))


def test_clips_that_do_not_fit_together_are_one_sentence(tiny_store: Path) -> None:
    store = open_store(tiny_store)
    ragged = Preprocessing(name="ragged", layout=store.layout, bodies=1, steps=(Step("zero_missing", {}),))
    other = next(index for index in range(len(store)) if store.frames[index] != store.frames[0])
    with pytest.raises(SkeltextError, match=rf"1 of 2 clips .* prepared by ragged, the first is {store.ids[other]}"):
        preprocessed_clips(store, [0, other], ragged)
    with pytest.raises(SkeltextError, match="no clip was asked for"):
        preprocessed_clips(store, [], RECIPE)


def needs_sparse_files(folder: Path) -> None:
    """Skip where a hole in a file takes room, or where the peak of a process cannot be asked for."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is told by Linux only")
    probe = folder / "probe"
    with probe.open("wb") as file:
        file.truncate(64 << 20)
    if probe.stat().st_blocks * 512 > 1 << 20:
        pytest.skip(f"{folder} is on a file system without sparse files")


def huge_store(tiny_store: Path, folder: Path) -> Path:
    """A store of some 100 GB, nearly all of it holes: clips of nothing between real ones, the last of them loud."""
    few, index = load_file(tiny_store / CLIPS), json.loads((tiny_store / INDEX).read_text())
    chosen = [number % len(index["ids"]) for number in range(REAL) for _ in ("real", "hole")]
    lengths = np.diff(few["offsets"])[chosen]
    lengths[1::2] = HOLE
    lengths[-1] = LOUD
    tensors = {name: few[name][chosen] for name in KINDS if name not in ("positions", "offsets")}
    tensors["bodies"][1::2] = 1
    tensors["offsets"] = np.concatenate([[0], np.cumsum(lengths)])
    row = few["positions"][0].nbytes
    shapes = {"positions": (int(tensors["offsets"][-1]), *few["positions"].shape[1:])}
    shapes |= {name: tensors[name].shape for name in KINDS if name != "positions"}
    header, end = {}, 0
    for name, (kind, number) in KINDS.items():
        start, end = end, end + int(np.prod(shapes[name])) * np.dtype(number).itemsize
        header[name] = {"dtype": kind, "shape": shapes[name], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    folder.mkdir()
    (folder / INDEX).write_text(json.dumps(index | {"ids": [f"clip-{number}" for number in range(2 * REAL)]}))
    with (folder / CLIPS).open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        data = file.tell()
        file.truncate(data + end)
        for number in range(0, 2 * REAL, 2):
            first = few["offsets"][chosen[number]]
            file.seek(data + int(tensors["offsets"][number]) * row)
            file.write(few["positions"][first : first + lengths[number]].tobytes())
        for name, tensor in tensors.items():
            file.seek(data + header[name]["data_offsets"][0])
            file.write(tensor.tobytes())
    return folder


PEAKS = """
import sys
from skeltext.datasets.arrays import preprocessed_clips
from skeltext.datasets.store import open_store
from skeltext.skeletons.preprocessing import preprocessing_named

def peak():
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

recipe = preprocessing_named("published50", layout="ntu25", bodies=2)
before = peak()
store = open_store(sys.argv[1])
arrays = preprocessed_clips(store, range(0, len(store), 2), recipe)
after = peak()
store.clip(-1)
print(before, after, peak(), arrays.nbytes, abs(arrays).sum())
"""


def test_a_hundred_clips_of_a_huge_store_need_the_memory_of_a_hundred_clips(tiny_store: Path, tmp_path: Path) -> None:
    needs_sparse_files(tmp_path)
    folder = huge_store(tiny_store, tmp_path / "huge")
    file = (folder / CLIPS).stat()
    assert file.st_size > 100e9 > 1000 * file.st_blocks * 512
    done = subprocess.run(
        [sys.executable, "-c", PEAKS, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
    )
    before, after, loud, size, total = map(float, done.stdout.split())
    few = open_store(tiny_store)
    wanted = preprocessed_clips(few, [number % len(few) for number in range(REAL)], RECIPE)
    assert (size, total) == (wanted.nbytes, pytest.approx(abs(wanted).sum(), rel=1e-6))
    assert after - before < size + (16 << 20)  # the array itself, the clips' integers, and pages around what was read
    assert loud - after > LOUD * 25 * 3 * 4  # what is read whole is heard
