"""Plain arrays of positions in a layout that the caller names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from skeltext.errors import SkeltextError, require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import layout_named
from skeltext.skeletons.sources.values import Reals, numbers, sound_confidence, within_reach, without_zeros


def _bodies(positions: Reals, layout: Layout, source: str) -> Reals:
    """(M, T, V, C) out of that, (T, V, C) or (T, V * C)."""
    flat = positions.ndim == 2 and positions.shape[1] == layout.V * layout.C
    if flat or (positions.ndim in (3, 4) and positions.shape[-2:] == (layout.V, layout.C)):
        bodies, frames = (positions.shape[0], positions.shape[1]) if positions.ndim == 4 else (1, positions.shape[0])
        return positions.reshape(bodies, frames, layout.V, layout.C)
    raise SkeltextError(
        f"{source} of shape {positions.shape}, expected (frames, {layout.V}, {layout.C}), the same with bodies in"
        f" front, or (frames, {layout.V * layout.C}) for layout {layout.name}; name the layout that fits"
    )


def array_clip(
    positions: Any,
    *,
    layout: Layout | str,
    fps: float | None,
    unit: str | None = None,
    up: str | None = None,
    confidence: Any = None,
    tracks: Sequence[str] = (),
    source: str = "array",
) -> Clip:
    """See :meth:`skeltext.skeletons.from_sources.FromSources.from_arrays`."""
    layout = layout_named(layout) if isinstance(layout, str) else layout
    given = replace(layout, unit=unit or layout.unit, up=f"+{up}" if up in ("y", "z") else up or layout.up)
    require(
        given.C == layout.C,
        f"unit {given.unit} does not go with layout {layout.name} in {layout.unit}; name one that does",
    )
    bodies = within_reach(_bodies(numbers(positions, what=source), layout, source), source=source)
    bodies = without_zeros(bodies, joints=layout.V)  # a joint at the origin is that of centred skeletons
    scores = None
    if confidence is not None:
        scores = sound_confidence(numbers(confidence, what="confidence"))
        require(
            scores.size == bodies[..., 0].size,
            f"confidence of shape {scores.shape} for positions of shape {bodies.shape}; give one number per joint",
        )
        scores = scores.reshape(bodies.shape[:3])
    clip = Clip(
        positions=bodies.astype(np.float32),
        layout=given,
        fps=fps,
        confidence=None if scores is None else scores.astype(np.float32),
        tracks=tuple(tracks),
        source=source,
    )
    return convert(clip, layout)
