"""The arrays that SMIE and PGFA released, made a prepared store with exactly the published halves.

The clips are centred, stretched to 50 frames and turned already; the preprocessing ``released`` leaves them so. The
arrays do not say whose clip is whose, so they stand for it themselves: clips of a training array have setup 1, clips
of a test array setup 2, and the store's own protocol divides by setup what the split divides by person.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from skeltext.datasets.dataset import EVERY_CLIP, ClassSplit, Dataset, Protocol, Sample
from skeltext.datasets.manifest import Manifest, manifest_in
from skeltext.datasets.prepare import Progress
from skeltext.datasets.store_writing import Outcome, refuse_strangers, write_store
from skeltext.errors import SkeltextError, require
from skeltext.formats.npy_folder import NpyPart, read_npy_folder
from skeltext.skeletons.clip import Clip

Parts = Mapping[str, NpyPart]

READING = "released"
TRAIN, TEST = 1, 2  # the setups
BY_ARRAY = Protocol("setup", frozenset({TRAIN}), "the arrays as released: setup 1 trained, setup 2 tested")


class Role(NamedTuple):
    """What an array is in the published halves: its setup, and whether its classes are the unseen ones."""

    setup: int
    unseen: bool


ZERO_SHOT = {"seen_train": Role(TRAIN, False), "unseen": Role(TEST, True)}
SEEN_TEST = {"seen_test": Role(TEST, False)}  # made by SMIE's script and read by no training, so it may be missing
EXEMPLAR = "one_shot_exemplar"
ONE_SHOT = {  # exemplars first: where a split names none, it shows the first clip of every class
    EXEMPLAR: Role(TEST, True),
    "one_shot_train": Role(TRAIN, False),
    "one_shot_test": Role(TEST, True),
}
ROLES = ZERO_SHOT | SEEN_TEST | ONE_SHOT

# Exemplars have no labels: their rows follow the unseen classes in PGFA's settings, which ascend but for this data set.
EXEMPLAR_CLASSES = {"pku-mmd": [10, 30, 40, 0, 5, 35, 45, 15, 20, 25]}


def import_arrays(
    folder: Path, *, dataset: Dataset, split: str | None = None, out: Path, progress: Progress | None = None
) -> tuple[Manifest, ClassSplit]:
    """Write the arrays in `folder` as the prepared store `out`; its manifest, and the split with its halves.

    Without a name the split is the one whose unseen classes are those of the arrays. The arrays are mapped and pass
    clip by clip; `progress` is called with the number of clips done and the number there are. The source of a clip is
    the array it was in, and its id the number of its row. The manifest tells the published count of what is there as a
    whole: the test half, or all clips of a one-shot folder.

    Raises :class:`SkeltextError`, before anything is written, if an array is missing or of another shape, if a class
    lies in both halves or not where the split has it, or if there is not one exemplar for every unseen class.
    """
    started = time.monotonic()
    refuse_strangers(out)
    parts = read_npy_folder(folder)
    _require_published(folder, parts, dataset)
    chosen = _split(folder, parts, dataset, split)
    labels = {name: _labels(name, parts[name], chosen, dataset) for name in ROLES if name in parts}
    made = replace(
        dataset,
        protocols={} if chosen.protocol == EVERY_CLIP else {chosen.protocol: BY_ARRAY},
        expected={name: count for name, count in dataset.expected.items() if name in _whole(parts, chosen)},
    )
    write_store(out, made, _outcomes(folder, parts, labels, chosen.exemplars, progress), reading=READING)
    manifest = manifest_in(out)
    assert manifest is not None
    return replace(manifest, seconds=time.monotonic() - started), chosen


def _whole(parts: Parts, split: ClassSplit) -> tuple[str, ...]:
    """The names of the counts in which all classes are there, so that they compare with the published ones."""
    if EXEMPLAR in parts:
        return ("clips",)
    return (f"{split.protocol} test",) if parts.keys() >= SEEN_TEST.keys() else ()


def _require_published(folder: Path, parts: Parts, dataset: Dataset) -> None:
    """Raise :class:`SkeltextError` unless these are the arrays of one setting, labelled, in one shape."""
    needed = ONE_SHOT if any(name in ONE_SHOT for name in parts) else ZERO_SHOT
    allowed = ONE_SHOT if needed is ONE_SHOT else ZERO_SHOT | SEEN_TEST
    require(
        needed.keys() <= parts.keys() <= allowed.keys(),
        f"{folder} holds the arrays {', '.join(parts)}, expected {', '.join(needed)}; give a folder as released",
    )
    shapes = sorted({part.data.shape[1:] for part in parts.values()})
    require(
        [shape[3:] for shape in shapes] == [(dataset.bodies,)] and shapes[0][2] == dataset.layout.V,
        f"{folder} has clips of shape {' and '.join(map(str, shapes))}, expected one shape (3, T, {dataset.layout.V},"
        f" {dataset.bodies}) for {dataset.name}; give the arrays as released and name their data set with --dataset",
    )
    for name, part in parts.items():
        require(
            name == EXEMPLAR or part.labels is not None,
            f"{part.path} has no {name}_label.npy beside it; copy the whole folder again",
        )


def _split(folder: Path, parts: Parts, dataset: Dataset, name: str | None) -> ClassSplit:
    """The class split of that name, or the one whose unseen classes the arrays show."""
    unseen = _unseen_classes(folder, parts, dataset)
    fitting = [split for split in dataset.splits.values() if set(split.unseen) == unseen]
    require(
        name is not None or fitting,
        f"the {len(unseen)} unseen classes in {folder} are those of no split of {dataset.name}; name one of"
        f" {', '.join(dataset.splits)} with --split",
    )
    chosen = fitting[0] if name is None else dataset.split(name)
    one_shot = EXEMPLAR in parts
    require(
        one_shot == (chosen.protocol == EVERY_CLIP),
        f"{folder} holds {'one' if one_shot else 'zero'}-shot arrays, split {chosen.name} is of another kind; name"
        " the split of the arrays with --split",
    )
    return chosen


def _unseen_classes(folder: Path, parts: Parts, dataset: Dataset) -> set[str]:
    """The classes of the arrays of unseen ones, none of which may be in the others."""
    shown: dict[bool, set[int]] = {False: set(), True: set()}  # by whether they are unseen
    for name, part in parts.items():
        shown[ROLES[name].unseen].update([] if part.labels is None else part.labels.tolist())
    highest, last = max(shown[False] | shown[True]), len(dataset.classes) - 1
    require(
        highest <= last,
        f"{folder} has the label {highest} where the {last + 1} classes of {dataset.name} end at {last}; name the data"
        " set of the arrays with --dataset",
    )
    both = [dataset.classes[label] for label in sorted(shown[False] & shown[True])]
    require(not both, f"{folder} has {', '.join(both[:3])} in both halves, seen and unseen; get the arrays again")
    return {dataset.classes[label] for label in shown[True]}


def _labels(name: str, part: NpyPart, split: ClassSplit, dataset: Dataset) -> list[int]:
    """The labels of an array, whose classes the split must have on the same side."""
    side = "unseen" if ROLES[name].unseen else "seen"
    allowed = [dataset.classes.index(class_name) for class_name in (split.unseen if side == "unseen" else split.seen)]
    if name == EXEMPLAR:
        order = EXEMPLAR_CLASSES.get(dataset.name, allowed)
        require(
            len(part) == len(order) == len(allowed),
            f"{part.path} has {len(part)} clips, expected one for each of the {len(allowed)} unseen classes of split"
            f" {split.name}; copy the whole folder again or name another split",
        )
        return order
    assert part.labels is not None
    labels: list[int] = part.labels.tolist()
    strange = [dataset.classes[label] for label in sorted(set(labels) - set(allowed))]
    require(
        not strange,
        f"{part.path} has clips of {', '.join(strange[:3])}, which split {split.name} does not have among its {side}"
        " classes; name the split of the arrays with --split",
    )
    return labels


def _outcomes(
    folder: Path,
    parts: Parts,
    labels: Mapping[str, list[int]],
    exemplars: tuple[str, ...],
    progress: Progress | None,
) -> Iterator[Outcome]:
    """Every clip, or the reason why it has none; `exemplars` are the ids that the split gives those that it shows."""
    total, done = sum(map(len, parts.values())), 0
    for name, numbers in labels.items():
        for row, label in enumerate(numbers):
            sample = Sample(
                id=exemplars[row] if name == EXEMPLAR and exemplars else f"{name}-{row:06d}",
                label=label,
                setup=ROLES[name].setup,
                source=name,
                read=partial(parts[name].clip, row),
            )
            yield sample, sample.read() if name == EXEMPLAR else _read(sample, folder)
            done += 1
            if progress is not None:
                progress(done, total)


def _read(sample: Sample, folder: Path) -> Clip | str:
    """The clip, or what is wrong with it without the paths of this machine."""
    try:
        return sample.read()
    except SkeltextError as error:
        return str(error).replace(f"{folder}{os.sep}", "")
