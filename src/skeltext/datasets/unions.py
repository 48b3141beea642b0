"""Unions of data sets: a wide one, one of pictures, and one of sources that may be used for anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial

from skeltext.datasets.dataset import Dataset, Sample, every_class
from skeltext.datasets.facing import brought_together
from skeltext.datasets.hdm05 import HDM05
from skeltext.datasets.kinect20 import KINECT20, MOST
from skeltext.datasets.originals import Originals
from skeltext.datasets.packs import PACKS
from skeltext.datasets.procedural import BUILTIN
from skeltext.datasets.tables import class_splits, table
from skeltext.datasets.windows import spread
from skeltext.errors import require
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.conversion import convert
from skeltext.skeletons.layouts import COCO17 as FLAT
from skeltext.skeletons.layouts import KINECT20 as LAYOUT
from skeltext.skeletons.variants import seen_from_somewhere

CAMERAS = 4  # that look at every motion of three dimensions in a union of pictures
SEEN_BY = "%"  # stands in the id of a picture between its motion and the number of the camera

_FIRST = 7  # the first six numbers of sources are those of the parts of kinect20
_PACKS = (
    *("kard", "msr-daily-activity", "cad60", "ui-prmd", "kimore"),
    *("sbu-interaction", "cmu-subset", "bandai-namco-more"),
)

_SAME = table("kinect20")["rename"] | {  # part -> its class name -> the class of a union; others keep their name
    "builtin": {
        "kick forward with the left leg": "kick forward",
        "kick forward with the right leg": "kick forward",
        "punch forward with the left hand": "punch",
        "punch forward with the right hand": "punch",
        "rotate both arms": "circle both arms",
        "run in place": "jog in place",
        "walk forward": "walk",
    }
}


def _classes(parts: Sequence[Dataset]) -> tuple[str, ...]:
    return tuple(sorted({_renamed(part, name) for part in parts for name in part.classes}))


def _renamed(part: Dataset, name: str) -> str:
    return str(_SAME.get(part.name, {}).get(name, name))


def _part(
    number: int,
    part: Dataset,
    classes: Sequence[str],
    originals: Originals,
    *,
    read: Callable[..., Clip] = brought_together,
    most: int = MOST,
) -> Iterator[Sample]:
    """The clips of a part that a union takes: of every class at most so many; subjects count from 10000.

    `read` brings what a sample reads into the layout of the union.
    """
    folder = originals if part.made_here else originals.below(part.name, f"{part.name}_subset")
    for sample in spread(part.samples(folder), most=most):
        yield Sample(
            id=f"{part.name}/{sample.id}",
            label=classes.index(_renamed(part, part.classes[sample.label])),
            subject=-1 if sample.subject < 0 else 10_000 * number + sample.subject,
            source=part.name,
            read=partial(read, sample.read, bodies=part.bodies),
        )


def _motion14(originals: Originals) -> Iterator[Sample]:
    """The clips of kinect20, then those of the packs."""
    yield from (
        replace(sample, label=_MOTION14.index(KINECT20.classes[sample.label])) for sample in KINECT20.samples(originals)
    )
    for number, name in enumerate(_PACKS, _FIRST):
        yield from _part(number, PACKS[name], _MOTION14, originals)


def _motion15(originals: Originals) -> Iterator[Sample]:
    """Every clip of motion14 as so many cameras see it, then the clips of real pictures."""
    for sample in _motion14(originals):
        label = _MOTION15.index(_MOTION14[sample.label])
        for camera in range(CAMERAS):
            id = f"{sample.id}{SEEN_BY}{camera}"
            read = partial(_picture, sample.read, sample.id, camera)
            yield replace(sample, id=id, label=label, camera=camera, read=read)
    number = _FIRST + len(_PACKS)
    yield from _part(number, _PENN, _MOTION15, originals, read=_flat, most=CAMERAS * MOST)


def _picture(read: Callable[[], Clip], source: str, camera: int) -> Clip:
    """A clip of three dimensions as the camera of that number sees it."""
    return convert(seen_from_somewhere(replace(_read_once(read), source=source), camera), FLAT)


@lru_cache(maxsize=1)  # the pictures of a motion follow one another, and reading it takes longest
def _read_once(read: Callable[[], Clip]) -> Clip:
    return read()


def _flat(read: Callable[[], Clip], *, bodies: int) -> Clip:
    """Key points in the layout of the pictures; at most `bodies` of them, which must show a shoulder."""
    clip = convert(read(), FLAT)
    shown = clip.tracked[:bodies, :, [FLAT.index(f"{side}_shoulder") for side in ("left", "right")]].any()
    require(bool(shown), f"{clip.source} never shows a shoulder, so nothing tells where the trunk is; leave it out")
    return replace(clip, positions=clip.positions[:bodies], confidence=None, tracks=())


def _motion_open(originals: Originals) -> Iterator[Sample]:
    for number, part in enumerate(_OPEN_PARTS, 1):
        yield from _part(number, part, _MOTION_OPEN, originals)


_OPEN_PARTS = (PACKS["cmu-subset"], PACKS["ui-prmd"], HDM05, BUILTIN)
_MOTION14 = _classes((KINECT20, *(PACKS[name] for name in _PACKS)))
_PENN = PACKS["penn-action"]
_MOTION15 = tuple(sorted({*_MOTION14, *_classes((_PENN,))}))
_MOTION_OPEN = _classes(_OPEN_PARTS)
_VIEWS = {str(len(_MOTION14)): every_class(_MOTION14)}
_FLAT_VIEWS = {str(len(_MOTION15)): every_class(_MOTION15)}
_OPEN_VIEWS = {str(len(_MOTION_OPEN)): every_class(_MOTION_OPEN)}
MOTION14 = Dataset(
    name="motion14",
    title="Union of kinect20's six data sets and eight more: daily life, rehabilitation, two people, sports and dance",
    layout=LAYOUT,
    fps=30.0,
    classes=_MOTION14,
    views=_VIEWS,
    splits=class_splits("motion14", _VIEWS),
    bodies=2,
    bad_clips=KINECT20.bad_clips,
    source=f"{KINECT20.source}, and those of {', '.join(_PACKS)}",
    citation="\n".join((KINECT20.citation, *(PACKS[name].citation for name in _PACKS))),
    licence="the strictest of its parts: research only, not to be redistributed, nothing commercial",
    readings={"originals": _motion14},
)
MOTION15 = Dataset(
    name="motion15",
    title="Pictures: the motions of motion14 as four cameras see them, and Penn Action",
    layout=FLAT,
    fps=30.0,
    classes=_MOTION15,
    views=_FLAT_VIEWS,
    splits=class_splits("motion15", _FLAT_VIEWS),
    bodies=2,
    bad_clips={f"{id}{SEEN_BY}{camera}": why for id, why in KINECT20.bad_clips.items() for camera in range(CAMERAS)},
    source=f"{MOTION14.source} and {_PENN.name}",
    citation=f"{MOTION14.citation}\n{_PENN.citation}",
    licence=f"{MOTION14.licence}; of {_PENN.name}: {_PENN.licence}",
    readings={"originals": _motion15},
)
MOTION_OPEN = Dataset(
    name="motion-open",
    title="Union of motions that may be used for anything: CMU, UI-PRMD, HDM05 and the built-in motion set",
    layout=LAYOUT,
    fps=30.0,
    classes=_MOTION_OPEN,
    views=_OPEN_VIEWS,
    splits=class_splits("motion-open", _OPEN_VIEWS),
    source=f"a folder with the originals of {', '.join(part.name for part in _OPEN_PARTS if not part.made_here)} in"
    " sub-folders of these names",
    citation="\n".join(part.citation for part in _OPEN_PARTS),
    licence="every part may be used for anything, also commercially: CMU (its motions may not be sold by themselves),"
    " UI-PRMD (PDDL 1.0), HDM05 (CC BY-SA 3.0: name it, and share alike what is made of its files) and the built-in"
    " motions (MIT)",
    readings={"originals": _motion_open},
)
