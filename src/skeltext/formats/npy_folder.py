"""The folders of `.npy` arrays in which zero-shot methods publish prepared NTU RGB+D and PKU-MMD clips.

A part is ``<part>_data.npy``, float32 (N, 3, T, 25, M), beside ``<part>_label.npy``, N integers in the numbering of
the data set. Parts are called seen_train, seen_test and unseen (SMIE, PGFA, DVTA), or one_shot_train, one_shot_test
and one_shot_exemplar, the last without labels (PGFA). The clips are cut to 50 frames, centred and turned already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require
from skeltext.formats.arrays import read_array, read_header
from skeltext.formats.checked import absent_where_zero, checked_clip
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.layouts import NTU25

_DATA, _LABEL = "_data.npy", "_label.npy"


@dataclass(frozen=True, kw_only=True, eq=False)
class NpyPart:
    """One part: ``data`` (N, 3, T, 25, M) stays on disk until it is used, ``labels`` are (N,) or None."""

    path: Path
    data: Floats
    labels: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.data)

    def clip(self, number: int) -> Clip:
        """Clip `number`; a body that is all zero in a frame is NaN there.

        Bodies after the last that is ever seen are left out. Those before it stay though they be NaN throughout, since
        networks may tell the first body from the second. The rate is None, since the clips were stretched to a common
        length. Raises :class:`SkeltextError` if nobody is in the clip or one of its numbers is not finite.
        """
        source = f"{self.path.name}[{number}]"
        data = self.data[number].transpose(3, 1, 2, 0)  # (C, T, V, M) to (M, T, V, C)
        require(np.isfinite(data).all(), f"{source} has numbers that are not finite; get the array again")
        bodies = absent_where_zero(data)
        present = [body for body in range(len(bodies)) if not np.isnan(bodies[body]).all()]
        return checked_clip(
            bodies[: max(present, default=0) + 1],
            layout=NTU25,
            fps=None,
            path=self.path.with_name(source),
        )


def _mapped(path: Path) -> npt.NDArray[Any]:
    """The array of a `.npy` file, mapped, after its claims were checked against the size of the file."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        shape, fortran, dtype = read_header(stream, size=size, name=str(path))
        start = stream.tell()
    require(0 not in shape, f"{path} has shape {shape}, there is nothing in it; get it again")
    return np.memmap(path, dtype, mode="r", offset=start, shape=shape, order="F" if fortran else "C")


def _labels(path: Path, *, clips: int) -> npt.NDArray[np.int64] | None:
    """The labels of a part, None if there is no such file."""
    if not path.exists():
        return None
    size = path.stat().st_size
    with path.open("rb") as stream:
        labels = read_array(stream, size=size, name=str(path))
    require(
        labels.shape == (clips,) and labels.dtype.kind in "iu" and labels.min() >= 0,
        f"{path} has labels of shape {labels.shape} and type {labels.dtype}, expected {clips} integers from 0 on",
    )
    return labels.astype(np.int64)


def _part(path: Path) -> NpyPart:
    """The part whose data are in `path`."""
    data = _mapped(path)
    require(
        data.ndim == 5 and data.shape[1] == NTU25.C and data.shape[3] == NTU25.V and data.dtype == np.float32,
        f"{path} has shape {data.shape} of {data.dtype}, expected float32 clips of shape (N, 3, T, 25, M);"
        " extracted features cannot be read as clips",
    )
    return NpyPart(
        path=path, data=data, labels=_labels(path.with_name(path.name.replace(_DATA, _LABEL)), clips=len(data))
    )


def read_npy_folder(path: Path) -> dict[str, NpyPart]:
    """The parts of a folder by name, such as ``seen_train`` and ``unseen``.

    Raises :class:`SkeltextError` if there is no part, or an array has not the published shape and type, or holds less
    than its header claims.
    """
    try:
        files = sorted(file for file in path.iterdir() if file.name.endswith(_DATA))
        parts = {file.name.removesuffix(_DATA): _part(file) for file in files}
    except OSError as error:
        raise SkeltextError(f"{path} cannot be read: {error.strerror or error}; give a folder of npy files") from error
    require(parts, f"{path} holds no file that ends in {_DATA}; give the folder with seen_train{_DATA} and its kind")
    return parts
