"""Recordings that are put together from clips, so that it is known by frame which action they show.

Somebody stands still, moves smoothly into an action, and from it into the next one or back to standing still. Only the
actions have a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from skeltext.encoders.kinematic import headings, turned
from skeltext.errors import require
from skeltext.recognizer.spans import Span
from skeltext.skeletons.clip import Clip, Floats
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.steps import fill_gaps, most_moving

TRANSITION = 0.4  # seconds from one pose to the next
IDLE = (1.0, 3.0)  # seconds of standing still, drawn evenly
PAUSED = 0.6  # share of actions before which somebody stands still
SWAY, DRIFT = 0.015, 0.008  # metres at the head of somebody who stands, and of single joints
_QUARTILE, _SPREAD = 0.3186, 6**0.5  # of noise: a quarter is nearer to 0; its second differences are as much wider

Draw = np.random.Generator


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """A clip of one person with the spans of the actions that it shows."""

    clip: Clip
    spans: tuple[Span, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its spans, each once."""
        return tuple(sorted({span.label for span in self.spans}))


def composed(clips: Sequence[tuple[str, Clip]], *, seed: int | tuple[int, ...], fps: float = 30.0) -> Recording:
    """A recording of labeled clips of one person in this order, with y up and positions in meters.

    Every action begins where the last one ended and faces the way it faced. The pose of who stands still is the most
    upright one with hanging arms in which any of the clips begins; it sways, and shakes as the clips do. The same clips
    and `seed` make the same recording. Raises :class:`SkeltextError` where there is no clip, or clips are of several
    layouts.
    """
    require(clips, "no clip to put together, expected at least one")
    layout = clips[0][1].layout
    require(
        all(clip.layout == layout for _, clip in clips),
        f"clips of other layouts than {layout.name}; convert them first",
    )
    draw = np.random.default_rng(seed)
    actions = [_frames(clip, fps=fps) for _, clip in clips]  # each (T, V, 3)
    rest = _most_upright([action[0] for action in actions], layout)
    shaking = float(np.median([_shaking(action) for action in actions]))
    idle = partial(_idle, rest, layout, draw, fps=fps, shaking=shaking)
    parts, spans = [idle()], []
    for number, ((label, _), action) in enumerate(zip(clips, actions, strict=True)):
        if number and draw.random() < PAUSED:
            parts += _joined(parts[-1][-1], idle(), layout, fps=fps)
        parts += _joined(parts[-1][-1], action, layout, fps=fps)
        end = sum(map(len, parts))
        spans.append(Span(start=(end - len(action)) / fps, end=end / fps, label=label, confidence=1.0))
    parts += _joined(parts[-1][-1], idle(), layout, fps=fps)
    positions = np.concatenate(parts)[None].astype(np.float32)  # 1 T V C
    clip = Clip(positions=positions, layout=layout, fps=fps, source=f"recording {seed}, put together")
    return Recording(clip=clip, spans=tuple(spans))


def drawn(clips: Sequence[str], groups: Sequence[object], *, actions: int, most: int, draw: Draw) -> list[int]:
    """Numbers of clips of one group, as they follow each other: up to `most` classes, of which no two neighbors.

    `clips` are the classes of the clips. A group is drawn among those that have at least three classes; each of its
    classes comes once before any comes again, `actions` times in all. Raises :class:`SkeltextError` where no group has
    three.
    """
    names, of = np.array(clips), np.array([str(group) for group in groups])
    rich = [group for group in np.unique(of) if len(np.unique(names[of == group])) >= 3]
    require(rich, "nobody shows three of the classes, so that no recording can be put together; choose more classes")
    own = of == draw.choice(rich)
    chosen = draw.permutation(np.unique(names[own]))[:most]
    order: list[str] = []
    while len(order) < actions:
        again = draw.permutation(chosen)
        order += [*again[::-1]] if order and order[-1] == again[0] else [*again]
    return [int(draw.choice(np.flatnonzero(own & (names == name)))) for name in order[:actions]]


def _frames(clip: Clip, *, fps: float) -> Floats:
    """(T, V, C) of the person who moves most at another frame rate, without gaps."""
    x = fill_gaps(clip.positions[most_moving(clip.positions, bodies=1)], clip.layout)[0]
    times = np.arange(max(round(clip.T * fps / (clip.fps or fps)), 2)) * (clip.fps or fps) / fps
    before = np.minimum(times.astype(int), clip.T - 1)
    after = np.minimum(before + 1, clip.T - 1)
    share = np.clip(times - before, 0, 1)[:, None, None]
    return np.asarray((1 - share) * x[before] + share * x[after], np.float32)


def _most_upright(poses: Sequence[Floats], layout: Layout) -> Floats:
    """The pose (V, C) whose head is farthest above the wrists, and whose pelvis above the ankles."""

    def height(pose: Floats, *joints: str) -> float:
        return float(np.mean([pose[layout.index(joint), 1] for joint in joints]))

    def upright(pose: Floats) -> float:
        arms = height(pose, "head") - height(pose, "left_wrist", "right_wrist")
        return arms + height(pose, "pelvis") - height(pose, "left_ankle", "right_ankle")

    return max(poses, key=upright)


def _shaking(action: Floats) -> float:
    """How far a joint shakes, as the deviation of the noise that the smallest second differences would be."""
    if len(action) < 3:
        return 0.0
    return float(np.quantile(np.abs(np.diff(action, n=2, axis=0)), 0.25) / (_QUARTILE * _SPREAD))


def _idle(pose: Floats, layout: Layout, draw: Draw, *, fps: float, shaking: float) -> Floats:
    """(T, V, C) of somebody who stands still in a pose for some seconds."""
    frames = round(draw.uniform(*IDLE) * fps)
    times = np.arange(frames) / fps
    height = pose[:, 1] - pose[:, 1].min()
    lever = (height / max(float(height.max()), 1e-6))[:, None]  # V 1
    level = np.array([1.0, 0.0, 1.0])  # nobody sways up and down
    sway = SWAY * _waves(times, draw, (1, 3), slow=0.15, fast=0.5) * lever * level
    drift = DRIFT * _waves(times, draw, pose.shape, slow=0.2, fast=1.0)
    noise = shaking * draw.normal(size=(frames, *pose.shape))
    return np.asarray(pose + sway + drift + noise, np.float32)


def _waves(
    times: npt.NDArray[np.float64], draw: Draw, shape: tuple[int, ...], *, slow: float, fast: float
) -> npt.NDArray[np.float64]:
    """(T, *shape) three waves for every number, of frequencies between two, which begin anywhere."""
    frequency = draw.uniform(slow, fast, size=(3, 1, *shape))
    phase = draw.uniform(0, 2 * np.pi, size=(3, 1, *shape))
    t = times.reshape(1, -1, *(1 for _ in shape))
    return np.asarray(np.sin(2 * np.pi * frequency * t + phase).mean(axis=0))


def _following(action: Floats, last: Floats, layout: Layout) -> Floats:
    """An action (T, V, C) that begins over the place of the pose (V, C) before it and faces the same way."""
    pelvis = layout.index("pelvis")
    before, own = (float(headings(pose[None, None], layout)[0, 0]) for pose in (last, action[0]))
    found = turned(action - action[0, pelvis], np.array(own - before, np.float32))
    place = last[pelvis] * [1, 0, 1] + action[0, pelvis] * [0, 1, 0]  # each keeps its height above the floor
    return np.asarray(found + place, np.float32)


def _joined(last: Floats, action: Floats, layout: Layout, *, fps: float) -> list[Floats]:
    """What follows a pose (V, C): the way to an action (T, V, C), and the action from there on."""
    placed = _following(action, last, layout)
    return [_transition(last, placed[0], fps=fps), placed]


def _transition(before: Floats, after: Floats, *, fps: float) -> Floats:
    """(T, V, C) from one pose to another, slow at both ends."""
    frames = max(round(TRANSITION * fps), 1)
    share = (1 - np.cos(np.pi * np.arange(1, frames + 1) / (frames + 1)))[:, None, None] / 2
    return np.asarray((1 - share) * before + share * after, np.float32)
