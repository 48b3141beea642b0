"""An encoder of your own that has nothing to learn: where joints are, how far they go and how fast, in numpy.

Positions are taken from the center of the body. For every part of the clip a joint has its mean place and mean speed,
and over the whole clip the spread of its place. Such descriptors are an old yardstick: what a network adds to them is
what it has learnt.
"""

from __future__ import annotations

import numpy as np

from skeltext.encoders.fixed import FixedEncoder, Floats
from skeltext.skeletons.layout import Layout


class KinematicDescriptor(FixedEncoder):
    """Means and speeds of all joints in so many `segments` of equal length, and their spread."""

    about = "Means, speeds and spreads of joints around the center of the body, in numpy; an example of skeltext."

    def __init__(self, *, layout: Layout, segments: int = 4) -> None:
        if segments < 1:
            raise ValueError(f"segments {segments}, expected at least one")
        self.center, self.segments = layout.index(layout.centre), segments
        self.width = layout.V * (segments * (layout.C + 1) + layout.C)

    def encode(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to features (N, D); the mean over the bodies that are there."""
        present = clips.any(axis=(1, 2, 3))  # N M
        bodies = np.stack([self.describe(clips[..., body]) for body in range(clips.shape[4])], axis=1)  # N M D
        count = np.maximum(present.sum(axis=1, keepdims=True), 1)
        described: Floats = (bodies * present[..., None]).sum(axis=1) / count
        return described

    def describe(self, body: Floats) -> Floats:
        """(N, C, T, V) to (N, D)."""
        x = body - body[:, :, :, self.center, None]
        steps = np.diff(x, axis=2, prepend=x[:, :, :1])
        speed = np.sqrt((steps**2).sum(axis=1, keepdims=True))  # N 1 T V
        frames = np.arange(self.segments + 1) * x.shape[2] // self.segments
        parts = [x.std(axis=2)]  # N C V
        for start, stop in zip(frames, np.maximum(frames[1:], frames[:-1] + 1), strict=False):
            parts += [values[:, :, start:stop].mean(axis=2) for values in (x, speed)]
        return np.concatenate(parts, axis=1).reshape(len(x), -1)  # N (C + S (C + 1)) V -> N D
