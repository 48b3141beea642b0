"""Every reader answers a damaged or hostile file with one sentence, soon and without taking much memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import format_samples
import numpy as np
import pytest
from format_samples import SAMPLES

from skeltext.errors import SkeltextError
from skeltext.formats.azure import FORMAT as AZURE
from skeltext.formats.format import Format
from skeltext.formats.gtu import FORMAT as GTU
from skeltext.formats.kinder_gator import FORMAT as KINDER_GATOR
from skeltext.formats.msr import FORMAT as MSR
from skeltext.formats.npz import FORMAT as NPZ
from skeltext.formats.ntu import FORMAT as NTU
from skeltext.formats.openpose import FORMAT as OPENPOSE
from skeltext.formats.table import FORMAT as CSV
from skeltext.formats.ucla import FORMAT as UCLA
from skeltext.formats.utd import FORMAT as UTD

READERS = (NTU, UTD, MSR, UCLA, OPENPOSE, AZURE, KINDER_GATOR, GTU, NPZ, CSV)


def _sparse(path: Path) -> None:
    path.unlink()
    with path.open("wb") as stream:
        stream.truncate(10 * 10**9)


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def _content(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(change(path.read_bytes())) and None


HOSTILE: dict[str, Callable[[Path], None]] = {
    "empty": _content(lambda content: b""),
    "blank": _content(lambda content: b" \r\n\n  \n"),
    "one byte": _content(lambda content: content[:1]),
    "a tenth": _content(lambda content: content[: len(content) // 10]),
    "a half": _content(lambda content: content[: len(content) // 2]),
    "nearly all": _content(lambda content: content[:-30]),
    "not UTF-8": _content(lambda content: b"\xff\xfe\xc3\x28" + content[4:]),
    "not UTF-8 inside": _content(
        lambda content: content[: len(content) // 2] + b"\xff\xc3\x28" * 40 + content[len(content) // 2 :]
    ),
    "noise": _content(lambda content: np.random.default_rng(0).bytes(5000)),
    "zeros": _content(lambda content: bytes(5000)),
    "brackets": _content(lambda content: b"[" * 200_000),
    "a huge number": _content(lambda content: b"9" * 100_000),
    "10^12 frames": _content(lambda content: b"1000000000000\n" + content.partition(b"\n")[2]),
    "10 GB": _sparse,
    "dangling link": _instead(lambda path: path.symlink_to(path.with_name("missing"))),
    "link loop": _instead(lambda path: path.symlink_to(path)),
    "link to a folder": _instead(lambda path: path.symlink_to(path.parent, target_is_directory=True)),
    "folder": _instead(Path.mkdir),
    "missing": Path.unlink,
}


@pytest.fixture(params=READERS, ids=lambda format: format.name)
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Format, Path]:
    """A format and a good file of it."""
    format = request.param
    name, write = SAMPLES[format.name]
    write(tmp_path / name)
    return format, tmp_path / name


@pytest.mark.parametrize("harm", HOSTILE)
def test_one_sentence(sample: tuple[Format, Path], harm: str) -> None:
    format, path = sample
    assert format.read(path).T == 3
    HOSTILE[harm](path)
    with pytest.raises(SkeltextError) as caught:
        format.read(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < 400 + len(str(path))


def test_nothing_but_nan(sample: tuple[Format, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    format, path = sample
    monkeypatch.setattr(format_samples, "motion", lambda joints, **_: np.full((3, joints, 3), np.nan))
    SAMPLES[format.name][1](path)
    with pytest.raises(SkeltextError, match="has nobody in any of its 3 frames"):
        format.read(path)


def test_flipped_bytes_never_raise_anything_else(sample: tuple[Format, Path]) -> None:
    format, path = sample
    good = path.read_bytes()
    chance = np.random.default_rng(0)
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(chance.integers(1, 6)):
            at = chance.integers(min(len(bad), 600)) if chance.random() < 0.5 else chance.integers(len(bad))
            bad[at] = chance.integers(256)
        path.write_bytes(bad[: chance.integers(1, len(bad) + 1)] if chance.random() < 0.3 else bad)
        try:
            format.read(path)
        except SkeltextError:
            continue


ODD: list[Any] = [None, True, -1, 1e999, float("nan"), 10**400, "7", "", [], [[1], 2], {}, {"xyz": 1}, [0] * 7]


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below a node of JSON."""
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield node, key
        yield from _places(node[key])


@pytest.mark.parametrize("format", [OPENPOSE, AZURE], ids=lambda format: format.name)
def test_no_value_of_json_may_surprise(format: Format, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    SAMPLES[format.name][1](path)
    good, sentences = path.read_text(), []
    chance = np.random.default_rng(0)
    for _ in range(200):
        content = json.loads(good)
        places = [place for place in _places(content) if not isinstance(place[1], int) or chance.random() < 0.1]
        node, key = places[chance.integers(len(places))]
        node[key] = ODD[chance.integers(len(ODD))]
        path.write_text(json.dumps(content))
        try:
            format.read(path)
        except SkeltextError as error:
            sentences.append(str(error))
    assert len(sentences) > 50
    assert all(str(path) in sentence and "\n" not in sentence for sentence in sentences)
