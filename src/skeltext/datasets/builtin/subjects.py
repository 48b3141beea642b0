"""The subjects of the built-in set: bodies, ways of moving, and where they stand before the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skeltext.datasets.builtin.body import Body
from skeltext.datasets.builtin.pose import LEFT, RIGHT, Array
from skeltext.datasets.builtin.stage import Manner


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One person; the defaults are somebody without any habit, who repeats an action exactly and is seen perfectly.

    ``tempo`` divides durations, ``amplitude`` scales motions, ``skew`` above 1 starts motions slowly and below 1
    quickly; the arm that is not ``dominant`` is ``weakness`` smaller and up to ``lag`` later. ``variability`` scales
    how much two performances differ and ``sway`` how far somebody idle moves. ``hang`` is where idle wrists are
    (outward, up, forward, arm lengths), ``stoop`` (radians) how far the trunk is bent forward when upright. ``yaw``
    (degrees, positive turns the subject to its right), ``aside`` and ``distance`` (metres) place the subject before
    the sensor, which is ``mount`` metres above the floor. ``noise`` (metres) is the jitter of a well seen joint and
    ``losses`` the chance that a clip loses joints.

    >>> Subject(body=Body(height=1.7), amplitude=0.9).manner(np.random.default_rng(0)).amplitude
    0.9
    """

    body: Body
    tempo: float = 1.0
    amplitude: float = 1.0
    skew: float = 1.0
    dominant: int = RIGHT
    weakness: float = 0.0
    lag: float = 0.0
    variability: float = 0.0
    sway: float = 0.0
    hang: tuple[float, float, float] = (0.12, -0.96, 0.06)
    stoop: float = 0.0
    yaw: float = 0.0
    aside: float = 0.0
    distance: float = 3.0
    mount: float = 1.0
    noise: float = 0.0
    losses: float = 0.0

    def manner(self, rng: np.random.Generator) -> Manner:
        """The manner of one performance, drawn around the habits of the subject."""
        weaker = LEFT if self.dominant == RIGHT else RIGHT
        arms, lag = [1.0, 1.0], [0.0, 0.0]
        arms[weaker], lag[weaker] = 1.0 - self.weakness, self.lag * rng.uniform()
        spread = self.variability
        cycles = int(rng.choice([-1, 0, 0, 1])) if spread > 0 else 0
        return Manner(
            amplitude=float(np.clip(self.amplitude * (1.0 + 0.08 * spread * rng.normal()), 0.75, 1.2)),
            arms=(arms[LEFT], arms[RIGHT]),
            lag=(lag[LEFT], lag[RIGHT]),
            cycles=cycles,
            shift=0.06 * spread * np.clip(rng.normal(size=(2, 3)), -2.0, 2.0),
        )

    def phase(self, *, seconds: float, fps: float, rng: np.random.Generator) -> Array:
        """(T,) the phase of an action of so many seconds at tempo 1, from 0 to 1, with idle frames around it.

        T is 40 to 110: a short action is given more idle time, a long one is quickened.
        """
        spread = self.variability
        seconds = min(seconds / (self.tempo * float(np.exp(0.1 * spread * rng.normal()))), 100 / fps)
        before, after = 0.15 + 0.35 * spread * rng.uniform(size=2)
        frames = int(np.clip(round(fps * (before + seconds + after)), 40, 110))
        idle = frames / fps - seconds
        course = np.clip((np.arange(frames) / fps - idle * before / (before + after)) / seconds, 0.0, 1.0)
        return np.asarray(course ** (self.skew * float(np.exp(0.06 * spread * rng.normal()))))


def _subject(
    body: Body, place: tuple[float, float, float, float], habits: tuple[float, float, float], **style: float
) -> Subject:
    """Somebody at (yaw, aside, distance, mount) whose idle wrists are at `habits`."""
    yaw, aside, distance, mount = place
    plain = {"variability": 1.0, "sway": 1.0, "noise": 0.008, "losses": 0.25} | style
    dominant = int(plain.pop("dominant", RIGHT))
    return Subject(
        body=body, yaw=yaw, aside=aside, distance=distance, mount=mount, hang=habits, dominant=dominant, **plain
    )


SUBJECTS = (
    _subject(Body(height=1.72), (4, 0.1, 3.0, 1.0), (0.12, -0.96, 0.06), weakness=0.08, lag=0.03),
    _subject(
        Body(height=1.18, arms=0.94, legs=0.92, shoulders=0.95, skull=1.3),
        (-12, -0.2, 2.5, 0.8),
        (0.16, -0.92, 0.05),
        tempo=1.22, amplitude=1.08, sway=2.0, variability=1.3, weakness=0.12, lag=0.05, noise=0.01,
    ),
    _subject(
        Body(height=1.88, arms=1.04, legs=1.04, shoulders=1.08),
        (22, 0.4, 3.6, 1.1),
        (0.14, -0.93, 0.16),
        tempo=0.88, amplitude=0.92, skew=1.12, stoop=0.06, weakness=0.05, lag=0.02,
    ),
    _subject(
        Body(height=1.63, shoulders=0.93, legs=1.01),
        (-25, -0.3, 2.8, 1.0),
        (0.06, -0.95, 0.06),
        tempo=1.05, dominant=LEFT, weakness=0.1, lag=0.04,
    ),
    _subject(
        Body(height=1.68, arms=0.97, shoulders=1.05),
        (15, 0.0, 3.3, 1.4),
        (0.18, -0.88, 0.22),
        tempo=0.8, amplitude=0.85, skew=1.1, stoop=0.14, sway=1.6, weakness=0.12, lag=0.05, noise=0.01,
    ),
    _subject(
        Body(height=1.79, arms=1.02, shoulders=1.1),
        (-8, 0.3, 2.6, 0.9),
        (0.2, -0.93, 0.1),
        tempo=1.18, amplitude=1.12, skew=0.9, weakness=0.04, lag=0.02,
    ),
    _subject(
        Body(height=1.42, arms=0.98, legs=0.97, shoulders=0.95, skull=1.12),
        (30, -0.1, 2.9, 0.9),
        (0.1, -0.96, 0.02),
        tempo=1.12, amplitude=1.02, sway=1.5, variability=1.2, dominant=LEFT, weakness=0.1, lag=0.04,
    ),
    _subject(
        Body(height=1.58, arms=0.96, legs=0.96, shoulders=0.98),
        (-18, 0.2, 3.8, 1.2),
        (0.08, -0.9, 0.24),
        tempo=0.92, amplitude=0.9, stoop=0.04, weakness=0.08, lag=0.03, noise=0.011,
    ),
    _subject(
        Body(height=1.96, arms=1.05, legs=1.06, shoulders=1.04),
        (8, -0.4, 3.9, 1.0),
        (0.12, -0.95, 0.08),
        tempo=0.95, amplitude=0.97, skew=1.06, stoop=0.08, weakness=0.06, lag=0.03, noise=0.01,
    ),
    _subject(
        Body(height=1.66, arms=1.02, shoulders=0.94),
        (-32, 0.0, 3.1, 1.0),
        (0.04, -0.94, 0.12),
        tempo=1.1, amplitude=1.05, skew=0.93, weakness=0.05, lag=0.02,
    ),
    _subject(
        Body(height=1.75, legs=0.96, shoulders=1.06),
        (26, 0.2, 2.7, 1.3),
        (0.16, -0.86, 0.28),
        tempo=1.0, amplitude=0.94, dominant=LEFT, weakness=0.14, lag=0.06, losses=0.4,
    ),
    _subject(
        Body(height=1.52, arms=1.0, legs=0.99, shoulders=0.92, skull=1.05),
        (-5, -0.3, 3.4, 1.1),
        (0.07, -0.94, 0.04),
        tempo=0.98, amplitude=1.0, skew=1.05, variability=1.4, weakness=0.1, lag=0.05, losses=0.4,
    ),
)  # fmt: skip
