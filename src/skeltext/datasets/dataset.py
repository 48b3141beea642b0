"""What a data set is: its classes, its recordings, who takes part in which half, and which classes count as unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from skeltext.datasets.originals import Originals
from skeltext.errors import SkeltextError
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layout import Layout

Subjects = Literal["all", "cross-subject"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One recording of a data set, not read yet.

    ``label`` is the index of its class; ``subject`` and ``camera`` are -1 where the data set does not tell;
    ``source`` is the name of the data set that the recording stems from, which differs from the data set it is
    a sample of in a union. ``read`` can be pickled: a function of a module, or a partial of one.
    """

    id: str
    label: int
    read: Callable[[], Clip]
    subject: int = -1
    camera: int = -1
    source: str = ""


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
    classes stay out of a split that holds out seen ones. ``subjects`` says which clips count: ``"all"`` (train on all
    clips of the seen classes, test on all clips of the unseen ones) or ``"cross-subject"`` (train on the seen classes
    of the training subjects, test on the unseen classes of the others). ``exemplars`` are the clips that a one-shot
    protocol shows of each unseen class; they are no test clips. ``view`` names the view of the data set that the
    classes belong to and ``source`` tells who published the split.
    """

    name: str
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    source: str
    view: str
    subjects: Subjects = "all"
    exemplars: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        both = sorted(set(self.seen) & set(self.unseen))
        if both:
            raise SkeltextError(f"split {self.name}: {', '.join(both)} is seen and unseen; keep it in one of the two")
        if not self.seen or not self.unseen:
            raise SkeltextError(
                f"split {self.name}: {len(self.seen)} seen and {len(self.unseen)} unseen classes; name some of each"
            )


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set of labelled clips.

    ``classes`` are in official order. ``views`` maps names to merged classes; the first is the one that merges
    nothing, which is what a prepared store holds. ``train_subjects`` is the official cross-subject protocol, None
    where there is none. ``bodies`` is the number of people kept for training. ``bad_clips`` maps the ids of
    recordings known to be useless to the reason. ``samples`` finds the recordings among the original files, in an
    order that does not depend on the machine; None where there is no preparer yet. ``made_here`` says that there are
    no original files because the clips are computed.
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
    train_subjects: frozenset[int] | None = None
    bodies: int = 1
    bad_clips: Mapping[str, str] = field(default_factory=dict)
    made_here: bool = False
    samples: Callable[[Originals], Iterator[Sample]] | None = None

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

    def split(self, name: str) -> ClassSplit:
        """The class split of that name; :class:`SkeltextError` lists the names there are."""
        if name not in self.splits:
            known = f"it has {', '.join(self.splits)}" if self.splits else "it has none"
            raise SkeltextError(f"data set {self.name} has no class split {name!r}; {known}")
        return self.splits[name]
