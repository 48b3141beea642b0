"""One numeric array out of a MATLAB 5 `.mat` file.

Written out here because a bounded reader of numeric arrays is short: it needs no SciPy, inflates no more than it
allows and believes no size in the file. Format: MathWorks, MAT-File Format, chapter on level 5 files.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.formats.format import read_bytes

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBER_CLASSES, _COMPLEX = range(6, 16), 0x0800  # in the flags of a matrix
_MAX_BYTES = 8 << 20  # the published clips have 30 kB
_MAX_INFLATED = 64 << 20
_ORDERS = {b"IM": "<", b"MI": ">"}


def _elements(data: bytes, order: str, path: Path) -> Iterator[tuple[int, bytes]]:
    """(type, content) of the data elements that follow each other in `data`."""
    at = 0
    while at + 8 <= len(data):
        kind, size = np.frombuffer(data, f"{order}u4", 2, at).tolist()
        start = at + 8
        if kind >> 16:  # a small element: its size, its type and up to four bytes in one tag of eight bytes
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        require(start + size <= len(data), f"{path} claims more bytes than it holds; it is cut off, get it again")
        yield kind, data[start : start + size]
        at = start + size if kind == _COMPRESSED else at + 8 * math.ceil((start + size - at) / 8)


def _inflated(data: bytes, path: Path) -> bytes:
    """The content of a compressed element, at most `_MAX_INFLATED` bytes."""
    machine = zlib.decompressobj()
    try:
        content = machine.decompress(data, _MAX_INFLATED)
    except zlib.error as error:
        raise SkeltextError(f"{path} has a compressed array that does not unpack ({error}); get it again") from error
    require(not machine.unconsumed_tail, f"{path} unpacks to more than {_MAX_INFLATED >> 20} MiB; it is no clip")
    return content


def _numbers(parts: list[tuple[int, bytes]], order: str, path: Path) -> npt.NDArray[np.float64]:
    """The values of a matrix, whose parts are flags, sizes, name and values."""
    (_, flags), (_, sizes), _, (kind, values) = parts
    flag = int.from_bytes(flags[:4], "little" if order == "<" else "big")
    plain = flag & 0xFF in _NUMBER_CLASSES and not flag & _COMPLEX and kind in _NUMBERS
    require(plain, f"{path} holds text, a structure or complex numbers; save a numeric array")
    dtype = np.dtype(order + _NUMBERS[kind])
    shape = np.frombuffer(sizes[: len(sizes) // 4 * 4], f"{order}i4").tolist()
    require(
        0 < len(shape) <= 4 and min(shape) >= 0 and math.prod(shape) * dtype.itemsize == len(values),
        f"{path} claims an array of shape {tuple(shape[:5])} and holds {len(values)} bytes for it; it is damaged",
    )
    return np.frombuffer(values, dtype).astype(np.float64).reshape(shape, order="F")


def read_matlab_array(path: Path, name: str) -> npt.NDArray[np.float64]:
    """The real numeric array called `name` as float64; :class:`SkeltextError` if there is none."""
    data = read_bytes(path, limit=_MAX_BYTES)
    order = _ORDERS.get(data[126:128])
    if order is None or not data.startswith(b"MATLAB 5.0"):
        raise SkeltextError(f"{path} is no MATLAB 5 file; save the array with `save(file, '{name}', '-v7')`")
    names = []
    for kind, content in _elements(data[128:], order, path):
        if kind == _COMPRESSED:
            kind, content = next(_elements(_inflated(content, path), order, path), (0, b""))
        parts = list(islice(_elements(content, order, path), 4))
        require(kind == _MATRIX and len(parts) == 4, f"{path} has an element that is no array; it is damaged")
        names.append(parts[2][1].decode("latin-1"))
        if names[-1] == name:
            return _numbers(parts, order, path)
    raise SkeltextError(f"{path} holds {', '.join(names)[:80] or 'no array'}, expected a numeric array {name!r}")
