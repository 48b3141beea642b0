"""What makes scores comparable and probabilities honest: kept beside the weights, read without torch.

``reference`` are embedded training clips. A score is judged by how it compares with the scores that these clips have
against the same text: texts that are near to every clip lose that advantage, and the examples of a label can be weighed
against sentences. The temperature and the thresholds are fitted on classes that a second training was not shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import write_text, written_aside
from skeltext.recognizer.card import UNREADABLE
from skeltext.recognizer.model import Floats

FIGURES, REFERENCE = "calibration.json", "reference.safetensors"


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """How raw scores become probabilities and refusals.

    ``reference`` (R, D) embedded training clips; ``temperature`` of the softmax over standard scores; ``thresholds``
    maps a false-accept rate to the least standard score that is accepted: of clips that show none of the labels, that
    share lies above it. ``accepted`` is the share of clips that do show one of them and lie above it. ``about`` says
    what they were fitted on.
    """

    reference: Floats
    temperature: float
    thresholds: Mapping[float, float]
    accepted: Mapping[float, float]
    about: str

    def threshold(self, false_accept: float) -> float:
        """The least standard score at a false-accept rate, linear between those that were fitted.

        >>> fitted = Calibration(reference=np.ones((2, 1), "f"), temperature=1, thresholds={0.1: 2.0, 0.3: 1.0},
        ...                      accepted={}, about="")
        >>> round(fitted.threshold(0.2), 3)
        1.5
        """
        rates = sorted(self.thresholds)
        require(
            rates[0] <= false_accept <= rates[-1],
            f"a false-accept rate of {false_accept}, expected one between {rates[0]} and {rates[-1]}",
        )
        return float(np.interp(false_accept, rates, [self.thresholds[rate] for rate in rates]))

    def save(self, folder: Path) -> None:
        """Write both files beside the weights, the figures last."""
        with written_aside(folder / REFERENCE) as aside:
            aside.write_bytes(save({"reference": self.reference.astype(np.float16)}))
        figures = {
            "temperature": self.temperature,
            "thresholds": {str(rate): value for rate, value in self.thresholds.items()},
            "accepted": {str(rate): value for rate, value in self.accepted.items()},
            "about": self.about,
        }
        write_text(folder / FIGURES, json.dumps(figures, indent=1))


def standard_scores(scores: Floats, reference: Floats) -> Floats:
    """(N, K) scores less the mean of those of the reference (R, K) against the same texts, by their deviation.

    >>> standard_scores(np.array([[3.0]], "f"), np.array([[0.0], [2.0]], "f")).tolist()
    [[2.0]]
    """
    spread = np.maximum(reference.std(axis=0), 1e-6)
    return np.asarray((scores - reference.mean(axis=0)) / spread, np.float32)


def calibration_from(figures: bytes, reference: bytes) -> Calibration:
    """The calibration of the contents of both files; whatever is wrong with them is raised as it is."""
    plain = json.loads(figures)
    found = Calibration(
        reference=load(reference)["reference"].astype(np.float32),
        temperature=float(plain["temperature"]),
        thresholds={float(rate): float(value) for rate, value in plain["thresholds"].items()},
        accepted={float(rate): float(value) for rate, value in plain["accepted"].items()},
        about=str(plain["about"]),
    )
    rows = found.reference
    fine = rows.ndim == 2 and len(rows) > 1 and np.isfinite(rows).all() and found.temperature > 0 and found.thresholds
    require(fine, "its numbers cannot be used")
    return found


def load_calibration(folder: Path) -> Calibration | None:
    """What :meth:`Calibration.save` wrote, None where nothing was fitted; damaged files are one sentence."""
    if not (folder / FIGURES).exists():
        return None
    try:
        return calibration_from((folder / FIGURES).read_bytes(), (folder / REFERENCE).read_bytes())
    except (*UNREADABLE, SafetensorError, SkeltextError) as error:
        raise SkeltextError(
            f"{folder / FIGURES} is no calibration ({error}); write it again with `skeltext calibrate`"
        ) from error
