"""The command `skeltext export`: a trained model as one ONNX file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from skeltext.commands.output import Json, print_json, say

if TYPE_CHECKING:
    from rich.table import Table

    from skeltext.recognizer.export import Parity


def export(
    run: Path,
    file: Path,
    /,
    *,
    sentences: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[Json, Parameter(name="--json")] = False,
) -> None:
    """Write a trained model as one ONNX file, which predicts without torch.

    `skeltext export runs/mine model.onnx`, then on any machine with `pip install --no-deps skeltext` and the packages
    numpy, safetensors, cyclopts, rich, pyyaml, filelock, lazy-loader and onnxruntime: `skeltext predict wave.npz
    --model model.onnx --labels "sit down" "wave a hand"`. Labels that were embedded before are kept on disk and need
    nothing more; for new ones write the text encoder beside the model with --sentences, once, which takes tokenizers,
    too.

    The file holds what is left of the preparation, the network and the calibration. Its inputs are clips (clips,
    coordinates, frames, joints, bodies) and embedded texts (texts, width), its outputs embedded clips and their cosines
    with the texts. It is compared with the model before it gets its name; where scores differ by more than 0.0001 there
    is no file. Methods whose scores are cosines can be exported: pgfa and devise.

    --json keys: file, bytes, comparisons (clips, frames, bodies, directions, scores: the largest differences; ranking:
    the share that is ranked alike), inside and outside (steps of the preparation), torch_ms and onnx_ms (median
    processor time for three seconds of motion, one thread), calibrated, sentences (file, difference; null without).

    Parameters
    ----------
    run
        Folder of a run or of a checkpoint.
    file
        The file to write; its name ends in .onnx.
    sentences
        Write the text encoder beside it, too, as sentences.onnx, where `predict` finds it.
    """
    from skeltext.recognizer.card import load_card
    from skeltext.recognizer.export import export_onnx
    from skeltext.recognizer.loading import checkpoint_of

    parity = export_onnx(run, file)
    texts = _export_sentences(load_card(checkpoint_of(run)).text_encoder, file) if sentences else None
    if as_json:
        print_json({"file": str(file), "sentences": texts} | asdict(parity))
        return
    Console().print(parity_table(parity))
    steps = f"The graph holds {', '.join(parity.inside) or 'no step'} of the preparation"
    say(f"{steps}; {', '.join(parity.outside) or 'nothing'} comes before it.")
    times = f"{parity.torch_ms:.1f} ms with torch and {parity.onnx_ms:.1f} ms with ONNX Runtime"
    say(f"Three seconds of motion take {times} on one thread.")
    if not parity.calibrated:
        say("The model has no calibration; `skeltext calibrate RUN` fits one, then export it again.")
    say(f"{file} ({parity.bytes / 1e6:.1f} MB): go on with `skeltext predict FILE --model {file} --labels ...`")
    if texts:
        say(f"{texts['file']} embeds new labels, up to {texts['difference']:.0e} as the text encoder does")


def parity_table(parity: Parity) -> Table:
    """How far both are apart for every batch that they were compared on."""
    from rich.table import Table

    table = Table("clips", "frames", "bodies", "directions apart", "scores apart", "ranked alike")
    for row in parity.comparisons:
        numbers = (f"{row.directions:.1e}", f"{row.scores:.1e}", f"{100 * row.ranking:.0f} %")
        table.add_row(str(row.clips), str(row.frames), str(row.bodies), *numbers)
    return table


def _export_sentences(name: str, model: Path) -> dict[str, str | float]:
    """The text encoder of that name beside an exported model."""
    from skeltext.recognizer.sentence_export import export_sentences
    from skeltext.texts.onnx_sentences import SENTENCES

    path = model.with_name(SENTENCES)
    return {"file": str(path), "difference": export_sentences(name, path)}
