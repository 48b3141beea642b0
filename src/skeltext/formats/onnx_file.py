"""ONNX files of our own: a recorded graph with a JSON text in its metadata. Reading one needs ONNX Runtime alone."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skeltext.errors import SkeltextError, require
from skeltext.formats.writing import made_folder, written_aside

if TYPE_CHECKING:
    from torch import Tensor, nn

METADATA = "skeltext"
"""The key under which the JSON text lies."""


@contextmanager
def recorded_aside(
    module: nn.Module,
    path: Path,
    *,
    inputs: Mapping[str, Tensor],
    dynamic: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    metadata: Mapping[str, Any],
) -> Iterator[Path]:
    """Record what `module` makes of its named `inputs` beside `path`, which the file becomes if the block ends well.

    `dynamic` names the axes of every input whose size may change. Raises :class:`SkeltextError` where a package is
    missing, or where the module does something that a graph cannot hold.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        require(find_spec(package), f"exporting needs the package {package}: pip install 'skeltext[onnx]'")
    import torch

    shapes = {name: dict.fromkeys(axes, torch.export.Dim.DYNAMIC) for name, axes in dynamic.items()}
    made_folder(path.parent)
    with written_aside(path) as aside:
        try:
            with _quiet():
                program = torch.onnx.export(
                    module,
                    kwargs=dict(inputs),
                    input_names=list(inputs),
                    output_names=list(outputs),
                    dynamic_shapes=shapes,
                    dynamo=True,
                    verbose=False,
                )
        except torch.onnx.OnnxExporterError as error:
            reason = str(error.__cause__ or error).strip().partition("\n")[0]
            raise SkeltextError(
                f"{path} cannot be written, since no graph can be recorded of this: {reason}"
            ) from error
        assert program is not None  # the exporter returns one whenever it writes no file itself
        program.model.metadata_props[METADATA] = json.dumps(metadata)
        for node in program.model.graph.all_nodes():
            node.metadata_props.clear()  # places in source files, which concern nobody who reads the file
        program.save(aside)
        yield aside


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own parts."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def open_graph(path: Path, *, holds: str, written_by: str) -> tuple[Any, dict[str, Any]]:
    """The session that computes a file of :func:`recorded_aside` on one thread, and its metadata.

    `holds` says what the file should hold and `written_by` which command writes one, for the sentence that is raised as
    a :class:`SkeltextError` where the file is missing, damaged or of somebody else.
    """
    require(
        find_spec("onnxruntime"), f"an exported {holds} needs the package onnxruntime: pip install 'skeltext[onnx]'"
    )
    require(path.is_file(), f"{path} is not there; `{written_by}` writes an exported {holds}")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a clip or a sentence is too little work for more
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
        require(METADATA in metadata, "its metadata are not of skeltext")
        return session, dict(json.loads(metadata[METADATA]))
    except Exception as error:  # the runtime's own exceptions share no other base
        raise not_ours(path, error, holds=holds, written_by=written_by) from error


def not_ours(path: Path, reason: object, *, holds: str, written_by: str) -> SkeltextError:
    """The error for a file that holds something else."""
    why = " ".join(str(reason).rpartition("failed:")[2].split())[:100]  # after which the runtime says what
    return SkeltextError(f"{path} is no {holds} that skeltext exported ({why}); write it with `{written_by}`")
