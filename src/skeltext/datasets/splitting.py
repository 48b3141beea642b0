"""Which clips a class split gives to training and to the test, and how seen classes are held out as if unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from skeltext.datasets.dataset import EVERY_CLIP, ClassSplit, Protocol
from skeltext.datasets.store import Store
from skeltext.errors import SkeltextError

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipSplit:
    """The clips of a store under a class split, as indices in ascending order.

    ``train`` holds clips of seen classes, ``test`` clips of unseen ones. ``seen_test`` holds the clips of seen
    classes in the test half of the protocol (generalised zero-shot tests mix them in); it is empty for a split that
    follows none. ``exemplars`` are the clips that a one-shot protocol shows. No two of them share a
    clip. ``seen`` and ``unseen`` are the class numbers in class order.
    """

    train: Indices
    test: Indices
    seen_test: Indices
    exemplars: Indices
    seen: tuple[int, ...]
    unseen: tuple[int, ...]


def split_clips(store: Store, split: ClassSplit, *, protocol: str | None = None) -> ClipSplit:
    """Divide the clips of `store` by the classes of `split` and by `protocol`, its own if None is given.

    Raises :class:`SkeltextError` if a class of the split is none of the store's (a view that was not chosen), if the
    store has no such protocol, or if a side would be left without clips.
    """
    protocol = split.protocol if protocol is None else protocol
    seen, unseen = (_numbers(store, split, names) for names in (split.seen, split.unseen))
    is_seen, is_unseen = np.isin(store.labels, seen), np.isin(store.labels, unseen)
    shown = _exemplars(store, split)
    trains = tests = np.ones(len(store), bool)
    if protocol != EVERY_CLIP:
        trains = training_half(store, _protocol(store, split, protocol))
        tests = ~trains
    if split.shots and not split.exemplars:
        shown = first_of_each(store.labels, is_unseen & tests, count=split.shots)
    result = ClipSplit(
        train=np.flatnonzero(is_seen & trains),
        test=np.flatnonzero(is_unseen & tests & ~shown),
        seen_test=np.flatnonzero(is_seen & ~trains),
        exemplars=np.flatnonzero(shown),
        seen=seen,
        unseen=unseen,
    )
    if not len(result.train) or (split.unseen and not len(result.test)):
        raise SkeltextError(
            f"split {split.name} under protocol {protocol!r} leaves {len(result.train)} training and"
            f" {len(result.test)} test clips of the {len(store)} in {store.folder}; prepare the whole data set or"
            " choose another protocol"
        )
    return result


def training_half(store: Store, protocol: Protocol) -> npt.NDArray[np.bool_]:
    """(N) True for the clips that `protocol` trains on; the others are its test half."""
    dividers = {"subject": store.subjects, "camera": store.cameras, "setup": store.setups}
    return np.isin(dividers[protocol.by], sorted(protocol.train))


def hold_out(split: ClassSplit, *, fraction: float = 0.2, seed: int = 0) -> ClassSplit:
    """Another split, made of the seen classes of `split` alone: a `fraction` of them plays the unseen ones.

    The true unseen classes are in neither half. At least two classes are held out and two are kept; the same seed
    always holds out the same ones (see :func:`chosen`).
    """
    if not 0 < fraction < 1:
        raise SkeltextError(f"a fraction of {fraction} of the seen classes, expected a number between 0 and 1")
    count = max(2, round(fraction * len(split.seen)))
    if len(split.seen) - count < 2:
        raise SkeltextError(
            f"split {split.name} has {len(split.seen)} seen classes, too few to hold out {count}; choose a split with"
            " more seen classes or a smaller fraction"
        )
    held = set(chosen(split.seen, count=count, seed=seed))
    return replace(
        split,
        name=f"{split.name}-held-out-{seed}",
        seen=tuple(name for name in split.seen if name not in held),
        unseen=tuple(name for name in split.seen if name in held),
        source=f"{count} seen classes of split {split.name} held out with seed {seed}",
        exemplars=(),
        shots=0,
    )


def chosen(names: Iterable[str], *, count: int, seed: int) -> tuple[str, ...]:
    """The `count` names whose SHA-256 of "seed:name" comes first: the same everywhere, whatever the order of `names`.

    >>> chosen(["bow", "jump", "wave"], count=2, seed=0) == chosen(["wave", "bow", "jump"], count=2, seed=0)
    True
    """
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())[:count])


def _numbers(store: Store, split: ClassSplit, names: Sequence[str]) -> tuple[int, ...]:
    unknown = [name for name in names if name not in store.classes]
    if unknown:
        raise SkeltextError(
            f"{store.folder} has no class {unknown[0]!r} of split {split.name}; the split belongs to view"
            f" {split.view!r}, and the store was opened as view {store.view_name!r}"
        )
    return tuple(sorted(store.classes.index(name) for name in names))


def _exemplars(store: Store, split: ClassSplit) -> npt.NDArray[np.bool_]:
    """(N) True for the clips that a one-shot protocol shows."""
    missing = sorted(set(split.exemplars) - set(store.ids))
    if missing:
        raise SkeltextError(
            f"{store.folder} lacks {missing[0]}, which split {split.name} shows as an example; prepare the whole data"
            " set"
        )
    return np.isin(np.asarray(store.ids), np.asarray(split.exemplars, str))


def first_of_each(
    labels: npt.NDArray[np.int32], candidates: npt.NDArray[np.bool_], *, count: int
) -> npt.NDArray[np.bool_]:
    """(N) True for the first `count` candidates of every class.

    >>> first_of_each(np.array([1, 0, 1, 0], np.int32), np.array([False, True, True, True]), count=1).tolist()
    [False, True, True, False]
    """
    shown = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels[candidates]):
        shown[np.flatnonzero(candidates & (labels == label))[:count]] = True
    return shown


def _protocol(store: Store, split: ClassSplit, name: str) -> Protocol:
    if name not in store.protocols:
        raise SkeltextError(
            f"split {split.name} is asked for under protocol {name!r}, which {store.folder} ({store.name}) does not"
            f" have; choose one of {', '.join((EVERY_CLIP, *store.protocols))}"
        )
    return store.protocols[name]
