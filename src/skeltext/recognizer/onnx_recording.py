"""Networks recorded as ONNX files, which :mod:`skeltext.formats.onnx_file` opens without torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skeltext.errors import SkeltextError, require
from skeltext.formats.onnx_file import METADATA
from skeltext.formats.writing import made_folder, written_aside

WORTH_IT = 256  # numbers of a weight that is kept in half of its bytes


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
                    optimize=False,
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
        _simplify(program.model)
        model = program.model_proto
        _narrow(model.graph)
        aside.write_bytes(model.SerializeToString())
        yield aside


def _simplify(model: Any) -> None:
    """Compute what is constant now, in place; weights are left as they are, for ONNX Runtime merges layers itself."""
    from onnxscript import optimizer

    optimizer.inline(model)
    optimizer.fold_constants(model)
    optimizer.remove_unused_nodes(model)


def _narrow(graph: Any) -> None:
    """Keep the weights that half precision holds exactly as such, in place; they are widened where a file is loaded."""
    from onnx import TensorProto, helper, numpy_helper

    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        wide = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = wide.astype(np.float16)
        if wide.size >= WORTH_IT and (half == wide).all():
            widened = helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{tensor.name}_half"))
            graph.node.insert(0, widened)


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
