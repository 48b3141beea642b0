"""The built-in motion set as a data set: nothing to download, made while it is prepared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.builtin.actions import BUILTIN_CLASSES, BUILTIN_SPLITS, builtin_clip
from skeltext.datasets.dataset import ClassSplit, Dataset, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.skeletons.layouts import NTU25

_VIEW = str(len(BUILTIN_CLASSES))


def _samples(originals: Originals, *, subjects: int = 12, repetitions: int = 2) -> Iterator[Sample]:
    """Every action by every subject, `repetitions` times; there are no originals to look for."""
    for label, action in enumerate(BUILTIN_CLASSES):
        for subject in range(subjects):
            for repetition in range(repetitions):
                yield Sample(
                    id=f"{action.replace(' ', '-')}/s{subject:02}-r{repetition:02}",
                    label=label,
                    subject=subject,
                    read=partial(builtin_clip, action=action, subject=subject, repetition=repetition),
                )


BUILTIN = Dataset(
    name="builtin",
    title="Built-in motion set, computed by forward kinematics",
    layout=NTU25,
    fps=30.0,
    classes=BUILTIN_CLASSES,
    views={_VIEW: every_class(BUILTIN_CLASSES)},
    splits={
        str(number): ClassSplit(
            name=str(number),
            seen=tuple(name for name in BUILTIN_CLASSES if name not in unseen),
            unseen=tuple(name for name in BUILTIN_CLASSES if name in unseen),
            source=f"made for the built-in set: {about}",
            view=_VIEW,
        )
        for number, (about, unseen) in enumerate(BUILTIN_SPLITS.items())
    },
    source="part of skeltext; `skeltext prepare builtin` computes it",
    citation="the skeltext package",
    licence="MIT, as skeltext",
    made_here=True,
    readings={"computed": _samples},
)
