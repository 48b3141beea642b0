"""ONNX files of our own: a graph with a JSON text in its metadata. Reading one needs ONNX Runtime alone."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from skeltext.errors import SkeltextError, require

METADATA = "skeltext"
"""The key under which the JSON text lies."""


def open_graph(path: Path, *, holds: str, written_by: str) -> tuple[Any, dict[str, Any]]:
    """The session that computes an exported file on one thread, and its metadata.

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
