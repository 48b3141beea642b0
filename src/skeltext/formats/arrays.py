"""NumPy's `.npy` content, read without believing the shape that its header claims."""

from __future__ import annotations

import math
import tokenize
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require

_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_SURROGATES, _LAST_CHARACTER = range(0xD800, 0xE000), 0x10FFFF


def read_header(stream: IO[bytes], *, size: int, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and dtype; the stream then stands at the first number.

    `size` is the number of bytes the stream holds. Raises :class:`SkeltextError` that names `name` if the header is
    damaged, claims more bytes than there are, or announces Python objects, which are never loaded.
    """
    try:
        version = np.lib.format.read_magic(stream)
        require(version in _READ_HEADER, f"{name} is of npy version {version}, expected 1.0 or 2.0; save it with NumPy")
        shape, fortran, dtype = _READ_HEADER[version](stream)
    except (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise SkeltextError(f"{name} is no NumPy array ({str(error)[:80]}); save it again with numpy.save") from error
    require(not dtype.hasobject, f"{name} holds Python objects, expected numbers or text; save plain arrays")
    claimed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    require(
        len(shape) <= 5 and min(shape, default=0) >= 0 and claimed <= there,
        f"{name} claims shape {shape[:6]} of {dtype}, {claimed} bytes, and holds {there}; it is cut off, get it again",
    )
    return shape, fortran, dtype


def read_array(stream: IO[bytes], *, size: int, name: str) -> npt.NDArray[Any]:
    """The whole array of a stream of `size` bytes; text is checked, since NumPy fails badly on what is none."""
    shape, fortran, dtype = read_header(stream, size=size, name=name)
    content = stream.read(math.prod(shape) * dtype.itemsize)
    if dtype.kind == "U":
        points = np.frombuffer(content, np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        is_text = (points < _SURROGATES.start) | ((points >= _SURROGATES.stop) & (points <= _LAST_CHARACTER))
        require(is_text.all(), f"{name} holds text with characters that do not exist; it is damaged, save it again")
    return np.ndarray(shape, dtype, buffer=content, order="F" if fortran else "C")
