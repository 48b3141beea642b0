"""A long recording for the pages about the recogniser: one built-in person doing one thing after the other.

``python examples/recording.py day.npz`` writes six actions, with names after the file it writes those, and then for
instance ``skeltext timeline day.npz --labels ...`` finds them.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from skeltext.datasets.builtin.actions import builtin_clip
from skeltext.formats.npz import write_npz
from skeltext.skeletons.clip import Clip

ACTIONS = ("walk forward", "raise both hands", "sit down", "wave the right hand while sitting", "stand up", "bow")


def recording(actions: tuple[str, ...] = ACTIONS, *, subject: int = 0) -> Clip:
    """The actions after another, by one person, as one clip (M, T, V, C)."""
    clips = [builtin_clip(action=action, subject=subject, repetition=0) for action in actions]
    positions = np.concatenate([clip.positions for clip in clips], axis=1)  # along T
    return replace(clips[0], positions=positions, confidence=None, source="a built-in person")


if __name__ == "__main__":
    file, *chosen = sys.argv[1:]
    write_npz(recording(tuple(chosen) or ACTIONS), Path(file))
