"""Clips that show no action, made of real ones: what a recogniser should refuse whatever its labels are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.preprocessing import Preprocessing

SWAY = 0.01  # of the size of a body: how far somebody who stands still sways
JUMPS = 0.5  # of the size of a body: how far joints jump that are noise
LOST = 0.8  # share of the joints that are out of view
FRAMES = 60

Generator = np.random.Generator


def empty_clips(
    clips: Sequence[Clip], prepare: Preprocessing, *, seed: int = 0
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The kind and the prepared array of every empty clip that can be made of some clips and be prepared."""
    generator = np.random.default_rng(seed)
    for clip in map(_people, clips):
        for kind, make in _MAKERS:
            try:
                yield kind, prepare(replace(clip, positions=make(clip.positions, generator)))
            except SkeltextError:  # too little is left to be prepared, so it is refused anyway
                continue


def _people(clip: Clip) -> Clip:
    """A clip without the people of whom nothing is seen."""
    seen = [m for m in range(clip.M) if np.isfinite(clip.positions[m]).any()]
    return replace(clip, positions=clip.positions[seen], tracks=tuple(clip.tracks[m] for m in seen), confidence=None)


def _size(positions: Floats) -> float:
    """How far joints lie from the middle of a body."""
    poses = positions.reshape(-1, *positions.shape[2:])  # M T V C -> MT V C
    poses = poses[[bool(np.isfinite(pose).any()) for pose in poses]]
    return float(np.nanstd(poses - np.nanmean(poses, axis=1, keepdims=True)))


def first_frame(positions: Floats, generator: Generator) -> Floats:
    """Somebody who stays as in the first frame where joints are seen, and sways."""
    return _standing(positions, generator, place=0)


def last_frame(positions: Floats, generator: Generator) -> Floats:
    """Somebody who stays as in the last frame where joints are seen, and sways."""
    return _standing(positions, generator, place=-1)


def _standing(positions: Floats, generator: Generator, *, place: int) -> Floats:
    m, _, v, c = positions.shape
    seen = np.flatnonzero([np.isfinite(frame).all(axis=-1).any() for frame in positions.swapaxes(0, 1)])
    pose = positions[:, seen[place] if len(seen) else 0][:, None]  # M 1 V C
    way = generator.normal(size=(m, FRAMES, 1, c)).cumsum(axis=1) / np.sqrt(FRAMES)  # the body sways as one
    shaking = generator.normal(size=(m, FRAMES, v, c)) * generator.uniform(0, 0.5)
    return np.asarray(pose + SWAY * _size(positions) * (way + shaking), np.float32)


def white_noise(positions: Floats, generator: Generator) -> Floats:
    """Joints anywhere around the middle of the body, in every frame anew."""
    middle = np.nanmean(positions, axis=(1, 2), keepdims=True)
    noise = generator.normal(size=(*positions.shape[:1], FRAMES, *positions.shape[2:]))
    return np.asarray(middle + _size(positions) * noise, np.float32)


def jumping(positions: Floats, generator: Generator) -> Floats:
    """The frames in any order, with joints that jump about."""
    order = generator.permutation(positions.shape[1])
    jumps = generator.normal(size=positions.shape) * (generator.random(positions.shape[:3]) < 0.5)[..., None]
    return np.asarray(positions[:, order] + JUMPS * _size(positions) * jumps, np.float32)


def out_of_view(positions: Floats, generator: Generator) -> Floats:
    """Somebody who walks out of view, most joints of whom are never seen."""
    found = positions.copy()
    found[:, :, generator.permutation(positions.shape[2])[: round(LOST * positions.shape[2])]] = np.nan
    found[:, max(2, round(positions.shape[1] * generator.uniform(0.2, 0.8))) :] = np.nan
    return found


_MAKERS = (
    ("still", first_frame),
    ("still", last_frame),
    ("noise", white_noise),
    ("noise", jumping),
    ("lost", out_of_view),
)
