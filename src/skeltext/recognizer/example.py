"""A clip that shows what a label means, and the motion file that holds it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from skeltext.errors import require
from skeltext.formats.npz import write_npz
from skeltext.formats.reading import read_clip
from skeltext.formats.writing import made_folder
from skeltext.skeletons.clip import Clip
from skeltext.skeletons.layouts import LAYOUTS

_LONGEST = 40  # characters of a label in the name of a file


@dataclass(frozen=True)
class Example:
    """A clip with the ``file`` from which it can be read again, None for a clip that is in no file.

    Two examples are equal if they hold the very same clip. ``Clip.source`` is not used as the file: a clip that was cut
    or changed keeps its source.
    """

    clip: Clip
    file: Path | None = None

    @classmethod
    def of(cls, given: Example | Clip | str | Path) -> Example:
        """An example from a clip or from the path of a motion file; :class:`SkeltextError` if it cannot be read."""
        if isinstance(given, Example):
            return given
        return cls(given) if isinstance(given, Clip) else cls(read_clip(given), Path(given).absolute())

    @property
    def path(self) -> str | None:
        """The file as a text."""
        return None if self.file is None else str(self.file)

    def saved(self, folder: Path, *, label: str) -> Path:
        """The file that holds the clip: its own if that is there, else one that is written in `folder` now.

        The name of a written file has a hash of the clip in it, so that files of other clips are never replaced. Raises
        :class:`SkeltextError` for a clip in a layout that no file can name.
        """
        if self.file is not None and self.file.exists():
            return self.file
        layout = self.clip.layout
        require(
            LAYOUTS.get(layout.name) == layout,
            f"an example of {label!r} is in layout {layout.name}, which is not registered, so that no file could be"
            " read back; convert it first",
        )
        path = made_folder(folder) / f"{_file_name(label)}-{_digest(self.clip)}.npz"
        if not path.exists():
            write_npz(self.clip, path)
        return path


def _file_name(label: str) -> str:
    """A label as it may stand in the name of a file.

    >>> _file_name("sit down / rest")
    'sit-down-rest'
    """
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in label).split()
    return "-".join(words)[:_LONGEST] or "example"


def _digest(clip: Clip) -> str:
    """What tells one clip from another."""
    about = f"{clip.layout.name} {clip.fps} {clip.tracks} {clip.positions.shape}"
    confidence = b"" if clip.confidence is None else clip.confidence.tobytes()
    return hashlib.sha256(about.encode(errors="surrogatepass") + clip.positions.tobytes() + confidence).hexdigest()[:12]
