"""The manifest of a prepared store: what it holds in numbers, and in words how two of them differ."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skeltext import __version__
from skeltext.datasets.splitting import training_half
from skeltext.datasets.store import VERSION, Store
from skeltext.errors import SkeltextError
from skeltext.formats.format import read_text

MANIFEST = "manifest.json"
_OF_THE_RUN = ("folder", "seconds")  # what the file leaves out, so that a store can be moved and compared
_TABLES = ("classes", "subjects", "cameras", "setups", "sources")  # what clips are counted by
_MOST = 8  # classes, people or recordings that one sentence lists


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What :func:`skeltext.datasets.prepare.prepare` made.

    Clips are counted by class, subject, camera, setup and source, and by half under every protocol. ``bad`` lists the
    recordings that could not be used with the reason, ``expected`` published counts (see :meth:`counts`), ``versions``
    what the store was written with.
    """

    dataset: str
    reading: str
    clips: int
    frames: int
    classes: dict[str, int]
    subjects: dict[str, int]
    cameras: dict[str, int]
    setups: dict[str, int]
    sources: dict[str, int]
    protocols: dict[str, dict[str, int]]
    bad: list[dict[str, str]]
    expected: dict[str, int]
    versions: dict[str, str]
    hash: str
    folder: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain values that JSON can hold."""
        return asdict(self)

    def counts(self) -> dict[str, int]:
        """The counts that published ones are compared with, by the names that :attr:`Dataset.expected` uses.

        ``recordings`` are the clips and the unusable ones together; the halves of a protocol are ``NAME train`` and
        ``NAME test``. A number that the recordings do not tell (-1) counts as no subject, camera or setup.
        """
        numbered = {name: _known(getattr(self, name)) for name in ("subjects", "cameras", "setups")}
        halves = {f"{name} {half}": n for name, sizes in self.protocols.items() for half, n in sizes.items()}
        return {
            "recordings": self.clips + len(self.bad),
            "clips": self.clips,
            "unusable": len(self.bad),
            "frames": self.frames,
            "classes": sum(count > 0 for count in self.classes.values()),
            **numbered,
            **halves,
        }

    def write(self, path: Path) -> None:
        """Write the file that lies in a store."""
        lasting = {name: value for name, value in self.to_json().items() if name not in _OF_THE_RUN}
        path.write_text(json.dumps(lasting, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def manifest_of(store: Store, *, expected: Mapping[str, int]) -> Manifest:
    """Count the clips of an open store."""
    sources = Counter(store.source_names[source] for source in store.sources.tolist())
    halves = {name: training_half(store, protocol) for name, protocol in store.protocols.items()}
    return Manifest(
        dataset=store.name,
        reading=store.reading,
        clips=len(store),
        frames=int(store.frames.sum()),
        classes=store.counts,
        subjects=_counted(store.subjects),
        cameras=_counted(store.cameras),
        setups=_counted(store.setups),
        sources=dict(sources),
        protocols={name: {"train": int(half.sum()), "test": int((~half).sum())} for name, half in halves.items()},
        bad=[dict(entry) for entry in store.bad],
        expected=dict(expected),
        versions={
            "skeltext": __version__,
            "store": str(VERSION),
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        hash=store.hash,
    )


def read_manifest(path: Path) -> Manifest:
    """The manifest in the file `path`, in the store `path`, or in what ``skeltext prepare --json`` printed to a file.

    Raises :class:`SkeltextError` if it is none.
    """
    file = path / MANIFEST if path.is_dir() else path
    try:
        found = json.loads(read_text(file))
        lasting = (entry.name for entry in fields(Manifest) if entry.name not in _OF_THE_RUN)
        manifest = Manifest(**{name: found[name] for name in lasting})
        _require_kinds(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SkeltextError(
            f"{file} is not the manifest of a prepared store ({error!r}); give a {MANIFEST} that skeltext wrote"
        ) from error
    return manifest


def manifest_in(folder: Path) -> Manifest | None:
    """The manifest of the store `folder`, None if there is none."""
    return replace(read_manifest(folder), folder=str(folder)) if (folder / MANIFEST).exists() else None


def differences(here: Manifest, there: Manifest) -> list[str]:
    """In sentences, how the manifest `there` differs from that made `here`; the first tells whether the clips do."""
    if here.hash == there.hash:
        return [f"The clips are the same, bit for bit: both have hash {here.hash[:12]}."]
    found = [*_unlike_values(here, there), *_unlike_counts(here, there), *_unlike_bad(here, there)]
    if not found:
        found = ["All counts are the same: the clips themselves, their names or their order differ."]
    return [f"The clips differ: hash {here.hash[:12]} here, {there.hash[:12]} there.", *found]


def _unlike_values(here: Manifest, there: Manifest) -> Iterator[str]:
    pairs = {name: (getattr(here, name), getattr(there, name)) for name in ("dataset", "reading", "clips", "frames")}
    pairs |= {
        f"version of {name}": (here.versions.get(name), there.versions.get(name))
        for name in dict.fromkeys((*here.versions, *there.versions))
    }
    for name, (ours, theirs) in pairs.items():
        if ours != theirs:
            yield f"{name.capitalize()}: {_shown(ours)} here, {_shown(theirs)} there."


def _unlike_counts(here: Manifest, there: Manifest) -> Iterator[str]:
    """Classes, people and so on whose clips are more or fewer."""
    for name in _TABLES:
        ours, theirs = getattr(here, name), getattr(there, name)
        unlike = [key for key in dict.fromkeys((*ours, *theirs)) if ours.get(key, 0) != theirs.get(key, 0)]
        if unlike:
            shown = (f"{key} ({ours.get(key, 0):,} here, {theirs.get(key, 0):,} there)" for key in unlike)
            yield f"{name.capitalize()} with another number of clips: {_listed(list(shown))}."
    for name in dict.fromkeys((*here.protocols, *there.protocols)):
        ours, theirs = here.protocols.get(name), there.protocols.get(name)
        if ours != theirs:
            yield f"Protocol {name}: {_halves(ours)} here, {_halves(theirs)} there."


def _unlike_bad(here: Manifest, there: Manifest) -> Iterator[str]:
    """Recordings that could be used on one side only, or are unusable for another reason."""
    ours, theirs = ({entry["id"]: entry["reason"] for entry in manifest.bad} for manifest in (here, there))
    for place, first, second in (("here", ours, theirs), ("there", theirs, ours)):
        alone = [f"{name} ({reason})" for name, reason in first.items() if name not in second]
        if alone:
            yield f"Unusable only {place}: {_listed(alone)}."
    both = [name for name in ours if theirs.get(name, ours[name]) != ours[name]]
    if both:
        unlike = [f"{name} ({ours[name]} here, {theirs[name]} there)" for name in both]
        yield f"Unusable for another reason: {_listed(unlike)}."


def _require_kinds(manifest: Manifest) -> None:
    """TypeError or the like if a value is not of the kind that is said of it."""
    tables = [getattr(manifest, name) for name in (*_TABLES, "expected")]
    halves = [sizes[half] for sizes in manifest.protocols.values() for half in ("train", "test")]
    numbers = [manifest.clips, manifest.frames, *halves, *(count for table in tables for count in table.values())]
    texts = [manifest.dataset, manifest.reading, manifest.hash, *manifest.versions.values()]
    texts += [entry[key] for entry in manifest.bad for key in ("id", "reason")]
    for kind, values in ((int, numbers), (str, texts)):
        wrong = [value for value in values if not isinstance(value, kind)]
        if wrong:
            raise TypeError(f"{wrong[0]!r} where {kind.__name__} is expected")


def _counted(numbers: npt.NDArray[np.int32]) -> dict[str, int]:
    """Clips by number; the keys are text as in JSON, so that a manifest that was read equals the one written."""
    return {str(number): count for number, count in sorted(Counter(numbers.tolist()).items())}


def _known(counts: Mapping[str, int]) -> int:
    return len(counts.keys() - {"-1"})


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value or "none")


def _halves(sizes: Mapping[str, int] | None) -> str:
    return f"{sizes['train']:,} train and {sizes['test']:,} test" if sizes else "none"


def _listed(entries: list[str]) -> str:
    more = f" and {len(entries) - _MOST:,} more" if len(entries) > _MOST else ""
    return ", ".join(entries[:_MOST]) + more
