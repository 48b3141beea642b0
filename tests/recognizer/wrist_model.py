"""A model that knows two actions: it sees which wrist moves, and reads "left" and "right" in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skeltext.datasets.builtin.actions import FPS, builtin_clip
from skeltext.methods.model_config import ModelConfig
from skeltext.recognizer.card import Card
from skeltext.recognizer.model import Floats, unit
from skeltext.recognizer.recognizer import Recognizer
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import NTU25
from skeltext.skeletons.preprocessing import preprocessing_named

SIDES = ("left", "right")
LABELS = ("left hand", "right hand")


class Wrists:
    """Embeds a clip as the deviations of its wrists from their middles, the left before the right."""

    card = Card(
        model=ModelConfig(method="pgfa", encoder="st_gcn", layout="ntu25", text_width=2),
        preprocessing=preprocessing_named("sound50", layout="ntu25", bodies=1),
        text_encoder="minilm",
        texts="complete",
        dataset="builtin",
        labels={},
    )
    score_scale = 10.0

    def embed(self, clips: Floats) -> Floats:
        """(N, C, T, V, M) to (N, 2)."""
        wrists = clips[:, :, :, [NTU25.index(f"{side}_wrist") for side in SIDES], 0]
        return np.asarray(wrists.std(axis=2).sum(axis=1), np.float32)

    def scores(self, embedded: Floats, texts: Floats) -> Floats:
        """Cosines."""
        return np.asarray(unit(embedded) @ unit(texts).T)


class Reader:
    """Embeds a sentence as the sides it names, counting how often it is asked."""

    name, revision = "reader", "1"

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> Floats:
        """(K, 2); a sentence of no side is opposite to both."""
        self.asked += 1
        named = [[float(side in text) for side in SIDES] for text in texts]
        return np.array([row if any(row) else [-1.0, -1.0] for row in named], np.float32)


def wrist_recognizer() -> Recognizer:
    """A recogniser of left and right."""
    return Recognizer(model=Wrists(), encoder=Reader())


def acted(*sides: str, frames: int = 150) -> Clip:
    """Somebody waves with one hand after the other, each for so many frames."""
    motions = [builtin_clip(action=f"wave the {side} hand", subject=0, repetition=0) for side in sides]
    middles = [motion.positions[:1, motion.T // 3 : 2 * motion.T // 3] for motion in motions]  # the arm is up
    parts = [middle[:, np.arange(frames) % middle.shape[1]] for middle in middles]
    return Clip(positions=np.concatenate(parts, axis=1), layout=NTU25, fps=FPS, tracks=("ann",), source="waving")


def nobody(frames: int = 150) -> Clip:
    """An empty room."""
    positions = np.full((1, frames, NTU25.V, NTU25.C), np.nan, np.float32)
    return Clip(positions=positions, layout=NTU25, fps=FPS)
