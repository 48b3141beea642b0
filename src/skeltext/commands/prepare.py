"""The command `skeltext prepare`: original files to a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json


def prepare(
    dataset: str,
    /,
    *,
    raw: Path | None = None,
    out: Path | None = None,
    reading: str | None = None,
    workers: int | None = None,
    fresh: Annotated[bool, Parameter(negative="")] = False,
    compare: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Turn the original files of a data set into a prepared store.

    Data sets: builtin, utd-mhad, kinder-gator, msr-action3d, nw-ucla, gtu-action3d, hdm05, ntu60, ntu120, pku-mmd,
    pku-mmd2, and kinect20, the union of the six open Kinect and motion-capture sets in one layout (give the folder that
    holds theirs). Passed on as packs: kard, msr-daily-activity, cad60, ui-prmd, kimore, sbu-interaction, cmu-subset,
    bandai-namco-more and penn-action (flat). motion14 is the union of kinect20 and the others of these, motion15
    that of its clips as four cameras see them and of penn-action, motion-open the one of cmu-subset, ui-prmd, hdm05 and
    builtin, which may be used for anything.

    A preparation that was killed goes on where it was when the same command is given again; until it is done, its
    clips wait in a hidden folder beside the store.

    --json keys: those of manifest.json in the store (dataset, reading, clips, frames, clips by classes, subjects,
    cameras, setups and sources, protocols (train and test), bad (id and reason), expected (published counts),
    versions, hash), folder, seconds, and with --compare differences, a list of sentences.

    Parameters
    ----------
    dataset
        Name of the data set.
    raw
        Folder or archive with the original files as downloaded.
    out
        Folder of the store; prepared/DATASET by default.
    reading
        Way to read the original files, where the data set has several; the first by default.
    workers
        Processes that read at a time; all cores by default.
    fresh
        Start over instead of going on where a killed preparation was.
    compare
        A manifest.json of another store: tells how that one differs. Without --raw a store that is there is compared.
    """
    from skeltext.datasets.manifest import differences, manifest_in, read_manifest
    from skeltext.datasets.prepare import prepare as prepare_dataset
    from skeltext.progress import ProgressBars

    folder = out or Path("prepared") / dataset
    other = None if compare is None else read_manifest(compare)
    manifest = manifest_in(folder) if other and raw is None else None
    if manifest is None:
        with ProgressBars(quiet=as_json) as bars:
            manifest = prepare_dataset(
                dataset,
                raw=raw,
                out=folder,
                reading=reading,
                workers=workers,
                fresh=fresh,
                progress=bars.counter(f"reading {dataset}", unit="clips"),
                writing=bars.counter("writing the store", unit="clips"),
            )
    found = [] if other is None else differences(manifest, other)
    if as_json:
        print_json(manifest.to_json() | ({} if other is None else {"differences": found}))
        return
    from skeltext.benchmark.tables import manifest_table

    console = Console()
    console.print(manifest_table(manifest))
    for sentence in found:
        console.print(sentence, highlight=False, markup=False)
