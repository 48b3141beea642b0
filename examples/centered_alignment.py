"""A test-time step of your own in one file: prototypes of clips and texts whose means were taken off.

Clips and texts of one model often lie in two clouds apart, and some texts are near to every clip. Both disappear when
the mean of all clips is taken off the clips and the mean of all texts off the texts. Then the anchors are moved onto
the mean directions of the clips that are predicted as each class, as in prototype alignment (Zhou et al., IEEE TIP
2025).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skeltext.adaptation.step import Adapted, Floats, TestTimeStep, Unlabeled


@dataclass(frozen=True, kw_only=True)
class CenteredAlignment(TestTimeStep):
    """Centered cosines choose the first labels; `rounds` times anchors become the mean directions of their clips."""

    title = "centered alignment"
    about = "centered_alignment: the means of clips and texts are taken off, then anchors move onto prototypes."

    rounds: int = 1

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ValueError(f"rounds {self.rounds}, expected at least one")

    def applies(self, clips: Unlabeled) -> bool:
        """Where every clip is one vector and every class has a text among them."""
        return super().applies(clips) and clips.anchors is not None and bool(np.isfinite(clips.anchors).all())

    def fit(self, clips: Unlabeled) -> Adapted:
        """(N, D) and (K, D) to labels (N,) and moved anchors (K, D)."""
        assert clips.anchors is not None
        features, anchors = (directions(centered(directions(rows))) for rows in (clips.features, clips.anchors))
        for _ in range(self.rounds):
            labels = (features @ anchors.T).argmax(axis=1)
            anchors = np.stack(
                [features[labels == k].mean(axis=0) if (labels == k).any() else row for k, row in enumerate(anchors)]
            )
            anchors = directions(anchors)
        return Adapted(labels=(features @ anchors.T).argmax(axis=1), anchors=anchors)


def directions(rows: Floats) -> Floats:
    """Rows (..., D) divided by their lengths."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12), np.float32)


def centered(rows: Floats) -> Floats:
    """Rows (N, D) less their mean."""
    return np.asarray(rows - rows.mean(axis=0), np.float32)
