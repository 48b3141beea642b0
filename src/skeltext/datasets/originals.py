"""Original files wherever a user keeps them: unpacked folders, the archives beside them, or one archive."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from skeltext.errors import SkeltextError

UNFINISHED = ".unfinished"  # ends the names of folders in which a preparation works, which hold no originals
_ARCHIVE = r".+\.(tar|tgz|tbz2|txz|tar\.(gz|bz2|xz)|zip)"
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError)


@dataclass(frozen=True)
class Originals:
    """The original files of a data set below `raw`: a folder, or an archive.

    Archives are opened only if no wanted file lies below `raw` as it is. They go to `scratch`, a folder that whoever
    made this object removes afterwards; an archive that was unpacked there before is not unpacked again.
    """

    raw: Path
    scratch: Path

    def files(self, pattern: str, *, like: str) -> list[tuple[Path, re.Match[str]]]:
        """All files whose name matches the regular expression `pattern`, with the match, in natural order.

        `like` is an example of such a name. Raises :class:`SkeltextError` if there is none, neither as a file nor
        in an archive.
        """
        if not os.path.exists(self.raw):
            raise SkeltextError(f"{self.raw} does not exist; give the folder or the archive with the original files")
        found = _matching(self.raw, pattern) or _matching(self._unpacked(), pattern)
        if not found:
            raise SkeltextError(
                f"no file named like {like} lies below {self.raw}, neither as a file nor in a tar or zip archive;"
                " give the folder or the archive with the original files"
            )
        return found

    def below(self, *spellings: str) -> Originals:
        """The originals in the sub-folder whose name is one of `spellings`, apart from case, blanks, - and _."""
        wanted = {_plain(name) for name in spellings}
        _, folders, _ = next(os.walk(self.raw), ("", [], []))
        for folder in sorted(folders):
            if _plain(folder) in wanted:
                return Originals(self.raw / folder, self.scratch / folder)
        raise SkeltextError(
            f"{self.raw} holds no folder named like {spellings[0]}; put the original files of each part into a"
            " folder of that name"
        )

    def within(self, *spellings: str) -> Originals:
        """The originals in the sub-folder of such a name if there is one, else these ones."""
        try:
            return self.below(*spellings)
        except SkeltextError:
            return self

    def fingerprint(self) -> str:
        """A hash of path, size and time of change of every file: other originals have another one."""
        digest = hashlib.sha256()
        for path in [self.raw] if self.raw.is_file() else sorted(_files_below(self.raw)):
            try:
                facts = path.stat()
                size, changed = facts.st_size, facts.st_mtime_ns
            except OSError:  # a link to nowhere, which is reported when it is read
                size, changed = -1, -1
            digest.update(
                f"{path.relative_to(self.raw).as_posix()}\0{size}\0{changed}\0".encode(errors="surrogateescape")
            )
        return digest.hexdigest()

    def shorten(self, text: str) -> str:
        """`text` without the paths of this machine: file names are given from the folder of the originals on."""
        for folder in (self.scratch, self.raw):
            text = text.replace(f"{folder}{os.sep}", "")
        return text

    def _unpacked(self) -> Path:
        """The folder that holds the content of every archive below `raw`, unpacked once."""
        for archive in _archives(self.raw):
            folder = self.scratch / ("archive" if archive == self.raw else archive.relative_to(self.raw))
            if not folder.exists():
                _unpack(archive, folder)
        return self.scratch


def _plain(name: str) -> str:
    """A folder name without what people spell differently.

    >>> _plain("NW-UCLA") == _plain("nw_ucla")
    True
    """
    return re.sub(r"[\s_-]", "", name).lower()


def _matching(folder: Path, pattern: str) -> list[tuple[Path, re.Match[str]]]:
    """The files below `folder` whose name matches, in natural order of their paths; linked folders are not entered."""
    name_is = re.compile(pattern, re.IGNORECASE)
    found = []
    for path in _files_below(folder):
        match = name_is.fullmatch(path.name)
        if match:
            found.append((path, match))
    return sorted(found, key=lambda pair: _natural(pair[0].relative_to(folder).as_posix()))


def _files_below(folder: Path) -> Iterator[Path]:
    """All files below `folder`, apart from what a preparation that works there has written."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.endswith(UNFINISHED)]
        yield from (Path(parent, name) for name in names)


def _natural(text: str) -> list[tuple[int, str]]:
    """A sort key that counts: a2 comes before a10.

    >>> sorted(["a10/b", "a2/b"], key=_natural)
    ['a2/b', 'a10/b']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def _archives(raw: Path) -> list[Path]:
    """`raw` itself if it is a file, else the archives in it and in its folders; deeper ones are something else."""
    if raw.is_file():
        return [raw]
    return [path for path, _ in _matching(raw, _ARCHIVE) if len(path.relative_to(raw).parts) <= 2]


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip archive as `folder`, nothing outside of it and nothing but files and folders."""
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        _extract(archive, aside, room=shutil.disk_usage(aside).free)
        os.rename(aside, folder)
    except _DAMAGED as error:
        raise SkeltextError(
            f"{archive} cannot be unpacked ({error}); download it again or unpack it yourself"
        ) from error


def _extract(archive: Path, folder: Path, *, room: int) -> None:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            _claim(sum(member.file_size for member in opened.infolist()), room, archive)
            opened.extractall(folder)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            _claim(member.size, room, archive)
            room -= member.size
            if member.isfile() or member.isdir():
                tar.extract(member, folder, filter="data")


def _claim(size: int, room: int, archive: Path) -> None:
    if size > room:
        raise SkeltextError(
            f"{archive} claims {size / 1e9:.1f} GB where the disk has {room / 1e9:.1f} GB left; free some space or"
            " unpack it elsewhere and give that folder"
        )
