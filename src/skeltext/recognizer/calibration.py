"""What makes scores comparable and probabilities honest: kept beside the weights, read without torch.

``reference`` are embedded training clips. A score is judged by how it compares with the scores that these clips have
against the same text: texts that are near to every clip lose that advantage, and the examples of a label can be weighed
against sentences. Everything else is fitted on classes that a second training was not shown. Calibrations of earlier
releases lack some of it; what needs the missing part says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import write_text, written_aside
from skeltext.recognizer.card import UNREADABLE
from skeltext.recognizer.conformal import Gaps
from skeltext.recognizer.evidence import Evidence
from skeltext.recognizer.likeness import Ints, Likeness
from skeltext.recognizer.model import Floats
from skeltext.recognizer.nothing import NothingShown

FIGURES, REFERENCE = "calibration.json", "reference.safetensors"
USUAL_LABELS = 5  # the number of labels that a temperature is given for
_NOTHING = "nothing."  # how the names of the weights of empty clips begin


def _no_classes() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """How raw scores become probabilities and refusals.

    ``reference`` (R, D) embedded training clips, and their ``classes`` (R,); ``temperature`` of the softmax over
    standard scores of five labels, and its ``growth``, a power of their number; ``thresholds`` maps a false-accept rate
    to the least standard score that is accepted: of clips that show none of the labels, that share lies above it.
    ``accepted`` is the share of clips that do show one of them and lie above it. ``about`` says what they were fitted
    on.

    ``evidence`` takes the place of the thresholds, and ``shown`` does so for labels with examples; ``gaps`` are those
    of label sets, and ``nothing`` knows clips that show no action. Each is None, and ``classes`` is empty, in a
    calibration of an earlier release.
    """

    reference: Floats
    temperature: float
    thresholds: Mapping[float, float]
    accepted: Mapping[float, float]
    about: str
    growth: float = 0.0
    classes: Ints = field(default_factory=_no_classes)
    evidence: Evidence | None = None
    shown: Evidence | None = None
    gaps: Gaps | None = None
    nothing: NothingShown | None = None

    @cached_property
    def likeness(self) -> Likeness:
        """How clips are compared with examples."""
        return Likeness.of(self.reference, self.classes)

    def temperature_for(self, labels: int) -> float:
        """The temperature of the softmax over so many labels."""
        return self.temperature * float((labels / USUAL_LABELS) ** self.growth)

    def evidence_of(self, scores: Floats, shown: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """(N,) how much speaks for one of the labels, by standard scores (N, K); the best score if none is fitted.

        `shown` (N,) says where the best label has examples, which is judged by what was fitted on examples.
        """
        if self.evidence is None:
            return np.asarray(scores.max(axis=1), np.float64)
        by_text = self.evidence.of(scores)
        if self.shown is None or not shown.any():
            return by_text
        return np.where(shown, self.shown.in_scale_of(self.evidence, self.shown.of(scores)), by_text)

    def threshold(self, false_accept: float) -> float:
        """The least evidence at a false-accept rate, or standard score without it, linear between fitted rates.

        >>> fitted = Calibration(reference=np.ones((2, 1), "f"), temperature=1, thresholds={0.1: 2.0, 0.3: 1.0},
        ...                      accepted={}, about="")
        >>> round(fitted.threshold(0.2), 3)
        1.5
        """
        thresholds = self.evidence.thresholds if self.evidence else self.thresholds
        rates = sorted(thresholds)
        require(
            rates[0] <= false_accept <= rates[-1],
            f"a false-accept rate of {false_accept}, expected one between {rates[0]} and {rates[-1]}",
        )
        return float(np.interp(false_accept, rates, [thresholds[rate] for rate in rates]))

    def save(self, folder: Path) -> None:
        """Write both files beside the weights, the figures last."""
        with written_aside(folder / REFERENCE) as aside:
            aside.write_bytes(save(self._arrays()))
        figures = {
            "temperature": self.temperature,
            "growth": self.growth,
            "thresholds": {str(rate): value for rate, value in self.thresholds.items()},
            "accepted": {str(rate): value for rate, value in self.accepted.items()},
            "about": self.about,
        }
        parts = {"evidence": self.evidence, "shown": self.shown, "gaps": self.gaps}
        figures |= {name: part.to_dict() for name, part in parts.items() if part is not None}
        write_text(folder / FIGURES, json.dumps(figures, indent=1))

    def _arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        arrays: dict[str, npt.NDArray[np.generic]] = {"reference": self.reference.astype(np.float16)}
        if len(self.classes):
            arrays["classes"] = self.classes
        weights = self.nothing.weights if self.nothing else {}
        return arrays | {_NOTHING + kind: np.ascontiguousarray(row) for kind, row in weights.items()}


def standard_scores(scores: Floats, reference: Floats) -> Floats:
    """(N, K) scores less the mean of those of the reference (R, K) against the same texts, by their deviation.

    >>> standard_scores(np.array([[3.0]], "f"), np.array([[0.0], [2.0]], "f")).tolist()
    [[2.0]]
    """
    spread = np.maximum(reference.std(axis=0), 1e-6)
    return np.asarray((scores - reference.mean(axis=0)) / spread, np.float32)


def calibration_from(figures: bytes, reference: bytes) -> Calibration:
    """The calibration of the contents of both files; whatever is wrong with them is raised as it is."""
    plain, arrays = json.loads(figures), load(reference)
    weights = {name.removeprefix(_NOTHING): row for name, row in arrays.items() if name.startswith(_NOTHING)}
    found = Calibration(
        reference=arrays["reference"].astype(np.float32),
        classes=arrays.get("classes", _no_classes()),
        nothing=NothingShown(weights=weights) if weights else None,
        evidence=Evidence.from_dict(plain["evidence"]) if "evidence" in plain else None,
        shown=Evidence.from_dict(plain["shown"]) if "shown" in plain else None,
        gaps=Gaps.from_dict(plain["gaps"]) if "gaps" in plain else None,
        growth=float(plain.get("growth", 0.0)),
        temperature=float(plain["temperature"]),
        thresholds={float(rate): float(value) for rate, value in plain["thresholds"].items()},
        accepted={float(rate): float(value) for rate, value in plain["accepted"].items()},
        about=str(plain["about"]),
    )
    rows = found.reference
    fine = (
        rows.ndim == 2
        and len(rows) > 1
        and bool(np.isfinite(rows).all())
        and found.temperature > 0
        and bool(found.thresholds)
        and len(found.classes) in (0, len(rows))
        and all(row.shape == (rows.shape[1] + 2,) for row in weights.values())
    )
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
