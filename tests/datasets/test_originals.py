"""Originals are found as files, in archives and as an archive, and nothing leaves the scratch folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from skeltext.datasets.originals import Originals
from skeltext.errors import SkeltextError

PATTERN = r"a(\d+)\.dat"
NAMES = ("x/a2.dat", "x/a10.dat", "y/a1.dat", "y/readme.txt")


def fill(folder: Path) -> Path:
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def as_archive(path: Path) -> Path:
    """All names in a tar or zip archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in NAMES:
                archive.writestr(name, name)
        return path
    with tarfile.open(path, f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w") as tar:
        for name in NAMES:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    return path


def numbers(originals: Originals) -> list[int]:
    found = originals.files(PATTERN, like="a1.dat")
    assert all(path.read_text().endswith(path.name) for path, _ in found)
    return [int(match[1]) for _, match in found]


def test_files_come_in_natural_order(tmp_path: Path) -> None:
    originals = Originals(fill(tmp_path / "raw"), tmp_path / "scratch")
    assert numbers(originals) == [2, 10, 1]
    assert not (tmp_path / "scratch").exists()


@pytest.mark.parametrize("name", ["all.tar", "all.tar.gz", "all.tar.xz", "all.zip"])
@pytest.mark.parametrize("place", [".", "original"])
def test_archives_are_opened(tmp_path: Path, name: str, place: str) -> None:
    archive = as_archive(tmp_path / "raw" / place / name)
    assert numbers(Originals(tmp_path / "raw", tmp_path / "scratch")) == [2, 10, 1]
    assert numbers(Originals(archive, tmp_path / "scratch-2")) == [2, 10, 1]


def test_archives_stay_closed_where_files_lie(tmp_path: Path) -> None:
    fill(tmp_path / "raw")
    (tmp_path / "raw" / "broken.zip").write_bytes(b"no zip")
    assert numbers(Originals(tmp_path / "raw", tmp_path / "scratch")) == [2, 10, 1]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut", b"\xfd7zXZ\x00 cut", b"\x1f\x8b\x08\x00"])
def test_a_damaged_archive_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    for name in ("a.zip", "a.tar.xz", "a.tar.gz", "a.dat2"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SkeltextError, match="cannot be unpacked"):
            Originals(tmp_path / name, tmp_path / f"scratch-{name}").files(PATTERN, like="a1.dat")


def test_a_cut_archive_is_one_sentence(tmp_path: Path) -> None:
    for name in ("all.tar.xz", "all.zip", "all.tar.gz"):
        archive = as_archive(tmp_path / name)
        archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
        with pytest.raises(SkeltextError, match="cannot be unpacked"):
            Originals(archive, tmp_path / f"scratch-{name}").files(PATTERN, like="a1.dat")


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        info = tarfile.TarInfo("../../a1.dat")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(SkeltextError, match="cannot be unpacked"):
        Originals(tmp_path / "evil.tar", tmp_path / "scratch" / "deep").files(PATTERN, like="a1.dat")
    with tarfile.open(tmp_path / "link.tar", "w") as tar:
        info = tarfile.TarInfo("a1.dat")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(SkeltextError, match=r"no file named like a1\.dat"):
        Originals(tmp_path / "link.tar", tmp_path / "scratch-2").files(PATTERN, like="a1.dat")
    assert not list(tmp_path.glob("a1.dat"))


def test_an_archive_that_claims_more_than_the_disk_has_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a1.dat")
    info.size = 10**17
    (tmp_path / "huge.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(SkeltextError, match=r"claims 100000000\.0 GB where the disk has"):
        Originals(tmp_path / "huge.tar", tmp_path / "scratch").files(PATTERN, like="a1.dat")


def test_nothing_found_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(SkeltextError, match=r"no file named like a1\.dat lies below .*raw, neither"):
        Originals(tmp_path / "raw", tmp_path / "scratch").files(PATTERN, like="a1.dat")
    with pytest.raises(SkeltextError, match="does not exist"):
        Originals(tmp_path / "nowhere", tmp_path / "scratch").files(PATTERN, like="a1.dat")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(SkeltextError, match="does not exist"):
        Originals(tmp_path / "loop", tmp_path / "scratch").files(PATTERN, like="a1.dat")


def test_parts_are_found_in_any_spelling(tmp_path: Path) -> None:
    fill(tmp_path / "raw" / "UTD-MHAD")
    originals = Originals(tmp_path / "raw", tmp_path / "scratch")
    assert numbers(originals.below("utd_mhad")) == [2, 10, 1]
    with pytest.raises(SkeltextError, match="holds no folder named like nw-ucla"):
        originals.below("nw-ucla", "ucla")


def test_reasons_do_not_name_places_of_this_machine(tmp_path: Path) -> None:
    originals = Originals(tmp_path / "raw", tmp_path / "scratch")
    assert originals.shorten(f"{tmp_path}/raw/x/a1.dat is empty") == "x/a1.dat is empty"
    assert originals.shorten(f"{tmp_path}/scratch/all.zip/a1.dat is empty") == "all.zip/a1.dat is empty"
