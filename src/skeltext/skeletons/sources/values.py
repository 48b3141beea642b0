"""Numbers out of whatever holds them, checked: nested lists, arrays, tensors, objects with attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError, require

FARTHEST = 1e9  # no pixel, millimetre or metre of a person comes near

Reals = npt.NDArray[np.float64]


def attribute(owner: Any, name: str, *, what: str) -> Any:
    """The attribute of that name; :class:`SkeltextError` if `owner` has none, because it is no result of the source."""
    if not hasattr(owner, name):
        raise SkeltextError(f"{what} is of type {type(owner).__name__} without `{name}`; give the results as they come")
    return getattr(owner, name)


def listed(values: Any, *, what: str) -> list[Any]:
    """The elements of anything that has several; text and mappings are not meant."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise SkeltextError(
            f"{what} is of type {type(values).__name__}, expected a list; give the results as they come"
        )
    return list(values)


def numbers(values: Any, *, what: str) -> Reals:
    """Nested lists, an array or a tensor on any device as float64.

    >>> numbers([[1, 2]], what="a list").tolist()
    [[1.0, 2.0]]
    """
    try:
        for step in ("detach", "cpu", "numpy"):
            values = getattr(values, step)() if hasattr(values, step) else values
        return np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SkeltextError(f"{what} are no numbers ({str(error)[:80]}); give the results as they come") from error


def within_reach(positions: Reals, *, source: str) -> Reals:
    """The same positions; :class:`SkeltextError` if one is infinite or so far away that it cannot be meant."""
    require(
        not (np.abs(positions) > FARTHEST).any(),
        f"{source} has a coordinate beyond {FARTHEST:.0e}; missing joints must be NaN, everything else finite",
    )
    return positions


def sound_confidence(values: Reals) -> Reals:
    """The same numbers in [0, 1]: some estimators score a little above 1, and what is no number is no confidence."""
    return np.clip(np.nan_to_num(values, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)


def without_zeros(positions: Reals, *, joints: int = 1) -> Reals:
    """(..., V, C) with NaN where `joints` joints in a row, one or a whole skeleton, lie exactly at the origin.

    >>> without_zeros(np.array([[0.0, 0.0], [0.0, 5.0]])).tolist()
    [[nan, nan], [0.0, 5.0]]
    """
    *outer, V, C = positions.shape  # noqa: N806 - shape letters
    groups = positions.reshape(*outer, V // joints, joints, C)
    empty = (groups == 0).all(axis=(-2, -1), keepdims=True)
    return np.where(empty, np.nan, groups).reshape(positions.shape)
