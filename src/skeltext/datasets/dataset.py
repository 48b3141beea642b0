"""What a data set is: its classes, its recordings, who takes part in which half, and which classes count as unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from skeltext.datasets.originals import Originals
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout

EVERY_CLASS = "all"
"""The split of every data set that leaves no class unseen: for a model that people use, which nothing here tests."""
EVERY_CLIP = "all"
"""The protocol of a split that divides classes only: all clips of the seen ones train, all of the unseen ones test."""

Divider = Literal["subject", "camera", "setup"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One recording of a data set, not read yet.

    ``label`` is the index of its class; ``subject``, ``camera`` and ``setup`` (the arrangement of cameras in the room)
    are -1 where the data set does not tell; ``source`` is the name of the data set that the recording stems from,
    which differs from the data set it is a sample of in a union. ``read`` can be pickled: a function of a module, or a
    partial of one.
    """

    id: str
    label: int
    read: Callable[[], Clip]
    subject: int = -1
    camera: int = -1
    setup: int = -1
    source: str = ""


Reading = Callable[[Originals], Iterator[Sample]]
"""A way to find the recordings among the original files, in an order that does not depend on the machine."""


class Protocol(NamedTuple):
    """How clips are divided into training and test: those train whose subject, camera or setup is in ``train``.

    ``source`` tells who published it.
    """

    by: Divider
    train: frozenset[int]
    source: str


class View(NamedTuple):
    """Classes merged into coarser ones: class c of the data set is class ``from_class[c]`` of the view."""

    classes: tuple[str, ...]
    from_class: tuple[int, ...]


def every_class(classes: tuple[str, ...]) -> View:
    """The view that merges nothing.

    >>> every_class(("wave", "bow")).from_class
    (0, 1)
    """
    return View(classes, tuple(range(len(classes))))


@dataclass(frozen=True, kw_only=True)
class ClassSplit:
    """Which classes a model may learn and which it meets at the test only.

    A class that is neither in ``seen`` nor in ``unseen`` does not exist for this split: that is how the true unseen
    classes stay out of a split that holds out seen ones. ``protocol`` says which clips count: ``"all"`` (train on all
    clips of the seen classes, test on all clips of the unseen ones) or the name of a protocol of the data set (train on
    the seen classes of its training half, test on the unseen classes of the other). ``exemplars`` are the clips that a
    one-shot protocol shows of each unseen class; they are no test clips. Where it names none, the first ``shots`` clips
    of each unseen class are. A split without unseen classes tests nothing. ``view`` names the view of the data set that
    the classes belong to and ``source`` tells who published the split.
    """

    name: str
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    source: str
    view: str
    protocol: str = EVERY_CLIP
    exemplars: tuple[str, ...] = ()
    shots: int = 0

    def __post_init__(self) -> None:
        both = sorted(set(self.seen) & set(self.unseen))
        if both:
            raise SkeltextError(f"split {self.name}: {', '.join(both)} is seen and unseen; keep it in one of the two")
        if not self.seen:
            raise SkeltextError(f"split {self.name}: no class is seen, so there is nothing to learn; name some")


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set of labelled clips.

    ``classes`` are in official order. ``views`` maps names to merged classes; the first is the one that merges
    nothing, which is what a prepared store holds. ``protocols`` are the published divisions into training and test.
    ``bodies`` is the number of people kept for training. ``bad_clips`` maps the ids of recordings known to be useless
    to the reason. ``readings`` are the ways to read the original files, the first is the default; there are none where
    there is no preparer yet. ``expected`` are published counts that a prepared store is compared with, by the names
    of :meth:`skeltext.datasets.manifest.Manifest.counts`. ``made_here`` says that there are no original files because
    the clips are computed.
    """

    name: str
    title: str
    layout: Layout
    fps: float
    classes: tuple[str, ...]
    source: str
    citation: str
    licence: str
    views: Mapping[str, View] = field(default_factory=dict)
    splits: Mapping[str, ClassSplit] = field(default_factory=dict)
    protocols: Mapping[str, Protocol] = field(default_factory=dict)
    bodies: int = 1
    bad_clips: Mapping[str, str] = field(default_factory=dict)
    made_here: bool = False
    readings: Mapping[str, Reading] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes):
            raise SkeltextError(f"data set {self.name}: two classes have the same name; give every class its own")
        object.__setattr__(self, "views", dict(self.views) or {"all": every_class(self.classes)})
        for name, view in self.views.items():
            if len(view.from_class) != len(self.classes) or set(view.from_class) != set(range(len(view.classes))):
                raise SkeltextError(
                    f"data set {self.name}: view {name} does not map {len(self.classes)} classes onto its"
                    f" {len(view.classes)}; give one number per class and leave no class of the view empty"
                )
        if EVERY_CLIP in self.protocols:
            raise SkeltextError(
                f"data set {self.name}: a protocol is named {EVERY_CLIP!r}, which means that all clips count in both"
                " halves; choose another name"
            )

    def reading(self, name: str | None = None) -> str:
        """`name` if that is a way to read the originals, the default for None; else :class:`SkeltextError`."""
        if not self.readings:
            raise SkeltextError(f"{self.name} is registered for its classes and splits, but cannot be prepared yet")
        if name is not None and name not in self.readings:
            raise SkeltextError(f"data set {self.name} cannot be read as {name!r}; it has {', '.join(self.readings)}")
        return name or next(iter(self.readings))

    def samples(self, originals: Originals, *, reading: str | None = None) -> Iterator[Sample]:
        """The recordings among the original files, found by the reading of that name (see :meth:`reading`)."""
        return self.readings[self.reading(reading)](originals)

    def split(self, name: str) -> ClassSplit:
        """The class split of that name, "all" for one in which every class is seen; else :class:`SkeltextError`."""
        if name == EVERY_CLASS:
            view, (classes, _) = next(iter(self.views.items()))
            return ClassSplit(name=name, seen=classes, unseen=(), source="every class is seen", view=view)
        if name not in self.splits:
            known = f"it has {', '.join((*self.splits, EVERY_CLASS))}"
            raise SkeltextError(f"data set {self.name} has no class split {name!r}; {known}")
        return self.splits[name]
