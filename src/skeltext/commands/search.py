"""The command `skeltext search`: a sentence to the clips of a folder that fit it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from skeltext.commands.output import Json, print_json, say
from skeltext.commands.recognising import Flag, ModelOptions

TOP = 10


def search(
    *query: str,
    like: Annotated[list[Path] | None, Parameter(negative="")] = None,
    negatives: Annotated[list[str] | None, Parameter(name="--not", negative="")] = None,
    verbatim: Flag = False,
    top: int = TOP,
    window: float = 2.0,
    hop: float = 0.5,
    model: ModelOptions = ModelOptions(),
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """List the clips of a folder that fit a sentence, and where in them.

    `skeltext search "throwing with the left hand" FOLDER` looks at every motion file below the folder. What it embeds
    is kept in `FOLDER/.skeltext`, so that the next search takes a moment.

    --json keys: folder, query, like, not, model, files (that can be searched), computed (of them embedded now),
    calibrated (whether scores are standard scores), hits (rank, path, start, end, first_frame, end_frame, score; best
    first) and unreadable (path, reason).

    Parameters
    ----------
    query
        One or several sentences for the same thing, then the folder.
    like
        A motion file that shows what is searched for, beside sentences or instead; may be given several times.
    negatives
        A sentence for what is not searched for: what is nearer to it is left out; may be given several times.
    verbatim
        Take the words of a short sentence as they are, without what it would likely be described by.
    top
        List at most so many files.
    window
        Seconds that are looked at together.
    hop
        Seconds from one such window to the next.
    """
    from skeltext.errors import require
    from skeltext.progress import ProgressBars
    from skeltext.recognizer.label_set import Label, LabelSet
    from skeltext.recognizer.motion_folder import embed_folder
    from skeltext.recognizer.search import QUERY, Hits
    from skeltext.recognizer.search import search as find

    require(query, "no folder given; type a sentence and the folder to search")
    require(top > 0, f"--top is {top}, expected at least one")
    *sentences, folder = query
    require(sentences or like, f"nothing to search {folder} for; type a sentence before the folder, or give --like")
    require(all(text.strip() for text in sentences), "a sentence is empty; type what is searched for")
    asked = LabelSet(tuple(Label(text.strip()) for text in dict.fromkeys(sentences)), verbatim=verbatim)
    if like:
        asked = asked.with_examples(QUERY, like)
    asked = asked.with_negatives(*negatives or [])
    recognizer = model.load()
    with ProgressBars(quiet=as_json) as bars:
        motions = embed_folder(recognizer, folder, window=window, hop=hop, progress=bars.counter("reading motions"))
    hits = find(recognizer, motions, asked)
    best = Hits(hits[:top])
    if as_json:
        print_json(
            {
                "folder": folder,
                "query": sentences,
                "like": [str(path) for path in like or []],
                "not": negatives or [],
                "model": model.title,
                "files": len(motions.motions),
                "computed": motions.computed,
                "calibrated": recognizer.calibration is not None,
                **best.to_dict(),
                "unreadable": [asdict(failure) for failure in motions.unreadable],
            }
        )
        return
    from rich.console import Console

    from skeltext.recognizer.search_table import hit_table

    Console().print(hit_table(best, folder=Path(folder)))
    say(
        f"{len(motions.motions)} files were searched, {len(motions.motions) - len(hits)} are nearer to what --not says."
    )
    if motions.unreadable:
        say(f"{len(motions.unreadable)} files cannot be searched. The first: {motions.unreadable[0].reason}")
