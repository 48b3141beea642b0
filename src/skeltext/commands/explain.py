"""The command `skeltext explain`: which joints and frames carried the score of a label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from skeltext.commands.output import Json, print_json, say
from skeltext.commands.recognising import FileOptions, LabelOptions, ModelOptions

SHOWN = 8  # joints


def explain(
    file: Path,
    /,
    *,
    asked: LabelOptions = LabelOptions(),
    source: FileOptions = FileOptions(),
    model: ModelOptions = ModelOptions(),
    of: str | None = None,
    out: Path | None = None,
    bins: int = 10,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Tell which joints and which frames of a motion file carry the score of a label.

    `skeltext explain throw.bvh --labels throw catch sit --of throw --out throw.svg` holds one joint after the other
    still, then one limb after the other, and bridges one part of the time after the other, and measures how much of the
    score is lost.

    --json keys: file, model, label, score, joints (name to what it carries, most first), limbs (joint to the drop
    without all that hangs from it), frames (start, end in seconds or null, drop) and picture (path or null).

    Parameters
    ----------
    file
        A motion file; `skeltext check FILE` tells how it is understood.
    of
        The label to explain; the best one by default.
    out
        Draw the explanation as stick figures in this .svg file.
    bins
        In how many parts the time is cut.
    """
    from skeltext.formats.writing import made_folder, write_text

    clip = source.read(file)
    labels = asked.choose()
    found = model.load().explain(clip, labels, of=of, bins=bins, pair=asked.pair)
    if out is not None:
        from skeltext.recognizer.stick_figure import stick_figures

        made_folder(out.parent)
        write_text(out, stick_figures(found))
    if as_json:
        picture = {"picture": None if out is None else str(out)}
        print_json({"file": str(file), "model": model.title} | found.to_dict() | picture)
        return
    from rich.console import Console

    from skeltext.recognizer.explanation_table import explanation_tables

    for table in explanation_tables(found, joints=SHOWN):
        Console().print(table)
    if out is not None:
        say(f"Picture: {out.resolve().as_uri()}")
