"""The command `skeltext import`: what SMIE and PGFA released to a store or a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json, say
from skeltext.errors import SkeltextError


def import_released(
    source: Path,
    /,
    *,
    dataset: str,
    split: str | None = None,
    out: Path | None = None,
    text_encoder: str = "sentence-transformers/all-mpnet-base-v2",
    preprocessing: str = "published50",
    store: Path | None = None,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Make a prepared store of arrays that SMIE or PGFA released, or a run of their weights.

    A folder with seen_train_data.npy and its kind, or one_shot_train_data.npy and its kind, becomes a store with the
    published halves. A .pt file of PGFA becomes a run of one epoch for `predict` and `evaluate`; one of SMIE, an
    encoder alone, becomes a first stage for `train --pretrained`. Nothing in the file is executed.

    --json keys: for arrays those of `prepare`, and split; for weights folder, dataset, split, method, encoder and
    text_encoder.

    Parameters
    ----------
    source
        A folder of released arrays, or a file of released weights.
    dataset
        Name of the data set: ntu60, ntu120 or pku-mmd.
    split
        Class split of the arrays (found by their unseen classes if not given), or that the weights were trained on.
    out
        Folder to write: prepared/DATASET-FOLDER or runs/FILE by default.
    text_encoder
        Text encoder that the weights were trained with.
    preprocessing
        What the weights are fed: published50 where clips are as recorded, released where they are released arrays.
    store
        Prepared store that the weights will be evaluated on; prepared/DATASET by default.
    """
    if not source.exists():
        raise SkeltextError(f"{source} does not exist; give a folder of released arrays or a file of released weights")
    if source.is_dir():
        _import_arrays(source, dataset, split, out or Path("prepared") / f"{dataset}-{source.name}", as_json=as_json)
        return
    from skeltext.datasets.registry import dataset_named
    from skeltext.recognizer.released import import_checkpoint

    known = dataset_named(dataset)
    if split is None:
        raise SkeltextError(
            f"{source} does not tell which classes it was trained on; name their split with --split, one of"
            f" {', '.join(known.splits)}"
        )
    from skeltext.runs.folder import RunFolder
    from skeltext.runs.imported import write_imported_run

    run = RunFolder(out or Path("runs") / source.stem)
    card = import_checkpoint(
        source,
        dataset=known,
        split=known.split(split),
        out=run.checkpoint,
        text_encoder=text_encoder,
        preprocessing=preprocessing,
    )
    method, encoder = card.model.method, card.model.encoder
    alone = method == "classifier"  # an encoder without the head that it was trained with
    folder = run.checkpoint if alone else run.path
    if not alone:
        write_imported_run(run, split=split, store=store)
    made = {"folder": str(folder), "dataset": dataset, "split": split, "method": method, "encoder": encoder}
    if as_json:
        print_json(made | {"text_encoder": card.text_encoder})
        return
    use = f"skeltext train --pretrained {folder}" if alone else f"skeltext evaluate {folder}"
    say(f"{folder} holds {encoder} as a {method} of the {len(card.labels)} seen classes of {split}; go on with `{use}`")


def _import_arrays(source: Path, dataset: str, split: str | None, out: Path, *, as_json: bool) -> None:
    from skeltext.datasets.registry import dataset_named
    from skeltext.datasets.released import import_arrays
    from skeltext.progress import ProgressBars

    with ProgressBars(quiet=as_json) as bars:
        progress = bars.counter(f"reading {source.name}")
        manifest, chosen = import_arrays(
            source, dataset=dataset_named(dataset), split=split, out=out, progress=progress
        )
    if as_json:
        print_json(manifest.to_json() | {"split": chosen.name})
        return
    from skeltext.benchmark.tables import manifest_table

    Console().print(manifest_table(manifest))
    words = f"--dataset {dataset} --store {out} --split {chosen.name} --preprocessing released"
    say(f"`skeltext train {words}` trains on the published half")
