"""The recordings of a pack: a list of what was recorded, and one npz of positions or motion files.

The list ``texts.json`` says of every id the ``label``, the ``file`` and, for a part of one, its ``span`` in seconds. A
BVH or AMC file is read as it is; the others are in the npz: ``joints`` (frames of all recordings, bodies x V, C),
``offsets``, ``subjects`` and ``sample_ids``, recording i being ``joints[offsets[i]:offsets[i + 1]]``. What differs from
pack to pack, such as the names of the joints, is in data/packs.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from skeltext.datasets.originals import Originals
from skeltext.datasets.tables import table
from skeltext.errors import SkeltextError, require
from skeltext.formats.checked import absent_where_zero, checked_clip
from skeltext.formats.format import read_text
from skeltext.formats.npz import Arrays, read_members
from skeltext.formats.reading import read_clip
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layout import Layout
from skeltext.skeletons.layouts import layout_named

USUAL_FPS = 30.0  # where a pack does not say
_INDEX = ("offsets", "subjects", "sample_ids")
_MOTION_FILES = (".bvh", ".amc")
_TWIN = "_amc"  # ends the id of a trial that the list may have a second time


class Recording(NamedTuple):
    """A recording of the list; ``seconds`` is how long it lasts, None if nobody says; ``read`` takes start and end."""

    id: str
    label: str
    subject: int
    start: float
    seconds: float | None
    read: Callable[[float, float | None], Clip]


def recordings(name: str, originals: Originals) -> Iterator[Recording]:
    """The recordings of the list of which there is a motion file, or else a row of the npz."""
    (path, _), *_ = originals.files(r"texts\.json", like="texts.json")
    entries = _list(path)
    files, rows = _motion_files(entries, originals), _rows(name, entries, originals)
    for id, entry in _without_twins(entries, files).items():
        if entry["file"] in files:
            start, stop = entry.get("span") or (0.0, None)
            seconds = None if stop is None else stop - start
            read = partial(_from_file, name, files[entry["file"]])
            yield Recording(id, entry["label"], _subject(id), start, seconds, read)
        elif id in rows:
            yield rows[id]._replace(label=entry["label"])


def _list(path: Path) -> dict[str, Any]:
    """The list of a pack: every entry has a label and a file."""
    try:
        entries = json.loads(read_text(path))
    except ValueError as error:
        raise SkeltextError(f"{path} is not JSON ({error}); get the pack again") from error
    good = isinstance(entries, dict) and all(map(_is_entry, entries.values()))
    require(good, f"{path} does not give every recording a label, a file and a span or null; get the pack again")
    return dict(entries)


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    span = entry.get("span") or (0, 0)
    return (
        all(isinstance(entry.get(key), str) for key in ("label", "file"))
        and isinstance(span, list | tuple)
        and len(span) == 2
        and all(isinstance(time, int | float) for time in span)
    )


def _without_twins(entries: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    """Of a trial that the list has twice the entry with a motion file, the first if both have one."""

    def rank(id: str) -> tuple[bool, bool]:
        return entries[id]["file"] in files, not id.endswith(_TWIN)

    def other(id: str) -> str:
        return id.removesuffix(_TWIN) if id.endswith(_TWIN) else id + _TWIN

    return {id: entry for id, entry in entries.items() if other(id) not in entries or rank(id) > rank(other(id))}


def _motion_files(entries: Mapping[str, Any], originals: Originals) -> dict[str, Path]:
    """The BVH and AMC files of the list by folder and name, as the list writes them."""
    named = [entry["file"] for entry in entries.values() if entry["file"].endswith(_MOTION_FILES)]
    found = originals.files(r".+\.(bvh|amc)", like=Path(named[0]).name) if named else []
    return {f"{path.parent.name}/{path.name}": path for path, _ in found}


def _rows(name: str, entries: Mapping[str, Any], originals: Originals) -> dict[str, Recording]:
    """The recordings of the npz by their ids, still without a label; none if the list names motion files alone."""
    if all(entry["file"].endswith(_MOTION_FILES) for entry in entries.values()):
        return {}
    file = f"{name.replace('-', '_')}.npz"
    (path, _), *_ = originals.files(re.escape(file), like=file)
    index = _arrays(path, _INDEX)
    offsets, subjects, fps = index["offsets"], index["subjects"], table("packs")[name]["fps"]
    require(
        len(offsets) - 1 == len(subjects) == len(index["sample_ids"]),
        f"{path} has {len(index['sample_ids'])} sample_ids, {len(subjects)} subjects and {len(offsets)} offsets,"
        " expected one offset more than recordings; get the pack again",
    )
    return {
        str(id): Recording(
            id=str(id),
            label="",
            subject=int(subjects[row]),
            start=0.0,
            seconds=int(offsets[row + 1] - offsets[row]) / (fps or USUAL_FPS),
            read=partial(_from_array, name, path, row),
        )
        for row, id in enumerate(index["sample_ids"])
    }


@lru_cache(maxsize=2)
def _arrays(path: Path, names: tuple[str, ...]) -> Arrays:
    arrays = read_members(path, names)
    missing = [name for name in names if name not in arrays]
    require(not missing, f"{path} has no array {', '.join(missing)}; get the pack again")
    return arrays


def _subject(id: str) -> int:
    """The number of the person that CMU's ids begin with, else -1."""
    found = re.match(r"(\d+)_\d", id)
    return int(found[1]) if found else -1


def _from_file(name: str, path: Path, start: float, stop: float | None) -> Clip:
    """The stretch of a motion file, at the frame rate of the pack, in the layout of its data set."""
    facts = table("packs")[name]
    clip = read_clip(path)
    step = max(1, round((clip.fps or facts["fps"]) / facts["fps"]))
    x = clip.positions[:, _frames(start, stop, clip.fps or facts["fps"])][:, ::step]
    return convert(replace(clip, positions=x, confidence=None, fps=facts["fps"]), layout_of_pack(name))


def _from_array(name: str, path: Path, row: int, start: float, stop: float | None) -> Clip:
    """The stretch of a recording of the npz, in the layout of its data set."""
    facts, arrays = table("packs")[name], _arrays(path, ("joints", "offsets"))
    first, last = arrays["offsets"][row : row + 2]
    source, bodies = _source_layout(name), facts.get("bodies", 1)
    x = arrays["joints"][first:last][_frames(start, stop, facts["fps"] or USUAL_FPS)]
    require(
        x.shape[1:] == (bodies * source.V, source.C),
        f"{path} has frames of shape {x.shape[1:]}, expected {(bodies * source.V, source.C)} for {name}",
    )
    x = x.reshape(len(x), bodies, source.V, source.C).swapaxes(0, 1)  # (M, T, V, C)
    clip = checked_clip(absent_where_zero(x), layout=source, fps=facts["fps"], path=path)
    return convert(replace(clip, source=f"row {row} of {path}"), layout_of_pack(name))


def _frames(start: float, stop: float | None, fps: float) -> slice:
    return slice(round(start * fps), None if stop is None else round(stop * fps))


def _source_layout(name: str) -> Layout:
    """The layout of the arrays of a pack: one that is known, or one of its own."""
    facts = table("packs")[name]
    if isinstance(facts["joints"], str):
        return layout_named(facts["joints"])
    joints, parents = tuple(facts["joints"]), tuple(facts["parents"])
    return Layout(
        name=name,
        joints=joints,
        parents=parents,
        centre=joints[parents.index(-1)],
        midpoints=tuple(facts.get("midpoints", ())),
        about=facts["title"],
    )


def layout_of_pack(name: str) -> Layout:
    """The layout in which the clips of a pack are given, whatever that of its files is.

    >>> layout_of_pack("kard").name, layout_of_pack("penn-action").name
    ('kinect20', 'penn13')
    """
    return layout_named(table("packs")[name].get("layout", "kinect20"))
