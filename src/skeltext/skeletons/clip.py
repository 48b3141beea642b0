"""One recorded motion: positions of named joints over time, for one or more bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons.from_sources import FromSources
from skeltext.skeletons.layout import Layout

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip(FromSources):
    """A motion of M bodies over T frames.

    ``positions`` is float32 of shape (M, T, V, C) in the unit and axes of ``layout``; a joint that was not
    tracked is NaN in all coordinates. ``confidence`` is (M, T, V) in [0, 1] or None where the source gives none.
    ``fps`` is None where the source does not say. ``tracks`` names the bodies as the source does.

    Raises :class:`SkeltextError` if the shapes do not fit the layout or a position is infinite.

    >>> from skeltext.skeletons.layouts import KINECT20
    >>> clip = Clip(positions=np.zeros((1, 30, 20, 3), np.float32), layout=KINECT20, fps=30.0)
    >>> clip.M, clip.T, clip.seconds
    (1, 30, 1.0)
    """

    positions: Floats
    layout: Layout
    fps: float | None
    confidence: Floats | None = None
    tracks: tuple[str, ...] = ()
    source: str = "array"

    def __post_init__(self) -> None:
        wanted = (self.layout.V, self.layout.C)
        shape = self.positions.shape
        if self.positions.ndim != 4 or shape[2:] != wanted:
            raise SkeltextError(
                f"{self.source}: positions of shape {shape}, expected (bodies, frames, {wanted[0]}, {wanted[1]})"
                f" for layout {self.layout.name}"
            )
        if shape[0] == 0 or shape[1] == 0:
            raise SkeltextError(f"{self.source}: {shape[0]} bodies in {shape[1]} frames, there is nothing to recognise")
        if np.isinf(self.positions).any():
            raise SkeltextError(f"{self.source}: a position is infinite; missing joints must be NaN")
        if self.fps is not None and not 0 < self.fps < 10_000:
            raise SkeltextError(f"{self.source}: {self.fps} frames per second, expected a positive rate")
        if self.confidence is not None and self.confidence.shape != shape[:3]:
            raise SkeltextError(
                f"{self.source}: confidence of shape {self.confidence.shape}, expected {shape[:3]} like the positions"
            )
        object.__setattr__(self, "positions", np.ascontiguousarray(self.positions, np.float32))
        object.__setattr__(self, "tracks", self.tracks or tuple(str(body) for body in range(shape[0])))

    @property
    def M(self) -> int:  # noqa: N802 - shape letter
        """Number of bodies."""
        return int(self.positions.shape[0])

    @property
    def T(self) -> int:  # noqa: N802 - shape letter
        """Number of frames."""
        return int(self.positions.shape[1])

    @property
    def seconds(self) -> float | None:
        """Duration, None where the frame rate is unknown."""
        return None if self.fps is None else self.T / self.fps

    @property
    def tracked(self) -> npt.NDArray[np.bool_]:
        """(M, T, V): True where the joint was tracked."""
        return np.asarray(~np.isnan(self.positions).any(axis=3))
