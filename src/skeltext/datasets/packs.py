"""Data sets that are passed on as packs: what their recordings show, by our names of the actions, and how they are cut.

The table data/packs.json says what differs from pack to pack: which class of ours each of theirs is (those that are
null there, or absent, are left out), which recordings are cut into windows, joints, frame rate, source and terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from skeltext.datasets.dataset import Dataset, Sample, every_class
from skeltext.datasets.originals import Originals
from skeltext.datasets.pack_recordings import USUAL_FPS, layout_of_pack, recordings
from skeltext.datasets.tables import class_splits, table
from skeltext.datasets.windows import MARK, windows


def _samples(name: str, originals: Originals) -> Iterator[Sample]:
    """All windows of all recordings of which we have the class."""
    facts, classes = table("packs")[name], pack_classes(name)
    for recording in recordings(name, originals.within(name)):
        ours = facts["classes"].get(recording.label)
        if ours is None:
            continue
        cut = {} if ours in facts.get("uncut", ()) else facts.get("cut", {})
        parts = [(0.0, None)] if recording.seconds is None else windows(recording.seconds, **cut)
        for start, stop in parts:
            yield Sample(
                id=recording.id if len(parts) == 1 else f"{recording.id}{MARK}{start:.1f}",
                label=classes.index(ours),
                subject=recording.subject,
                read=partial(recording.read, recording.start + start, None if stop is None else recording.start + stop),
            )


def pack_classes(name: str) -> tuple[str, ...]:
    """The classes of ours that a pack has, in its order.

    >>> pack_classes("kimore")[:2]
    ('lift the arms', 'tilt the trunk sideways with stretched arms')
    """
    return tuple(dict.fromkeys(ours for ours in table("packs")[name]["classes"].values() if ours is not None))


def _dataset(name: str) -> Dataset:
    facts, classes = table("packs")[name], pack_classes(name)
    views = {str(len(classes)): every_class(classes)}
    return Dataset(
        name=name,
        title=facts["title"],
        layout=layout_of_pack(name),
        fps=float(facts["fps"] or USUAL_FPS),
        classes=classes,
        views=views,
        splits=class_splits(name, views),
        bodies=facts.get("bodies", 1),
        source=facts["source"],
        citation=facts["citation"],
        licence=facts["licence"],
        readings={"pack": partial(_samples, name)},
    )


PACKS = {name: _dataset(name) for name in table("packs")}
