"""What `skeltext bench` measures: how many clips of which shape, with which encoder, how often."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

from skeltext.errors import SkeltextError

Basis = Literal["cpu", "wall"]
_QUICK = {"batch": 16, "rounds": 2, "recordings": 100, "test_clips": 2000, "sentences": 8}


@dataclass(frozen=True, kw_only=True)
class BenchSettings:
    """The fields are the options of ``skeltext bench``; the defaults are the published setting of PGFA."""

    encoder: Literal["st_gcn", "shift_gcn"] = "st_gcn"
    """Skeleton encoder."""
    hidden: int | None = None
    """Width of its first blocks; the published one by default."""
    layout: str = "ntu25"
    """Layout of the made-up clips."""
    frames: int = 50
    """Frames of a made-up clip."""
    bodies: int = 2
    """Bodies of a made-up clip."""
    two_person: float = 0.18
    """Share of the clips in which every body is there; in the others all but the first are empty."""
    batch: int = 128
    """Clips of a training step, of an inference and of an evaluation."""
    recordings: int = 1152
    """Clips of the built-in set that are read and preprocessed; there are 1152."""
    test_clips: int = 20_000
    """Features that are aligned."""
    sentences: int = 64
    """Class descriptions that are embedded."""
    rounds: int = 5
    """How often everything is measured in turn; what is printed is the median."""
    threads: int = 1
    """Processor threads of every measured process."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, int) and value < 1:
                raise SkeltextError(f"{entry.name} is {value}, expected a whole number from 1 on")
        if not 0 <= self.two_person <= 1:
            raise SkeltextError(f"two_person is {self.two_person}, expected a share between 0 and 1")

    @property
    def basis(self) -> Basis:
        """Which clock rates, shares and ratios are computed from.

        With one thread it is processor time, which other work on the machine lengthens less; with several, where
        processor time would hide how well they share the work, it is the time on the clock.
        """
        return "cpu" if self.threads == 1 else "wall"

    def quick(self) -> BenchSettings:
        """The same with little of everything, to see that all stages work; the figures are rough.

        >>> BenchSettings(batch=4).quick().batch, BenchSettings().quick().rounds
        (4, 2)
        """
        return replace(self, **{name: min(getattr(self, name), most) for name, most in _QUICK.items()})
