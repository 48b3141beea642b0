"""A folder of motion files as embedded windows, each file read and embedded once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skeltext import __version__
from skeltext.errors import SkeltextError, require
from skeltext.formats.asf_amc import FORMAT as ASF_AMC
from skeltext.formats.checking import Failure, files_below, motion_format
from skeltext.formats.format import Format, read_bytes
from skeltext.formats.openpose import FORMAT as OPENPOSE
from skeltext.formats.reading import read_clip
from skeltext.recognizer.scorer import Scorer
from skeltext.recognizer.window_cache import EmbeddedWindows, WindowCache
from skeltext.recognizer.windows import embedded_windows, frames_in, window_starts
from skeltext.skeletons.clip import Clip

WINDOW, HOP = 2.0, 0.5  # seconds
_SCATTERED = (ASF_AMC, OPENPOSE)  # formats whose clips are in more than one file

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionFolder:
    """The embedded windows of every readable motion file below a folder.

    ``unreadable`` are the motion files that cannot be used, ``computed`` counts the files that were embedded now; the
    others were embedded before.
    """

    motions: Mapping[Path, EmbeddedWindows]
    unreadable: tuple[Failure, ...]
    computed: int


def embed_folder(
    model: Scorer,
    folder: str | Path,
    *,
    window: float = WINDOW,
    hop: float = HOP,
    progress: Progress | None = None,
) -> MotionFolder:
    """Every motion file below a folder in windows of `window` seconds, a new one every `hop` seconds.

    A clip that is shorter, or does not say its frame rate, is one window. What is embedded is kept in ``.skeltext`` in
    the folder (:class:`~skeltext.recognizer.window_cache.WindowCache`), except for a recognizer that was not loaded
    from a file, which cannot be told from another one. ``progress(done, total)`` is called after every file. Raises
    :class:`SkeltextError` if there is no such folder or nothing readable in it.
    """
    folder = Path(folder)
    require(folder.is_dir(), f"{folder} is no folder; give a folder with motion files below it")
    failures: list[Failure] = []
    files = list(files_below(folder, failures))
    cache, weights = WindowCache(folder), _model_hash(model)
    motions: dict[Path, EmbeddedWindows] = {}
    computed = 0
    for done, path in enumerate(files, start=1):
        try:
            if (format := motion_format(path)) is not None:
                key = _key(path, format, weights, window, hop) if weights else None
                windows = cache.get(key) if key else None
                if windows is None:
                    clip = read_clip(path, format=format.name)
                    windows = embed_windows(model, clip, window=window, hop=hop)
                    computed += 1
                    if key:
                        cache.put(key, windows)
                motions[path] = windows
        except SkeltextError as error:
            failures.append(Failure(path=str(path), reason=str(error)))
        if progress:
            progress(done, len(files))
    require(
        motions,
        f"none of the {len(files)} files in {folder} is a motion that can be searched"
        + (f"; the first that cannot be: {failures[0].reason}" if failures else "; give another folder"),
    )
    return MotionFolder(motions=motions, unreadable=tuple(failures), computed=computed)


def embed_windows(model: Scorer, clip: Clip, *, window: float, hop: float) -> EmbeddedWindows:
    """The windows of a clip, without those that show too little of anybody; see :func:`embed_folder`.

    Raises :class:`SkeltextError` if no window can be prepared.
    """
    length = clip.T if clip.fps is None else frames_in(window, fps=clip.fps, of="window")
    step = clip.T if clip.fps is None else frames_in(hop, fps=clip.fps, of="hop")
    starts = window_starts(clip.T, length=length, hop=step)
    numbers: list[int] = []
    embedded = []
    for rows, block in embedded_windows(model, clip, starts, length=length):
        numbers += rows
        embedded.append(block)
    frames = np.stack([starts, np.minimum(starts + length, clip.T)], axis=1)[numbers]
    return EmbeddedWindows(embedded=np.concatenate(embedded), frames=frames, fps=clip.fps)


def _model_hash(model: Scorer) -> str | None:
    """What tells one trained model and its preparation from another."""
    if model.weights is None:
        return None
    content = [__version__, _hash(read_bytes(model.weights)), model.card.preprocessing.to_json()]
    return _hash(json.dumps(content).encode())


def _key(path: Path, format: Format, model: str, window: float, hop: float) -> str:
    """The hash of all that decides the embedded windows of a file."""
    content = [path.name, format.name, content_hash(path, format), model, window, hop]
    return _hash(json.dumps(content).encode())


def content_hash(path: Path, format: Format) -> str:
    """The hash of a file or, where the file is not all there is of its clip, of the clip."""
    if format not in _SCATTERED:
        return _hash(read_bytes(path))
    clip = read_clip(path, format=format.name)
    return _hash(f"{clip.layout} {clip.fps} {clip.positions.shape}".encode() + clip.positions.tobytes())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
