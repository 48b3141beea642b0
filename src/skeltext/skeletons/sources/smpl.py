"""SMPL, SMPL-H and SMPL-X: the joint positions that the body model puts out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import SMPL22, SMPL24
from skeltext.skeletons.sources.arrays import array_clip
from skeltext.skeletons.sources.values import numbers

# Number of joints: SMPL with and without the points that some programs add, then the body, SMPL-H and SMPL-X.
_LAYOUTS = {24: SMPL24, 45: SMPL24, 22: SMPL22, 52: SMPL22, 73: SMPL22, 55: SMPL22, 127: SMPL22, 144: SMPL22}


def smpl_clip(positions: Any, *, fps: float | None, up: str, unit: str) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_smpl`."""
    joints = positions.get("joints") if isinstance(positions, Mapping) else getattr(positions, "joints", positions)
    values = numbers([] if joints is None else joints, what="the SMPL joints")  # (T, V, C) or (M, T, V, C)
    if values.ndim not in (3, 4) or values.shape[-1] != 3 or values.shape[-2] not in _LAYOUTS:
        found = f"only {', '.join(map(str, positions))}" if isinstance(positions, Mapping) else f"shape {values.shape}"
        raise SkeltextError(
            f"SMPL results of {found[:80]}, expected joint positions (frames, 24 or 22, 3); pose parameters only say"
            " how joints turn, so run the licensed body model (smplx) and give its `joints`"
        )
    layout = _LAYOUTS[values.shape[-2]]
    return array_clip(values[..., : layout.V, :], layout=layout, fps=fps, up=up, unit=unit, source="SMPL joints")
