"""The MATLAB reader against SciPy's."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from format_samples import matlab_bytes, motion

from skeltext.errors import SkeltextError
from skeltext.formats.matlab import read_matlab_array

scipy_io = pytest.importorskip("scipy.io")


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u2", "i1", "u1"])
@pytest.mark.parametrize("compressed", [True, False])
def test_arrays_that_scipy_wrote(tmp_path: Path, dtype: str, compressed: bool) -> None:
    values = (motion(20).transpose(1, 2, 0) * 20).astype(dtype)
    stored = {"other": {"a": 1.0}, "text": "hello", "d_skel": values, "x": np.eye(2)}
    scipy_io.savemat(tmp_path / "a.mat", stored, do_compression=compressed)
    np.testing.assert_array_equal(read_matlab_array(tmp_path / "a.mat", "d_skel"), values)
    np.testing.assert_array_equal(read_matlab_array(tmp_path / "a.mat", "x"), np.eye(2))
    with pytest.raises(SkeltextError, match="holds other, text, d_skel, x, expected a numeric array 'y'"):
        read_matlab_array(tmp_path / "a.mat", "y")
    with pytest.raises(SkeltextError, match="holds text, a structure or complex numbers"):
        read_matlab_array(tmp_path / "a.mat", "other")


def test_the_samples_of_these_tests_are_real_files() -> None:
    values = motion(20)
    for compressed in (True, False):
        read = scipy_io.loadmat(BytesIO(matlab_bytes("d_skel", values, compressed=compressed)))["d_skel"]
        np.testing.assert_array_equal(read, values)


def test_a_compressed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    body = zlib.compress(bytes(100 << 20))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    (tmp_path / "a.mat").write_bytes(header + struct.pack("<II", 15, len(body)) + body)
    with pytest.raises(SkeltextError, match="unpacks to more than 64 MiB"):
        read_matlab_array(tmp_path / "a.mat", "d_skel")


def test_an_array_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    good = matlab_bytes("d_skel", np.zeros((20, 3, 5)), compressed=False)
    (tmp_path / "a.mat").write_bytes(good.replace(struct.pack("<3i", 20, 3, 5), struct.pack("<3i", 20, 3, 2**31 - 1)))
    with pytest.raises(SkeltextError, match=r"claims an array of shape \(20, 3, 2147483647\) and holds 2400 bytes"):
        read_matlab_array(tmp_path / "a.mat", "d_skel")
